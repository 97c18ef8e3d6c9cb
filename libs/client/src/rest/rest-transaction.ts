import { decodeUtf8, EMPTY_BYTES, viewOf } from '@holdfast/io';
import { Condition, OpKind, type StepResult, type TransactionAnswer } from '@holdfast/wire';
import type { Operation, RequestedCheck, RequestedStep, TransactionRequest } from '../operation.ts';
import { base64Url } from './base64-url.ts';
import { jsonEnd } from './json-end.ts';
import { jsonIn, type JsonObject } from './rest-problem.ts';
import { readShownValue } from './rest-value.ts';

/** Why a gateway cannot be asked for a transaction, in the words of a sentence, or undefined. */
export function missingInTransaction({ transaction, keyspace }: Operation): string | undefined {
  if (transaction === undefined) return undefined;
  const { checks, success, failure } = transaction;
  const steps = [...success, ...failure];
  if ([...checks, ...steps].some((part) => typeof (part.keyspace ?? keyspace) !== 'string'))
    return 'keyspaces by number';
  if (steps.some(({ kind, value }) => kind === OpKind.increment && !Number.isSafeInteger(deltaOf(value))))
    return 'increments beyond 2^53';
  return undefined;
}

/** The body of `POST /v1/transactions`. `else` is always there: a check that does not hold is then no failure. */
export function transactionBody({ transaction, keyspace }: Operation): string {
  const { checks, success, failure } = transaction as TransactionRequest;
  const steps = (list: readonly RequestedStep[]): readonly JsonObject[] =>
    list.map((step) => ({ ...placeOf(step, keyspace), ...stepJson(step) }));
  return JSON.stringify({
    checks: checks.map((check) => ({ ...placeOf(check, keyspace), ...checkJson(check) })),
    then: steps(success),
    else: steps(failure),
  });
}

function placeOf(part: RequestedCheck | RequestedStep, byDefault: Operation['keyspace']): JsonObject {
  return { keyspace: part.keyspace ?? byDefault, key_base64url: base64Url(part.key) };
}

function checkJson({ condition, revision = 0, value = EMPTY_BYTES }: RequestedCheck): JsonObject {
  if (condition === Condition.valueEquals) return { base64: base64(value) };
  if (condition === Condition.exists) return { exists: true };
  // No version has the revision 0.
  return condition === Condition.absent || revision === 0 ? { exists: false } : { revision };
}

function stepJson({
  kind,
  value = EMPTY_BYTES,
  contentType = EMPTY_BYTES,
  ttlMs = 0,
}: RequestedStep): JsonObject {
  if (kind === OpKind.delete) return { op: 'delete' };
  if (kind === OpKind.increment) return { op: 'increment', delta: deltaOf(value) };
  if (kind === OpKind.get) return { op: 'get' };
  return {
    op: 'put',
    base64: base64(value),
    content_type: String.fromCharCode(...contentType),
    ...(ttlMs > 0 && { ttl_ms: ttlMs }),
  };
}

/** What a gateway's answer to a transaction says. */
export interface TransactionResult {
  readonly succeeded: boolean;
  readonly answer: TransactionAnswer;
}

/** Up to the first result, members in the order in which a gateway writes them. */
const HEAD = /^\{"succeeded":(true|false),(?:"failed_check":(\d{1,3}),)?"revision":\d{1,16},"results":\[/;

/** @returns undefined for what no gateway says. */
export function readTransaction({ transaction }: Operation, body: Uint8Array): TransactionResult | undefined {
  const text = decodeUtf8(body) ?? '';
  const head = HEAD.exec(text);
  if (transaction === undefined || head === null) return undefined;
  const [whole, verdict, failedCheck] = head;
  const succeeded = verdict === 'true';
  const results: StepResult[] = [];
  let at = whole.length;
  for (const step of succeeded ? transaction.success : transaction.failure) {
    const end = jsonEnd(text, at);
    const result = readStep(step, text.slice(at, end));
    if (result === undefined) return undefined;
    results.push(result);
    at = text[end] === ',' ? end + 1 : end;
  }
  if (text.slice(at) !== ']}') return undefined;
  return {
    succeeded,
    answer: { failedCheck: failedCheck === undefined ? undefined : Number(failedCheck), results },
  };
}

function readStep({ kind }: RequestedStep, text: string): StepResult | undefined {
  if (kind === OpKind.get) return readGet(text);
  const { revision, existed, value } = jsonIn(text) ?? {};
  if (!Number.isSafeInteger(revision)) return undefined;
  if (kind === OpKind.increment && !Number.isFinite(value)) return undefined;
  return {
    ...NOTHING,
    revision: Number(revision),
    found: existed === true,
    value: kind === OpKind.increment ? counterBytes(Number(value)) : EMPTY_BYTES,
  };
}

const NOTHING: StepResult = {
  revision: 0,
  found: false,
  value: EMPTY_BYTES,
  contentType: EMPTY_BYTES,
  expiresAtMs: 0,
};
const FOUND = /^\{"found":true,"revision":(\d{1,16})(?:,"expires_at":"([\d:.TZ-]+)")?/;

/** The value stands there as it was stored, not as a parser would give it back. */
function readGet(text: string): StepResult | undefined {
  if (text === '{"found":false}') return NOTHING;
  const head = FOUND.exec(text);
  if (head === null) return undefined;
  const [whole, revision, expiresAt] = head;
  try {
    const { value, contentType } = readShownValue(text, whole.length);
    const expiresAtMs = expiresAt === undefined ? 0 : Date.parse(expiresAt) || 0;
    return { revision: Number(revision), found: true, value, contentType, expiresAtMs };
  } catch {
    return undefined;
  }
}

/** What an increment adds, from its eight bytes. */
export function deltaOf(value: Uint8Array = EMPTY_BYTES): number {
  return value.length === 8 ? Number(viewOf(value).getBigInt64(0, true)) : Number.NaN;
}

export function counterBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigInt64(0, BigInt(Math.trunc(value) || 0), true);
  return bytes;
}

/** RFC 4648, section 4. */
function base64(bytes: Uint8Array): string {
  const text = base64Url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
