import { assert, EMPTY_BYTES, type KeyspaceId, storeU16, storeU32, storeU53, viewOf } from '@holdfast/io';
import { Condition, OpKind } from './data-ops.ts';
import {
  STEP_RESULT as RESULT,
  TRANSACTION_ANSWER as ANSWER,
  TRANSACTION_HEAD as HEAD,
  TRANSACTION_STEP as STEP,
} from './generated/layout.ts';
import { GrowableBytes } from './growable-bytes.ts';
import { ProtocolError } from './holdfast-error.ts';
import { KEY_BYTES_MAX, TRANSACTION_STEPS_MAX, VALUE_BYTES_MAX } from './limits.ts';
import { getU53, isU53, putU53 } from './u53.ts';

/**
 * A transaction inside one op: checks, and two lists of steps of which one is done, all of it or nothing.
 *
 * ```
 * +--------+------+------+---+----------+-----+--------------+-------+----------+- -
 * | checks | ok   | else | 0 | step     | key | content type | value | step     |
 * | u16    | u16  | u16  |u16| 32 bytes |     |              |       | 32 bytes |
 * +--------+------+------+---+----------+-----+--------------+-------+----------+- -
 *
 *  +----------+-----------+----------+--------------+------+-----------+--------------+----------+
 *  | revision | ttl ms    | keyspace | value length | key  | kind      | content type | reserved |
 *  | u64      | u64       | u32      | u32          | u16  | condition | length u8    | 0 x 3    |
 *  +----------+-----------+----------+--------------+------+-----------+--------------+----------+
 * ```
 */
export interface Transaction {
  readonly checks: readonly CheckStep[];
  /** Done when every check holds. */
  readonly success: readonly TransactionStep[];
  /** Done otherwise. */
  readonly failure: readonly TransactionStep[];
}

/** What must hold of one key in front of the transaction. */
export interface CheckStep {
  readonly keyspace: KeyspaceId;
  readonly key: Uint8Array;
  /** Not `none`. */
  readonly condition: Condition;
  /** For `revisionEquals`. */
  readonly revision: number;
  /** For `valueEquals`. */
  readonly value: Uint8Array;
}

/** One step. It sees what the steps in front of it have written. */
export interface TransactionStep {
  readonly kind: typeof OpKind.get | typeof OpKind.put | typeof OpKind.delete | typeof OpKind.increment;
  readonly keyspace: KeyspaceId;
  readonly key: Uint8Array;
  /** Put: the value. Increment: 8 bytes, two's complement, little-endian. Else empty. */
  readonly value: Uint8Array;
  readonly contentType: Uint8Array;
  /** Put: milliseconds to live; 0 = for ever. */
  readonly ttlMs: number;
}

/** What one step found or made. */
export interface StepResult {
  /** Get: of the value, 0 when there is none. Write: that of the transaction. */
  readonly revision: number;
  /** The key has a value; of a write: it had one before. */
  readonly found: boolean;
  /** Get: the value. Increment: the new number, 8 bytes, two's complement, little-endian. */
  readonly value: Uint8Array;
  readonly contentType: Uint8Array;
  /** Get: milliseconds since 1970; 0 = never. */
  readonly expiresAtMs: number;
}

export interface TransactionAnswer {
  /** Position of the first check that did not hold; undefined when all held. */
  readonly failedCheck: number | undefined;
  /** One for each step of the list that was done. */
  readonly results: readonly StepResult[];
}

const NO_FAILED_CHECK = 0xffff;
const KIND_CHECK = 0;
const FLAG_FOUND = 1;

