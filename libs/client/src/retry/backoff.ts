import { type Random, randomFraction } from '@holdfast/io';

/** Shape of a back-off: both in milliseconds. */
export interface BackoffRange {
  readonly base: number;
  readonly cap: number;
}

/** Longest wait of try `attempt` (0 is the first): doubles from `base` up to `cap`. */
export function backoffCeilingMs(range: BackoffRange, attempt: number): number {
  return Math.min(range.cap, range.base * 2 ** Math.min(attempt, 30));
}

/**
 * Exponential back-off with full jitter: uniform between 0 and the ceiling, so that clients that failed together do
 * not come back together (Brooker, "Exponential Backoff And Jitter", 2015).
 */
export function fullJitterMs(range: BackoffRange, attempt: number, random: Random): number {
  return backoffCeilingMs(range, attempt) * randomFraction(random);
}

/** The same with a floor of half the ceiling: for waits that must not be nothing. */
export function equalJitterMs(range: BackoffRange, attempt: number, random: Random): number {
  return backoffCeilingMs(range, attempt) * (0.5 + randomFraction(random) / 2);
}
