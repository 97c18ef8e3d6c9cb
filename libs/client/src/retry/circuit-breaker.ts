import type { Random } from '@holdfast/io';
import { type BackoffRange, equalJitterMs } from './backoff.ts';

/** `open` lets nothing pass; `half-open` lets one probe pass, whose fate decides. */
export type CircuitState = 'closed' | 'open' | 'half-open';

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failuresMax: number;
  /** How long it stays open: doubles with each opening until something succeeds. */
  readonly openMs: BackoffRange;
  /** A probe that never reports counts as forgotten after this many milliseconds. */
  readonly probeMs: number;
}

/**
 * Stops traffic to a node that fails, and finds out with single probes when it is back. Pure: time comes in as
 * milliseconds of one monotonic clock.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #random: Random;
  #failures = 0;
  #openings = 0;
  #open = false;
  #openUntilMs = 0;
  #probeUntilMs = 0;

  constructor(options: CircuitBreakerOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  /** True while everything may pass: the common case, without a look at the clock. */
  get closed(): boolean {
    return !this.#open;
  }

  state(nowMs: number): CircuitState {
    if (!this.#open) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** Whether {@link allow} would say yes, without taking the probe. */
  wouldAllow(nowMs: number): boolean {
    return !this.#open || (nowMs >= this.#openUntilMs && nowMs >= this.#probeUntilMs);
  }

  /** Whether something may be sent now. Half-open, a yes is the one probe: the caller sends it and reports. */
  allow(nowMs: number): boolean {
    if (!this.wouldAllow(nowMs)) return false;
    if (this.#open) this.#probeUntilMs = nowMs + this.#options.probeMs;
    return true;
  }

  /** The node has answered something sensible. */
  succeeded(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#open = false;
  }

  /** One failure; `opens` is for failures that leave no doubt, like a lost connection. */
  failed(nowMs: number, opens: boolean): void {
    this.#failures++;
    if (!opens && !this.#open && this.#failures < this.#options.failuresMax) return;
    this.#open = true;
    this.#openUntilMs = nowMs + equalJitterMs(this.#options.openMs, this.#openings, this.#random);
    this.#probeUntilMs = 0;
    this.#openings++;
  }

  /** Somebody else has seen the node alive: the next probe may go at once. */
  hinted(nowMs: number): void {
    if (this.#openUntilMs > nowMs) this.#openUntilMs = nowMs;
  }
}
