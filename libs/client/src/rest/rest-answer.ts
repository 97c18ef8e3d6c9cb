import { decodeUtf8, EMPTY_BYTES, type Revision } from '@holdfast/io';
import {
  Consistency,
  type ErrorCode,
  ERRORS,
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
import { type RangeAnswer, readRangeAnswer } from './rest-range.ts';
import { isRange } from './rest-request.ts';
import { counterBytes, readTransaction } from './rest-transaction.ts';

/** How nodes say that nobody has measured how old an answer is. */
const STALENESS_UNKNOWN_MS = 0xffff_ffff;
const OUTCOMES: readonly Outcome[] = ['applied', 'not_applied', 'unknown'];

/** What a status means that comes without a problem document. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'HF_UNAUTHENTICATED',
  403: 'HF_FORBIDDEN',
  404: 'HF_NOT_FOUND',
  429: 'HF_OVERLOADED',
  502: 'HF_UNAVAILABLE',
  503: 'HF_UNAVAILABLE',
  504: 'HF_UNAVAILABLE',
};

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
  readonly expiresAtMs = 0;
  readonly count: number;
  readonly succeeded: boolean;
  readonly rowCount: number;
  readonly resumeKey: Uint8Array | undefined;
  readonly #rows: ScanRowsBuilder | undefined;
  readonly #transaction: TransactionAnswer | undefined;

  constructor(operation: Operation, answer: HttpAnswer, found: boolean, range?: RangeAnswer) {
    this.count = range?.count ?? 0;
    this.rowCount = range?.rows.count ?? 0;
    this.resumeKey = range?.resumeKey;
    this.#rows = range?.rows;
    const write = isWrite(operation.kind);
    this.outcome = write ? 'applied' : 'not_applied';
    this.found = found && !write;
    this.revision = (found ? revisionOf(answer) : 0) as Revision;
    this.contentType = this.found ? latin1(answer.header('content-type') ?? '') : EMPTY_BYTES;
    this.value = this.found ? answer.body : EMPTY_BYTES;
    this.replayed = answer.header('idempotent-replayed') === 'true';
    const { kind } = operation;
    if (kind === OpKind.increment) this.value = counterBytes(Number(jsonOf(answer)?.['value']));
    const transaction = kind === OpKind.transaction ? readTransaction(operation, jsonOf(answer)) : undefined;
    this.succeeded = transaction?.succeeded ?? false;
    this.#transaction = transaction?.answer;
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
    throw new HoldfastError('HF_UNSUPPORTED');
  }

  rows(): ScanRowsReader {
    return new ScanRowsReader(this.#rows?.bytes ?? EMPTY_BYTES, this.rowCount);
  }
}

/** The result of an operation, or why it failed, honest about its outcome. */
export function readRestAnswer(operation: Operation, answer: HttpAnswer): OpResult | HoldfastError {
  const { status } = answer;
  if (status === 200 && isRange(operation)) return readRange(operation, answer);
  if (status === 200) {
    return revisionOf(answer) === 0 ? stranger(operation, answer) : new RestResult(operation, answer, true);
  }
  const error = problemError(operation, answer);
  if (isWrite(operation.kind)) return error;
  // A HEAD has no body to tell an absent key from an absent keyspace; a read that was served names its level.
  const absent =
    error.code === 'HF_KEY_NOT_FOUND' ||
    (status === 404 && answer.body.length === 0 && answer.header('holdfast-consistency') !== undefined);
  return absent ? new RestResult(operation, answer, false) : error;
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
  if (range === undefined) return stranger(operation, answer);
  if (!range.isCut) return new RestResult(operation, answer, true, range);
  return new HoldfastError('HF_UNSUPPORTED', {
    outcome: 'not_applied',
    detail: 'REST does not offer counts beyond a million keys; use holdfast://',
  });
}

function problemError(operation: Operation, answer: HttpAnswer): HoldfastError {
  const problem = jsonOf(answer);
  const code = problem?.['code'];
  if (problem === undefined || typeof code !== 'string' || !isErrorCode(code))
    return stranger(operation, answer);
  const { outcome, detail, revision } = problem;
  const retryAfterMs = 1000 * Number(answer.header('retry-after') ?? 0);
  return new HoldfastError(code, {
    outcome: OUTCOMES.find((known) => known === outcome) ?? 'unknown',
    ...(typeof detail === 'string' && { detail }),
    ...(Number.isSafeInteger(revision) && { revision: revision as Revision }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}

/** An answer that is not a gateway's: something between here and there gave it, and what became of a write is open. */
function stranger(operation: Operation, answer: HttpAnswer): HoldfastError {
  const { status } = answer;
  const other = status >= 400 && status < 500 ? 'HF_BAD_REQUEST' : 'HF_PROTOCOL';
  const code = CODE_OF_STATUS[status] ?? other;
  const refused = status >= 400 && status < 500;
  const outcome = refused || !isWrite(operation.kind) ? 'not_applied' : 'unknown';
  return new HoldfastError(code, { outcome, detail: `HTTP ${status} without a problem document` });
}

function jsonOf({ body }: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decodeUtf8(body) ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
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
