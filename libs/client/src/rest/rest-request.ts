import { decodeUtf8, EMPTY_BYTES, encodeUtf8, utf8 } from '@holdfast/io';
import { Condition, Consistency, HoldfastError, isWrite, OpKind } from '@holdfast/wire';
import type { Operation } from '../operation.ts';
import { base64Url } from './base64-url.ts';
import { rangeQuery } from './rest-range.ts';
import { deltaOf, missingInTransaction, transactionBody } from './rest-transaction.ts';
import type { HttpRequest } from './http-exchange.ts';

const JSON_TYPE = 'application/json';
/** Longest deadline that a gateway takes, in milliseconds; the client itself may wait longer. */
const REST_DEADLINE_MS_MAX = 60_000;
/** A page, or what a transaction reads, is 4 MiB and a row; text that is all escapes is six times as long. In bytes. */
const PAGE_BYTES_MAX = 32 * 1024 * 1024;
/** Keys that stand in a path as they are, whatever a proxy on the way makes of paths. */
const PLAIN_KEY = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/;

const METHODS: { readonly [K in OpKind]?: HttpRequest['method'] } = {
  [OpKind.get]: 'GET',
  [OpKind.getRevision]: 'HEAD',
  [OpKind.put]: 'PUT',
  [OpKind.delete]: 'DELETE',
  [OpKind.increment]: 'POST',
  [OpKind.transaction]: 'POST',
  [OpKind.scan]: 'GET',
  [OpKind.deleteRange]: 'DELETE',
  [OpKind.lookup]: 'GET',
};

/** What a gateway cannot be asked yet, in the words of a sentence, and how to recognize it. First match counts. */
const MISSING: readonly (readonly [string, (operation: Operation) => boolean])[] = [
  ['this operation', ({ kind }) => METHODS[kind] === undefined],
  ['keyspaces by number', ({ kind, keyspace }) => kind !== OpKind.lookup && typeof keyspace !== 'string'],
  [
    'idempotency keys beyond ASCII',
    ({ idempotencyKey }) => idempotencyKey?.some((byte) => byte <= 0x20 || byte >= 0x7f) === true,
  ],
  [
    'increments beyond 2^53',
    ({ kind, value }) => kind === OpKind.increment && !Number.isSafeInteger(deltaOf(value)),
  ],
];

/**
 * Why an operation cannot be done over REST, or undefined. A gateway would ignore some of it, and an answer that
 * promises more than was checked is worse than none: the client refuses.
 */
export function unsupportedOverRest(operation: Operation): HoldfastError | undefined {
  const missing = MISSING.find(([, isAsked]) => isAsked(operation))?.[0] ?? missingInTransaction(operation);
  if (missing === undefined) return undefined;
  return new HoldfastError('HF_UNSUPPORTED', { detail: `REST does not offer ${missing}; use holdfast://` });
}

function isWeak({ kind, consistency }: Operation): boolean {
  return !isWrite(kind) && (consistency ?? Consistency.strong) !== Consistency.strong;
}

/**
 * The request that stands for an operation which {@link unsupportedOverRest} lets pass.
 *
 * @param leftMs time until its deadline, in milliseconds.
 */
export function restRequest(operation: Operation, leftMs: number, authorization: string): HttpRequest {
  const { kind, keyspace, key, value, contentType, idempotencyKey, ttlMs = 0 } = operation;
  const deadlineMs = Math.min(REST_DEADLINE_MS_MAX, Math.max(1, Math.ceil(leftMs)));
  const headers: Record<string, string> = { 'holdfast-deadline-ms': String(deadlineMs) };
  if (authorization !== '') headers['authorization'] = authorization;
  if (idempotencyKey !== undefined && idempotencyKey.length > 0) {
    headers['idempotency-key'] = String.fromCharCode(...idempotencyKey);
  }
  if (kind === OpKind.transaction) {
    headers['content-type'] = JSON_TYPE;
    const body = utf8(transactionBody(operation));
    return { method: 'POST', target: '/v1/transactions', headers, body, answerBytesMax: PAGE_BYTES_MAX };
  }
  if (kind === OpKind.lookup) {
    return { method: 'GET', target: `/v1/operations/${percentEncoded(key)}`, headers, body: undefined };
  }
  if (isRange(operation)) {
    const query = rangeQuery(operation);
    addLevel(query, headers, operation);
    const target = `${keyspacePath(String(keyspace))}/keys?${query.join('&')}`;
    return {
      method: METHODS[kind] ?? 'GET',
      target,
      headers,
      body: undefined,
      answerBytesMax: PAGE_BYTES_MAX,
    };
  }
  addCondition(headers, operation);
  const put = kind === OpKind.put;
  if (put && contentType !== undefined && contentType.length > 0) {
    headers['content-type'] = String.fromCharCode(...contentType);
  }
  const query: string[] = [];
  const text = decodeUtf8(key) ?? '';
  const plain = PLAIN_KEY.test(text);
  if (!plain) query.push('key_encoding=base64url');
  if (put && ttlMs > 0) headers['holdfast-ttl'] = `${ttlMs}ms`;
  addLevel(query, headers, operation);
  const increment = kind === OpKind.increment;
  if (increment) headers['content-type'] = JSON_TYPE;
  const action = increment ? ':increment' : '';
  const path = `${keyspacePath(String(keyspace))}/keys/${plain ? text : base64Url(key)}${action}`;
  return {
    method: METHODS[kind] ?? 'GET',
    target: query.length === 0 ? path : `${path}?${query.join('&')}`,
    headers,
    body: increment
      ? utf8(JSON.stringify({ delta: deltaOf(value) }))
      : put
        ? (value ?? new Uint8Array(0))
        : undefined,
  };
}

/** Whether it is about an interval of keys. */
export function isRange({ kind }: Operation): boolean {
  return kind === OpKind.scan || kind === OpKind.deleteRange;
}

/** How fresh a read must be, and of which revision. */
function addLevel(query: string[], headers: Record<string, string>, operation: Operation): void {
  const { kind, revision = 0, minRevision = 0, maxStalenessMs = 0, consistency } = operation;
  if (isWrite(kind)) return;
  if (revision > 0) query.push(`revision=${revision}`);
  if (!isWeak(operation)) return;
  if (consistency === Consistency.bounded)
    query.push('consistency=bounded', `max_staleness=${maxStalenessMs}ms`);
  else query.push('consistency=eventual');
  if (minRevision > 0) headers['holdfast-min-revision'] = String(minRevision);
}

/** What must hold of the key before a write, and what it is to tell of it. */
function addCondition(headers: Record<string, string>, operation: Operation): void {
  const { kind, condition, revision, tellExisted } = operation;
  if (!isWrite(kind)) return;
  if (tellExisted === true && kind !== OpKind.increment) headers['holdfast-tell-existed'] = 'true';
  if (condition === Condition.absent) headers['if-none-match'] = '*';
  else if (condition === Condition.exists) headers['if-match'] = '*';
  else if (condition === Condition.revisionEquals) headers['if-match'] = `"${revision ?? 0}"`;
}

/** The path of a keyspace; a lone surrogate is the name of none. */
export function keyspacePath(keyspace: string): string {
  return `/v1/keyspaces/${percentEncoded(encodeUtf8(keyspace) ?? EMPTY_BYTES)}`;
}

/** Every byte that is not a letter, a digit, `_`, `~` or `-` as `%XX`. */
function percentEncoded(bytes: Uint8Array): string {
  let encoded = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9_~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
