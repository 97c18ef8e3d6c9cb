/** Milliseconds; see `limits.ts`. */
export interface LivenessOptions {
  readonly silenceInFlightMs: number;
  readonly silenceIdleMs: number;
  readonly pingTimeoutMs: number;
}

/**
 * Decides whether a peer that says nothing is dead: a half-open connection reports no error, it only stays silent.
 * Any byte from the peer is a sign of life. Pure: time comes in.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  #heardAtMs: number;
  /** 0 = no ping is out. */
  #pingedAtMs = 0;

  constructor(options: LivenessOptions, nowMs: number) {
    this.#options = options;
    this.#heardAtMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#pingedAtMs = 0;
  }

  /** A request went out over an idle connection: the silence that counts begins now. */
  asked(nowMs: number): void {
    if (this.#pingedAtMs === 0) this.#heardAtMs = nowMs;
  }

  /** What to do now. `ping` counts as sent. */
  check(nowMs: number, owesAnswer: boolean): 'wait' | 'ping' | 'dead' {
    if (this.#pingedAtMs !== 0)
      return nowMs - this.#pingedAtMs >= this.#options.pingTimeoutMs ? 'dead' : 'wait';
    const silence = owesAnswer ? this.#options.silenceInFlightMs : this.#options.silenceIdleMs;
    if (nowMs - this.#heardAtMs < silence) return 'wait';
    this.#pingedAtMs = nowMs;
    return 'ping';
  }
}