/** The caller has validated what comes from outside; limits are asserted. */
export function encodeTransaction({ checks, success, failure }: Transaction): Uint8Array {
  const count = checks.length + success.length + failure.length;
  assert(count > 0 && count <= TRANSACTION_STEPS_MAX, 'a transaction has 1 to TRANSACTION_STEPS_MAX steps');
  const bytes = new GrowableBytes(256);
  const at = bytes.reserve(HEAD.bytes);
  bytes.view.setUint16(at + HEAD.checkCount, checks.length, true);
  bytes.view.setUint16(at + HEAD.successCount, success.length, true);
  bytes.view.setUint16(at + HEAD.failureCount, failure.length, true);
  bytes.view.setUint16(at + HEAD.reserved0, 0, true);
  for (const check of checks) {
    append(bytes, { ...check, kind: KIND_CHECK, contentType: EMPTY_BYTES, ttlMs: 0 });
  }
  for (const step of [...success, ...failure])
    append(bytes, { ...step, condition: Condition.none, revision: 0 });
  return bytes.bytes.subarray(0, bytes.length);
}

type AnyStep = Omit<TransactionStep, 'kind'> &
  Pick<CheckStep, 'condition' | 'revision'> & { readonly kind: number };

function append(bytes: GrowableBytes, step: AnyStep): void {
  const { key, value, contentType } = step;
  assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'key of 1 to KEY_BYTES_MAX bytes');
  const at = bytes.reserve(STEP.bytes);
  const { view } = bytes;
  putU53(view, at + STEP.revision, step.revision);
  putU53(view, at + STEP.ttlMs, step.ttlMs);
  view.setUint32(at + STEP.keyspaceId, step.keyspace, true);
  view.setUint32(at + STEP.valueLength, value.length, true);
  view.setUint16(at + STEP.keyLength, key.length, true);
  view.setUint8(at + STEP.kind, step.kind);
  view.setUint8(at + STEP.condition, step.condition);
  view.setUint32(at + STEP.contentTypeLength, contentType.length, true); // and the reserved bytes
  bytes.append(key);
  bytes.append(contentType);
  bytes.append(value);
}

/**
 * The transaction in the value of an op; its byte fields are views.
 * @throws ProtocolError when the bytes are not one, or hold a step that cannot be.
 */
export function readTransaction(bytes: Uint8Array): Transaction {
  if (bytes.length < HEAD.bytes) throw new ProtocolError('malformed', 'head of a transaction');
  const view = viewOf(bytes);
  const checks = view.getUint16(HEAD.checkCount, true);
  const successes = view.getUint16(HEAD.successCount, true);
  const count = checks + successes + view.getUint16(HEAD.failureCount, true);
  if (count === 0 || count > TRANSACTION_STEPS_MAX) throw new ProtocolError('limit', `${count} steps`);
  const steps: AnyStep[] = [];
  let at: number = HEAD.bytes;
  for (let i = 0; i < count; i++) {
    const step = readStep(bytes, view, at);
    if (!isPossible(step, i < checks)) throw new ProtocolError('malformed', 'step of a transaction');
    steps.push(step);
    at += STEP.bytes + step.key.length + step.contentType.length + step.value.length;
  }
  if (at !== bytes.length) throw new ProtocolError('malformed', 'steps and bytes differ in length');
  return {
    checks: steps.slice(0, checks),
    success: steps.slice(checks, checks + successes) as AnyStep[] as TransactionStep[],
    failure: steps.slice(checks + successes) as AnyStep[] as TransactionStep[],
  };
}

function readStep(bytes: Uint8Array, view: DataView, at: number): AnyStep {
  if (bytes.length - at < STEP.bytes || !isU53(view, at + STEP.revision) || !isU53(view, at + STEP.ttlMs))
    throw new ProtocolError('malformed', 'head of a step');
  const key = at + STEP.bytes;
  const contentType = key + view.getUint16(at + STEP.keyLength, true);
  const value = contentType + view.getUint8(at + STEP.contentTypeLength);
  const end = value + view.getUint32(at + STEP.valueLength, true);
  if (end > bytes.length) throw new ProtocolError('malformed', 'step longer than its transaction');
  return {
    kind: view.getUint8(at + STEP.kind),
    condition: view.getUint8(at + STEP.condition) as Condition,
    revision: getU53(view, at + STEP.revision),
    ttlMs: getU53(view, at + STEP.ttlMs),
    keyspace: view.getUint32(at + STEP.keyspaceId, true) as KeyspaceId,
    key: bytes.subarray(key, contentType),
    contentType: bytes.subarray(contentType, value),
    value: bytes.subarray(value, end),
  };
}

