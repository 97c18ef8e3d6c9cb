import { EMPTY_BYTES, viewOf } from '@holdfast/io';
import { Condition, OpKind, type StepResult, type TransactionAnswer } from '@holdfast/wire';
import type { Operation, RequestedCheck, RequestedStep, TransactionRequest } from '../operation.ts';
import { base64Url } from './base64-url.ts';

type Json = Readonly<Record<string, unknown>>;

/** Why a gateway cannot be asked for a transaction, in the words of a sentence, or undefined. */
export function missingInTransaction({ transaction, keyspace }: Operation): string | undefined {
  if (transaction === undefined) return undefined;
  const { checks, success, failure } = transaction;
  const steps = [...success, ...failure];
  if ([...checks, ...steps].some((part) => typeof (part.keyspace ?? keyspace) !== 'string'))
    return 'keyspaces by number';
  // A gateway answers with JSON as it reads well, not byte for byte.
  if (steps.some(({ kind }) => kind === OpKind.get)) return 'reads inside of transactions';
  if (steps.some(({ kind, value }) => kind === OpKind.increment && !Number.isSafeInteger(deltaOf(value))))
    return 'increments beyond 2^53';
  return undefined;
}

/** The body of `POST /v1/transactions`. `else` is always there: a check that does not hold is then no failure. */
export function transactionBody({ transaction, keyspace }: Operation): string {
  const { checks, success, failure } = transaction as TransactionRequest;
  const steps = (list: readonly RequestedStep[]): readonly Json[] =>
    list.map((step) => ({ ...placeOf(step, keyspace), ...stepJson(step) }));
  return JSON.stringify({
    checks: checks.map((check) => ({ ...placeOf(check, keyspace), ...checkJson(check) })),
    then: steps(success),
    else: steps(failure),
  });
}

function placeOf(part: RequestedCheck | RequestedStep, byDefault: Operation['keyspace']): Json {
  return { keyspace: part.keyspace ?? byDefault, key_base64url: base64Url(part.key) };
}

function checkJson({ condition, revision = 0, value = EMPTY_BYTES }: RequestedCheck): Json {
  if (condition === Condition.valueEquals) return { base64: base64(value) };
  if (condition === Condition.exists) return { exists: true };
  // No version has the revision 0.
  return condition === Condition.absent || revision === 0 ? { exists: false } : { revision };
}

function stepJson({ kind, value = EMPTY_BYTES, contentType = EMPTY_BYTES, ttlMs = 0 }: RequestedStep): Json {
  if (kind === OpKind.delete) return { op: 'delete' };
  if (kind === OpKind.increment) return { op: 'increment', delta: deltaOf(value) };
  return {
    op: 'put',
    base64: base64(value),
    content_type: String.fromCharCode(...contentType),
    ...(ttlMs > 0 && { ttl_ms: ttlMs }),
  };
}

/** A gateway's answer to a transaction without reads; undefined when it is none. */
export function readTransaction(
  { transaction }: Operation,
  body: Json | undefined,
): { readonly succeeded: boolean; readonly answer: TransactionAnswer } | undefined {
  const { succeeded, failed_check: failedCheck, results } = body ?? {};
  if (transaction === undefined || typeof succeeded !== 'boolean' || !Array.isArray(results))
    return undefined;
  const steps = succeeded ? transaction.success : transaction.failure;
  if (results.length !== steps.length) return undefined;
  return {
    succeeded,
    answer: {
      failedCheck: typeof failedCheck === 'number' ? failedCheck : undefined,
      results: results.map((result: Json, i) => stepResult(steps[i], result)),
    },
  };
}

function stepResult({ kind }: RequestedStep, { revision, existed, value }: Json): StepResult {
  return {
    revision: Number(revision),
    found: existed === true,
    value: kind === OpKind.increment ? counterBytes(Number(value)) : EMPTY_BYTES,
    contentType: EMPTY_BYTES,
    expiresAtMs: 0,
  };
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
