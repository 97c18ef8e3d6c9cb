import { EMPTY_BYTES } from '@holdfast/io';
import type { ErrorCode } from '@holdfast/wire';

/**
 * What became of one mutation. `not-integer`: an increment met something else, or would leave the safe integers.
 * `answer-too-large`: what a transaction reads does not fit into its answer. `key-reused`: its idempotency key named
 * another request before. But for the first, nothing was written.
 */
export type MutationVerdict =
  | 'applied'
  | 'condition-failed'
  | 'not-integer'
  | 'answer-too-large'
  | 'key-reused';

export interface MutationOutcome {
  readonly verdict: MutationVerdict;
  /** Of the new version when applied; else of the newest existing one, 0 when absent. */
  readonly revision: number;
  /** Of an applied increment: the new number. Of a deletion of a range: how many keys. Else 0. */
  readonly counter: number;
  /** The key had a value; false as well when nobody looked. */
  readonly existed: boolean;
  /** Of a transaction: its checks held. */
  readonly succeeded: boolean;
  /** It was decided before, under the same idempotency key. */
  readonly replayed: boolean;
  /** Of a transaction: its answer. Of a deletion of a range: the user key to go on at. Else empty. */
  readonly payload: Uint8Array;
}

export const APPLIED: MutationOutcome = {
  verdict: 'applied',
  revision: 0,
  counter: 0,
  existed: false,
  succeeded: false,
  replayed: false,
  payload: EMPTY_BYTES,
};

export function refused(verdict: Exclude<MutationVerdict, 'applied'>, revision: number): MutationOutcome {
  return { ...APPLIED, verdict, revision, existed: revision !== 0 };
}

/** How each verdict is told. */
export const VERDICT_CODE: Readonly<Record<Exclude<MutationVerdict, 'applied'>, ErrorCode>> = {
  'condition-failed': 'HF_PRECONDITION_FAILED',
  'not-integer': 'HF_VALUE_NOT_INTEGER',
  'answer-too-large': 'HF_BATCH_TOO_LARGE',
  'key-reused': 'HF_IDEMPOTENCY_MISMATCH',
};
