import { type ErrorCode, HoldfastError, type Outcome } from '@holdfast/wire';
import type { PendingOp } from './pending-op.ts';

/** Refusals of a handshake that no other try and no other node will change. */
export const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HF_UNAUTHENTICATED',
  'HF_FORBIDDEN',
  'HF_WRONG_CLUSTER',
  'HF_VERSION_MISMATCH',
]);
/** Answers that speak against the node, not against the operation. */
export const NODE_TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['HF_UNAVAILABLE', 'HF_INTERNAL']);
/** Answers of a node that does not work as a leader now. */
export const LEADER_TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['HF_UNAVAILABLE', 'HF_NO_QUORUM']);

/** What the log itself says of a write, and remembers under its idempotency key. */
const VERDICTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HF_PRECONDITION_FAILED',
  'HF_VALUE_NOT_INTEGER',
  'HF_IDEMPOTENCY_MISMATCH',
]);

/**
 * The error with which an operation ends. A try before may have been applied, so `not_applied` of the last one is not
 * the last word, unless it is a verdict under an idempotency key: that one is the verdict on every try, those that are
 * still on their way among them.
 *
 * @param forOthers the caller is not the one whom nodes refuse: see `ClientOptions.forOthers`
 */
export function toldError(op: PendingOp, error: HoldfastError, forOthers: boolean): HoldfastError {
  const outcome = outcomeOf(op, error);
  if (forOthers && FATAL.has(error.code)) {
    const detail = `a node refuses this client: ${error.message}`;
    return new HoldfastError('HF_UNAVAILABLE', { outcome, detail, cause: error });
  }
  return outcome === error.outcome ? error : withOutcome(error, outcome);
}

function outcomeOf(op: PendingOp, { code, outcome }: HoldfastError): Outcome {
  if (!op.isWrite) return 'not_applied';
  if (!op.maybeApplied || outcome !== 'not_applied') return outcome;
  return op.idempotent && VERDICTS.has(code) ? 'not_applied' : 'unknown';
}

/** What callers hear after `close`. */
export function closedError(): HoldfastError {
  return new HoldfastError('HF_CANCELLED', { outcome: 'not_applied', detail: 'the client is closed' });
}

/** The same error with another outcome. */
function withOutcome(error: HoldfastError, outcome: Outcome): HoldfastError {
  const { detail, retryAfterMs, revision, leaderHint } = error;
  return new HoldfastError(error.code, {
    outcome,
    cause: error,
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(revision === undefined ? {} : { revision }),
    ...(leaderHint === undefined ? {} : { leaderHint }),
  });
}

/** What the caller hears when the deadline of `op` has passed; `before` is why it took so long, if that is known. */
export function deadlineError(op: PendingOp, before: string): HoldfastError {
  const because = before === '' ? '' : `; before: ${before}`;
  if (op.batch !== undefined) {
    const outcome = op.isWrite ? 'unknown' : 'not_applied';
    return new HoldfastError('HF_TIMEOUT', { outcome, detail: `no answer from the node in time${because}` });
  }
  if (op.maybeApplied) {
    return new HoldfastError('HF_TIMEOUT', { outcome: 'unknown', detail: `no verdict in time${because}` });
  }
  return new HoldfastError('HF_DEADLINE_EXCEEDED', {
    detail: `the operation was not sent in time${because}`,
  });
}
