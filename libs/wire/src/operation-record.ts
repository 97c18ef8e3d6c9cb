import { viewOf } from '@holdfast/io';
import { AnswerFlag, type OpKind } from './data-ops.ts';
import { type ErrorCode, errorCode, errorNumber } from './errors.ts';
import { OPERATION_RECORD as RECORD } from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import { getU53, isU53, putU53 } from './u53.ts';

/** What the cluster remembers of a write that carried an idempotency key: its first answer. */
export interface OperationRecord {
  readonly kind: OpKind;
  /** The code that was answered; undefined when it was done. */
  readonly refusal: ErrorCode | undefined;
  /** Of the write; of a refused one: the current one then. */
  readonly revision: number;
  /** Increment: the new number. Deletion of a range: how many keys. Else 0. */
  readonly counter: number;
  /** The key had a value before; false as well when nobody asked. */
  readonly existed: boolean;
  /** Transaction: its checks held. */
  readonly succeeded: boolean;
  /** When the record goes, milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** Transaction: its answer. Deletion of a range: where to go on. Else empty. A view. */
  readonly payload: Uint8Array;
}

export function encodeOperationRecord(record: OperationRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD.bytes + record.payload.length);
  bytes.set(record.payload, RECORD.bytes);
  const view = viewOf(bytes);
  putU53(view, RECORD.revision, record.revision);
  view.setBigInt64(RECORD.counter, BigInt(record.counter), true);
  putU53(view, RECORD.expiresAtMs, record.expiresAtMs);
  view.setUint16(RECORD.status, record.refusal === undefined ? 0 : errorNumber(record.refusal), true);
  view.setUint8(RECORD.kind, record.kind);
  const flags = (record.existed ? AnswerFlag.found : 0) | (record.succeeded ? AnswerFlag.succeeded : 0);
  view.setUint8(RECORD.flags, flags);
  return bytes;
}

/** @throws ProtocolError */
export function readOperationRecord(bytes: Uint8Array): OperationRecord {
  const view = viewOf(bytes);
  if (bytes.length < RECORD.bytes || !isU53(view, RECORD.revision) || !isU53(view, RECORD.expiresAtMs)) {
    throw new ProtocolError('malformed', 'record of an operation');
  }
  const status = view.getUint16(RECORD.status, true);
  const flags = view.getUint8(RECORD.flags);
  return {
    kind: view.getUint8(RECORD.kind) as OpKind,
    refusal: status === 0 ? undefined : errorCode(status),
    revision: getU53(view, RECORD.revision),
    counter: Number(view.getBigInt64(RECORD.counter, true)),
    existed: (flags & AnswerFlag.found) !== 0,
    succeeded: (flags & AnswerFlag.succeeded) !== 0,
    expiresAtMs: getU53(view, RECORD.expiresAtMs),
    payload: bytes.subarray(RECORD.bytes),
  };
}
