import { compareBytes } from '@holdfast/io';
import {
  CONTENT_TYPE_BYTES_MAX,
  HoldfastError,
  IDEMPOTENCY_KEY_BYTES_MAX,
  KEY_BYTES_MAX,
  OpKind,
  TRANSACTION_BYTES_MAX,
  TRANSACTION_STEPS_MAX,
  VALUE_BYTES_MAX,
} from '@holdfast/wire';
import { PENDING_BYTES_MAX, PENDING_OPS_MAX } from '../limits.ts';
import type { Operation, TransactionRequest } from '../operation.ts';
import { transactionBytes } from './pending-op.ts';

/** Why an operation is refused before anything is done with it, or undefined. Limits are those of the protocol. */
export function refusalOf(operation: Operation): HoldfastError | undefined {
  const { kind, key, value, idempotencyKey } = operation;
  const interval = kind === OpKind.scan || kind === OpKind.deleteRange;
  if (key.length === 0 && !interval) return new HoldfastError('HF_KEY_INVALID');
  if (key.length > KEY_BYTES_MAX || (operation.endKey?.length ?? 0) > KEY_BYTES_MAX) {
    return new HoldfastError('HF_KEY_TOO_LARGE');
  }
  if (value !== undefined && value.length > VALUE_BYTES_MAX) return new HoldfastError('HF_VALUE_TOO_LARGE');
  if (idempotencyKey !== undefined) {
    const { length } = idempotencyKey;
    if (length > IDEMPOTENCY_KEY_BYTES_MAX) return new HoldfastError('HF_IDEMPOTENCY_KEY_INVALID');
  }
  if ((operation.contentType?.length ?? 0) > CONTENT_TYPE_BYTES_MAX) {
    return new HoldfastError('HF_BAD_REQUEST', {
      detail: `contentType has at most ${CONTENT_TYPE_BYTES_MAX} bytes`,
    });
  }
  const { endKey } = operation;
  if (endKey !== undefined && endKey.length > 0 && compareBytes(key, endKey) >= 0) {
    return new HoldfastError('HF_BAD_REQUEST', { detail: 'the end of an interval is not above its start' });
  }
  if (kind < OpKind.get || kind > OpKind.lookup) return new HoldfastError('HF_UNSUPPORTED');
  if ((kind === OpKind.transaction) !== (operation.transaction !== undefined)) {
    return new HoldfastError('HF_BAD_REQUEST', { detail: 'a transaction has steps, and nothing else does' });
  }
  if (operation.transaction !== undefined) {
    const refusal = transactionRefusal(operation.transaction);
    if (refusal !== undefined) return refusal;
  }
  if (kind === OpKind.increment && value?.length !== 8) {
    return new HoldfastError('HF_BAD_REQUEST', { detail: 'an increment has 8 bytes' });
  }
  if (!isCount(operation.revision) || !isCount(operation.minRevision) || !isCount(operation.ttlMs)) {
    return new HoldfastError('HF_BAD_REQUEST', {
      detail: 'revision, minRevision and ttlMs are integers from 0 to 2^53-1',
    });
  }
  if (Number.isNaN(operation.deadlineMs)) {
    return new HoldfastError('HF_BAD_REQUEST', { detail: 'deadlineMs is a number of milliseconds' });
  }
  if (!isU32(operation.limit) || !isU32(operation.limitBytes) || !isU32(operation.maxStalenessMs)) {
    return new HoldfastError('HF_BAD_REQUEST', {
      detail: 'limit, limitBytes and maxStalenessMs are integers from 0 to 2^32-1',
    });
  }
  return undefined;
}

/** Why a client that has this much under way takes no more; undefined when it does. */
export function overload(pendingOps: number, pendingBytes: number): HoldfastError | undefined {
  if (pendingOps < PENDING_OPS_MAX && pendingBytes < PENDING_BYTES_MAX) return undefined;
  return new HoldfastError('HF_OVERLOADED', {
    detail: 'too many operations under way in this client',
    retryAfterMs: 10,
  });
}

function transactionRefusal({ checks, success, failure }: TransactionRequest): HoldfastError | undefined {
  const steps = [...success, ...failure];
  const count = checks.length + steps.length;
  if (count > TRANSACTION_STEPS_MAX) {
    const detail = `a transaction has at most ${TRANSACTION_STEPS_MAX} checks and steps`;
    return new HoldfastError('HF_BATCH_TOO_LARGE', { detail });
  }
  if (count === 0) return new HoldfastError('HF_BAD_REQUEST', { detail: 'a transaction has a step' });
  if (transactionBytes({ checks, success, failure }) > TRANSACTION_BYTES_MAX) {
    return new HoldfastError('HF_BATCH_TOO_LARGE', {
      detail: `a transaction has at most ${TRANSACTION_BYTES_MAX} bytes`,
    });
  }
  for (const { key, value } of [...checks, ...steps]) {
    if (key.length === 0) return new HoldfastError('HF_KEY_INVALID');
    if (key.length > KEY_BYTES_MAX) return new HoldfastError('HF_KEY_TOO_LARGE');
    if ((value?.length ?? 0) > VALUE_BYTES_MAX) return new HoldfastError('HF_VALUE_TOO_LARGE');
  }
  for (const { contentType, ttlMs, kind, value } of steps) {
    if ((contentType?.length ?? 0) > CONTENT_TYPE_BYTES_MAX || !isCount(ttlMs)) {
      return new HoldfastError('HF_BAD_REQUEST', { detail: 'content type or ttlMs of a step' });
    }
    if (kind === OpKind.increment && value?.length !== 8) {
      return new HoldfastError('HF_BAD_REQUEST', { detail: 'an increment has 8 bytes' });
    }
  }
  return undefined;
}

function isCount(value: number | undefined): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 0);
}

function isU32(value: number | undefined): boolean {
  return value === undefined || (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff);
}
