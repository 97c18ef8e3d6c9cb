import type { ErrorCode } from '@holdfast/wire';

/** Ends after which the same watch can be asked for again, here or elsewhere. */
export const RESUMABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HF_NOT_LEADER',
  'HF_WRONG_RANGE',
  'HF_UNAVAILABLE',
  'HF_OVERLOADED',
  'HF_CONNECTION_LOST',
  'HF_WATCH_OVERRUN',
  'HF_NO_QUORUM',
  'HF_REPLICA_BEHIND',
  'HF_TIMEOUT',
  'HF_DEADLINE_EXCEEDED',
  'HF_CORRUPTION',
]);