function isPossible(step: AnyStep, check: boolean): boolean {
  const { kind, condition, key, value } = step;
  if (key.length === 0 || key.length > KEY_BYTES_MAX || value.length > VALUE_BYTES_MAX) return false;
  if (check) {
    const known = condition > Condition.none && condition <= Condition.valueEquals;
    return kind === KIND_CHECK && known && (condition === Condition.valueEquals || value.length === 0);
  }
  if (condition !== Condition.none) return false;
  switch (kind) {
    case OpKind.put:
      return true;
    case OpKind.get:
    case OpKind.delete:
      return value.length === 0;
    case OpKind.increment:
      return value.length === 8 && Number.isSafeInteger(Number(viewOf(value).getBigInt64(0, true)));
    default:
      return false;
  }
}

export function encodeTransactionAnswer({ failedCheck, results }: TransactionAnswer): Uint8Array {
  let length = ANSWER.bytes;
  for (const { contentType, value } of results) length += RESULT.bytes + contentType.length + value.length;
  const bytes = new Uint8Array(length);
  storeU16(bytes, ANSWER.stepCount, results.length);
  storeU16(bytes, ANSWER.failedCheck, failedCheck ?? NO_FAILED_CHECK);
  let at: number = ANSWER.bytes;
  for (const { revision, expiresAtMs, contentType, value, found } of results) {
    storeU53(bytes, at + RESULT.revision, revision);
    storeU53(bytes, at + RESULT.expiresAtMs, expiresAtMs);
    storeU32(bytes, at + RESULT.valueLength, value.length);
    storeU32(bytes, at + RESULT.contentTypeLength, contentType.length); // and flags, reserved
    bytes[at + RESULT.flags] = found ? FLAG_FOUND : 0;
    at += RESULT.bytes;
    bytes.set(contentType, at);
    at += contentType.length;
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

/** The answer to a transaction; its byte fields are views. @throws ProtocolError */
export function readTransactionAnswer(bytes: Uint8Array): TransactionAnswer {
  if (bytes.length < ANSWER.bytes) throw new ProtocolError('malformed', 'answer to a transaction');
  const view = viewOf(bytes);
  const count = view.getUint16(ANSWER.stepCount, true);
  if (count > TRANSACTION_STEPS_MAX) throw new ProtocolError('limit', `${count} results`);
  const failedCheck = view.getUint16(ANSWER.failedCheck, true);
  const results: StepResult[] = [];
  let at: number = ANSWER.bytes;
  for (let i = 0; i < count; i++) {
    if (
      bytes.length - at < RESULT.bytes ||
      !isU53(view, at + RESULT.revision) ||
      !isU53(view, at + RESULT.expiresAtMs)
    )
      throw new ProtocolError('malformed', 'result of a step');
    const contentType = at + RESULT.bytes;
    const value = contentType + view.getUint8(at + RESULT.contentTypeLength);
    const end = value + view.getUint32(at + RESULT.valueLength, true);
    if (end > bytes.length) throw new ProtocolError('malformed', 'result longer than its answer');
    results.push({
      revision: getU53(view, at + RESULT.revision),
      found: (view.getUint8(at + RESULT.flags) & FLAG_FOUND) !== 0,
      value: bytes.subarray(value, end),
      contentType: bytes.subarray(contentType, value),
      expiresAtMs: getU53(view, at + RESULT.expiresAtMs),
    });
    at = end;
  }
  if (at !== bytes.length) throw new ProtocolError('malformed', 'results and bytes differ in length');
  return { failedCheck: failedCheck === NO_FAILED_CHECK ? undefined : failedCheck, results };
}
