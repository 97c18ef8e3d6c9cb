/** Cancels what {@link Clock.schedule} planned; calling it late or twice does nothing. */
export type Cancel = () => void;

/**
 * The only source of time and of "later". A core never holds one: its owner turns time into ticks
 * (rule 2 of the architecture). Compositions (`store`, `client`) do.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May jump in both directions: use it for revisions and expiry only. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start, never going back. Fractions allowed. */
  monotonicMs(): number;
  /** Runs `task` once, not before `delayMs` from now. A late timer runs once, never several times. */
  schedule(delayMs: number, task: () => void): Cancel;
  /**
   * Runs `task` after the input that is ready now has been handled: the end of this turn of the event loop.
   * This is where batches are closed.
   */
  defer(task: () => void): void;
}
