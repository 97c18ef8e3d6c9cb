/**
 * A token bucket: `perSecond` tokens come in every second, and it holds as many as come in one second (at least one).
 * So over any stretch of time no more than `perSecond x (seconds + 1)` are taken, but for debts.
 */
export class TokenBucket {
  readonly perSecond: number;
  readonly capacity: number;
  #level: number;
  #atMs: number;

  /** @param nowMs of a clock that never goes back, here and everywhere. */
  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.capacity = Math.max(1, perSecond);
    this.#level = this.capacity;
    this.#atMs = nowMs;
  }

  /** Tokens that are there; negative when more was spent than there were. */
  level(nowMs: number): number {
    if (nowMs > this.#atMs) {
      this.#level = Math.min(this.capacity, this.#level + ((nowMs - this.#atMs) / 1000) * this.perSecond);
      this.#atMs = nowMs;
    }
    return this.#level;
  }

  /** Takes `amount`, even if that leaves a debt, which must be paid off before anything else is. */
  spend(nowMs: number, amount: number): void {
    this.#level = this.level(nowMs) - amount;
  }

  /** Milliseconds until `amount` tokens are there, 0 = now; for ever when it holds fewer. */
  waitMs(nowMs: number, amount: number): number {
    if (amount > this.capacity) return Number.POSITIVE_INFINITY;
    const missing = amount - this.level(nowMs);
    return missing <= 0 ? 0 : (missing / this.perSecond) * 1000;
  }
}
