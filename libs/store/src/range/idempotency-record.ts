import { EMPTY_BYTES, equalBytes } from '@holdfast/io';
import { encodeOperationRecord, type OperationRecord, OpKind, readOperationRecord } from '@holdfast/wire';
import { concatBytes } from '@holdfast/io';
import { MutationKind } from './command.ts';
import { FINGERPRINT_BYTES } from './fingerprint.ts';
import { type MutationOutcome, type MutationVerdict, VERDICT_CODE } from './outcome.ts';
import { encodeStoredValue, readStoredValue } from './stored-value.ts';
import type { Once, Unit } from './unit.ts';

/** How long a record is kept, milliseconds. */
export const IDEMPOTENCY_WINDOW_MS = 24 * 60 * 60 * 1000;
/** Of the answer to a transaction, so much is kept for replays; larger ones cannot carry an idempotency key. Bytes. */
export const RECORD_PAYLOAD_BYTES_MAX = 64 * 1024;

const WIRE_KIND = new Map<MutationKind, OpKind>([
  [MutationKind.put, OpKind.put],
  [MutationKind.delete, OpKind.delete],
  [MutationKind.increment, OpKind.increment],
  [MutationKind.transaction, OpKind.transaction],
  [MutationKind.deleteRange, OpKind.deleteRange],
]);

/**
 * What a range keeps under an idempotency key, as a stored value that expires:
 *
 * ```
 * u64 fingerprint | OperationRecord (data.fbs)
 * ```
 */
export function encodeIdempotencyRecord(unit: Unit, once: Once, outcome: MutationOutcome): Uint8Array {
  const record: OperationRecord = {
    kind: WIRE_KIND.get(unit.kind) ?? OpKind.put,
    refusal: outcome.verdict === 'applied' ? undefined : VERDICT_CODE[outcome.verdict],
    revision: outcome.revision,
    counter: outcome.counter,
    existed: outcome.existed,
    succeeded: outcome.succeeded,
    expiresAtMs: once.recordExpiresAtMs,
    payload: outcome.payload,
  };
  const value = concatBytes([once.fingerprint, encodeOperationRecord(record)]);
  return encodeStoredValue(EMPTY_BYTES, value, once.recordExpiresAtMs);
}

/** The {@link OperationRecord} in a stored record: a view. */
export function recordIn(stored: Uint8Array): Uint8Array {
  return readStoredValue(stored).value.subarray(FINGERPRINT_BYTES);
}

/** The first answer again, or undefined when the key named another request. */
export function replay(stored: Uint8Array, once: Once): MutationOutcome | undefined {
  const { value } = readStoredValue(stored);
  if (!equalBytes(value.subarray(0, FINGERPRINT_BYTES), once.fingerprint)) return undefined;
  const record = readOperationRecord(value.subarray(FINGERPRINT_BYTES));
  return {
    verdict: verdictOf(record),
    revision: record.revision,
    counter: record.counter,
    existed: record.existed,
    succeeded: record.succeeded,
    replayed: true,
    payload: record.payload,
  };
}

function verdictOf({ refusal }: OperationRecord): MutationVerdict {
  switch (refusal) {
    case undefined:
      return 'applied';
    case 'HF_PRECONDITION_FAILED':
      return 'condition-failed';
    case 'HF_VALUE_NOT_INTEGER':
      return 'not-integer';
    default:
      return 'answer-too-large';
  }
}
