import { EMPTY_BYTES, type Revision } from '@holdfast/io';
import {
  Consistency,
  HoldfastError,
  isWrite,
  type OperationRecord,
  OpKind,
  type Outcome,
  type ScanRowsBuilder,
  ScanRowsReader,
  type TransactionAnswer,
} from '@holdfast/wire';
import type { Operation, OpResult, ReplicaRole } from '../operation.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { readOperationRecord } from './rest-lookup.ts';
import { errorOfAnswer, jsonOf, strangerError } from './rest-problem.ts';
import { type RangeAnswer, readRangeAnswer } from './rest-range.ts';
import { isRange } from './rest-request.ts';
import { counterBytes, readTransaction, type TransactionResult } from './rest-transaction.ts';

/** How nodes say that nobody has measured how old an answer is. */
const STALENESS_UNKNOWN_MS = 0xffff_ffff;

/** What the body of a success says, where it is no value. */
interface Told {
  readonly range?: RangeAnswer;
  readonly transaction?: TransactionResult;
  readonly record?: OperationRecord;
}

/** What a gateway's success says, in the terms of an operation's result. */
class RestResult implements OpResult {
  readonly outcome: Outcome;
  readonly found: boolean;
  readonly revision: Revision;
  readonly contentType: Uint8Array;
  readonly value: Uint8Array;
  readonly replayed: boolean;
  readonly servedLevel: Consistency;
  readonly stalenessMs: number;
  readonly role: ReplicaRole;
  readonly expiresAtMs: number;
  readonly count: number;
  readonly succeeded: boolean;
  readonly rowCount: number;
  readonly resumeKey: Uint8Array | undefined;
  readonly #rows: ScanRowsBuilder | undefined;
  readonly #transaction: TransactionAnswer | undefined;
  readonly #record: OperationRecord | undefined;

  constructor(operation: Operation, answer: HttpAnswer, found: boolean, told: Told = {}) {
    const { kind } = operation;
    const { range, transaction, record } = told;
    this.count = range?.count ?? 0;
    this.rowCount = range?.rows.count ?? 0;
    this.resumeKey = range?.resumeKey;
    this.#rows = range?.rows;
    this.succeeded = transaction?.succeeded ?? false;
    this.#transaction = transaction?.answer;
    this.#record = record;
    const write = isWrite(kind);
    const hasValue = found && !write && record === undefined;
    this.outcome = write ? 'applied' : 'not_applied';
    this.found = found && (!write || answer.header('holdfast-existed') === 'true');
    this.revision = (found ? revisionOf(answer) : 0) as Revision;
    this.contentType = hasValue ? latin1(answer.header('content-type') ?? '') : EMPTY_BYTES;
    this.value = hasValue ? answer.body : EMPTY_BYTES;
    if (kind === OpKind.increment) this.value = counterBytes(Number(jsonOf(answer.body)?.['value']));
    this.expiresAtMs = hasValue ? Date.parse(answer.header('holdfast-expires-at') ?? '') || 0 : 0;
    this.replayed = answer.header('idempotent-replayed') === 'true';
    const served = servedAt(answer.header('holdfast-consistency') ?? '');
    this.servedLevel = served.level;
    this.stalenessMs = served.stalenessMs;
    this.role = served.role;
  }

  transaction(): TransactionAnswer {
    if (this.#transaction === undefined) throw new HoldfastError('HF_PROTOCOL');
    return this.#transaction;
  }

  record(): OperationRecord {
    if (this.#record === undefined) throw new HoldfastError('HF_PROTOCOL');
    return this.#record;
  }

  rows(): ScanRowsReader {
    return new ScanRowsReader(this.#rows?.bytes ?? EMPTY_BYTES, this.rowCount);
  }
}

/** The result of an operation, or why it failed, honest about its outcome. */
export function readRestAnswer(operation: Operation, answer: HttpAnswer): OpResult | HoldfastError {
  const { status } = answer;
  const { kind } = operation;
  const writes = isWrite(kind);
  if (status === 200) {
    if (isRange(operation)) return readRange(operation, answer);
    if (kind === OpKind.lookup) return readLookup(operation, answer);
    if (revisionOf(answer) === 0) return strangerError(answer, writes);
    if (kind === OpKind.transaction) return readCommit(operation, answer);
    return new RestResult(operation, answer, true);
  }
  const error = errorOfAnswer(answer, writes);
  if (writes) return error;
  // A HEAD has no body to tell an absent key from an absent keyspace; a read that was served names its level.
  const absent =
    error.code === (kind === OpKind.lookup ? 'HF_NOT_FOUND' : 'HF_KEY_NOT_FOUND') ||
    (status === 404 && answer.body.length === 0 && answer.header('holdfast-consistency') !== undefined);
  return absent ? new RestResult(operation, answer, false) : error;
}

function readLookup(operation: Operation, answer: HttpAnswer): OpResult | HoldfastError {
  const record = readOperationRecord(jsonOf(answer.body));
  return record === undefined
    ? strangerError(answer, false)
    : new RestResult(operation, answer, true, { record });
}

function readCommit(operation: Operation, answer: HttpAnswer): OpResult | HoldfastError {
  const transaction = readTransaction(operation, answer.body);
  if (transaction !== undefined) return new RestResult(operation, answer, true, { transaction });
  // It names a revision, and is cut or no gateway's: what became of the steps is open.
  return new HoldfastError('HF_PROTOCOL', {
    outcome: 'unknown',
    detail: 'the answer is not that of a transaction',
  });
}

function readRange(operation: Operation, answer: HttpAnswer): OpResult | HoldfastError {
  let range: RangeAnswer | undefined;
  try {
    range = readRangeAnswer(operation, answer.body);
  } catch (cause) {
    // No JSON, or rows beyond every limit: not what a gateway says. What became of a removal is open.
    const outcome = isWrite(operation.kind) ? 'unknown' : 'not_applied';
    return new HoldfastError('HF_PROTOCOL', { outcome, detail: 'the answer is no listing', cause });
  }
  if (range === undefined) return strangerError(answer, isWrite(operation.kind));
  if (!range.isCut) return new RestResult(operation, answer, true, { range });
  return new HoldfastError('HF_UNSUPPORTED', {
    outcome: 'not_applied',
    detail: 'REST does not offer counts beyond a million keys; use holdfast://',
  });
}

function revisionOf(answer: HttpAnswer): number {
  const revision = Number(answer.header('holdfast-revision') ?? 0);
  return Number.isSafeInteger(revision) && revision > 0 ? revision : 0;
}

/** `asked=eventual, served=eventual, staleness-ms=12, role=follower`. What is not said is not claimed. */
function servedAt(header: string): {
  readonly level: Consistency;
  readonly stalenessMs: number;
  readonly role: ReplicaRole;
} {
  const served = /\bserved=(strong|bounded|eventual)\b/.exec(header)?.[1] as
    | keyof typeof Consistency
    | undefined;
  const staleness = /\bstaleness-ms=(\d{1,10})\b/.exec(header)?.[1];
  return {
    level: served === undefined ? Consistency.eventual : Consistency[served],
    stalenessMs: staleness === undefined ? STALENESS_UNKNOWN_MS : Number(staleness),
    role: /\brole=leader\b/.test(header) ? 'leader' : 'follower',
  };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
}
