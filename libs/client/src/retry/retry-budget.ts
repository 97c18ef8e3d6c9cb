/** How a {@link RetryBudget} fills. */
export interface RetryBudgetOptions {
  /** Retries that may be spent at once. */
  readonly capacity: number;
  /** What each success adds, in retries. */
  readonly earnedPerSuccess: number;
}

/**
 * A token bucket that ties retries to successes: when most requests fail, retries become a small fraction of the
 * load instead of a multiple of it. Redirects and searches for a leader are paced otherwise and cost nothing here.
 */
export class RetryBudget {
  readonly #capacity: number;
  readonly #earned: number;
  #tokens: number;

  constructor(options: RetryBudgetOptions) {
    this.#capacity = options.capacity;
    this.#earned = options.earnedPerSuccess;
    this.#tokens = options.capacity;
  }

  /** Retries that may be spent now; fractions do not count. */
  get tokens(): number {
    return this.#tokens;
  }

  succeeded(): void {
    const tokens = this.#tokens + this.#earned;
    this.#tokens = tokens > this.#capacity ? this.#capacity : tokens;
  }

  /** Takes one retry; false when there is none. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
