import { ERRORS, type ErrorCode, type Outcome } from '@holdfast/wire';

/** What is known of a failed try. */
export interface RetryQuestion {
  readonly code: ErrorCode;
  /** What this try did. */
  readonly outcome: Outcome;
  readonly write: boolean;
  /** The write carries an idempotency key: sent twice, it is applied once. */
  readonly idempotent: boolean;
  /** Tries so far that counted, this one included. */
  readonly attempts: number;
  readonly attemptsMax: number;
  /** Time that is left, in milliseconds. */
  readonly remainingMs: number;
  /** Wait that the back-off wants, in milliseconds. */
  readonly backoffMs: number;
  /** Wait that the node asks for, in milliseconds; 0 = none. */
  readonly retryAfterMs: number;
}

type GiveUpReason = 'not-retryable' | 'unsafe' | 'attempts' | 'deadline';

export type RetryChoice =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly reason: GiveUpReason };

const NOT_RETRYABLE: RetryChoice = { kind: 'give-up', reason: 'not-retryable' };
const UNSAFE: RetryChoice = { kind: 'give-up', reason: 'unsafe' };
const ATTEMPTS: RetryChoice = { kind: 'give-up', reason: 'attempts' };
const DEADLINE: RetryChoice = { kind: 'give-up', reason: 'deadline' };

/**
 * Whether sending an operation a second time can never apply it twice (D7): reads, writes that certainly did
 * nothing, and writes that carry an idempotency key.
 */
export function isSafeToResend(write: boolean, outcome: Outcome, idempotent: boolean): boolean {
  return !write || outcome === 'not_applied' || idempotent;
}

/**
 * Retry or give up. Safety first, then sense, then time: a wait that outlives the deadline is not begun, so that
 * the caller hears the real reason while it can still act.
 */
export function chooseRetry(question: RetryQuestion): RetryChoice {
  if (!ERRORS[question.code].retryable) return NOT_RETRYABLE;
  if (!isSafeToResend(question.write, question.outcome, question.idempotent)) return UNSAFE;
  if (question.attempts >= question.attemptsMax) return ATTEMPTS;
  const delayMs = question.retryAfterMs > 0 ? question.retryAfterMs + question.backoffMs : question.backoffMs;
  if (delayMs >= question.remainingMs) return DEADLINE;
  return { kind: 'retry', delayMs };
}
