import type { NodeId, Revision } from '@holdfast/io';
import { ERRORS, type ErrorCode, type ErrorInfo, type Outcome } from './errors.ts';

export interface HoldfastErrorOptions {
  /** What happened this time, for people. Never holds keys, values or tokens. */
  readonly detail?: string;
  /** Where the case at hand is better known than the table's default. */
  readonly outcome?: Outcome;
  /** Milliseconds before another try makes sense. */
  readonly retryAfterMs?: number;
  /** A refused condition: the current revision, 0 when absent. */
  readonly revision?: Revision;
  /** Who may lead the range. */
  readonly leaderHint?: NodeId;
  readonly cause?: unknown;
}

/** An expected failure with a code of the table. Programmer errors are `AssertionError`s instead. */
export class HoldfastError extends Error {
  override readonly name: string = 'HoldfastError';
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly revision: Revision | undefined;
  readonly leaderHint: NodeId | undefined;

  constructor(code: ErrorCode, options: HoldfastErrorOptions = {}) {
    super(`${code}: ${options.detail ?? ERRORS[code].title}`, { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome ?? ERRORS[code].outcome;
    this.detail = options.detail;
    this.retryAfterMs = options.retryAfterMs;
    this.revision = options.revision;
    this.leaderHint = options.leaderHint;
  }

  get info(): ErrorInfo {
    return ERRORS[this.code];
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** V8 captures as many frames as this says; other engines ignore it. */
const capture = Error as { stackTraceLimit?: number };

/**
 * An error that somebody else found and told. Its stack would show how frames are read, which helps nobody, and would
 * take longer than the answer: a client meets thousands a second when a leader is gone.
 */
export function toldError(code: ErrorCode, options: HoldfastErrorOptions): HoldfastError {
  const { stackTraceLimit } = capture;
  if (stackTraceLimit === undefined) return new HoldfastError(code, options);
  capture.stackTraceLimit = 0;
  try {
    return new HoldfastError(code, options);
  } finally {
    capture.stackTraceLimit = stackTraceLimit;
  }
}

/** Which rule a peer broke; the label under which violations are counted. */
export type ProtocolViolation =
  | 'magic'
  | 'header-version'
  | 'header-checksum'
  | 'length'
  | 'type'
  | 'flags'
  | 'version'
  | 'checksum'
  | 'malformed'
  | 'limit'
  | 'unexpected';

/** A peer broke the protocol. Nothing of what it sends is believed any more: close the connection, count it. */
export class ProtocolError extends HoldfastError {
  override readonly name: string = 'ProtocolError';
  readonly violation: ProtocolViolation;

  constructor(violation: ProtocolViolation, detail: string) {
    super('HF_PROTOCOL', { detail: `${violation}: ${detail}` });
    this.violation = violation;
  }
}
