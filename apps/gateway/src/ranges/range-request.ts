import { compareBytes, concatBytes, decodeUtf8, EMPTY_BYTES, prefixEnd, utf8 } from '@holdfast/io';
import { HoldfastError, KEY_BYTES_MAX } from '@holdfast/wire';
import { readBase64Key, readKeyspaceOf } from '../key-target.ts';
import { Query } from '../query.ts';
import { type ReadLevel, readLevel } from '../request-options.ts';
import { decodeCursor, encodeCursor, type Position } from './cursor.ts';

/** Rows of one JSON page. */
export const LIST_ROWS_MAX = 1000;
export const LIST_ROWS_DEFAULT = 100;
/** Keys that one request removes. */
export const DELETE_KEYS_MAX = 10_000;
export const DELETE_KEYS_DEFAULT = 1000;
/** Keys that one request counts. */
export const COUNT_KEYS_MAX = 1_000_000;

const BOUNDS = ['prefix', 'start', 'end', 'key_encoding', 'limit', 'cursor'];
export const LIST_PARAMETERS: ReadonlySet<string> = new Set([
  ...BOUNDS,
  'reverse',
  'keys_only',
  'count_only',
  'consistency',
  'max_staleness',
  'revision',
]);
export const DELETE_PARAMETERS: ReadonlySet<string> = new Set(BOUNDS);

/** Part of a keyspace. */
export interface Span {
  readonly keyspace: string;
  /** First key. */
  readonly start: Uint8Array;
  /** Key behind the last; empty = to the end of the keyspace. */
  readonly end: Uint8Array;
  /** The query names a bound. */
  readonly bounded: boolean;
  readonly keysAsBase64: boolean;
}

export interface ListRequest extends Span {
  readonly limit: number | undefined;
  readonly reverse: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly level: ReadLevel;
  /** Where an earlier page ended. */
  readonly position: Position | undefined;
  /** The cursor of a place in this listing. */
  cursorAt(position: Position): string;
}

/** `GET /v1/keyspaces/{ks}/keys?…`. @throws HoldfastError HF_BAD_REQUEST, HF_KEY_INVALID, HF_KEY_TOO_LARGE. */
export function readListRequest(target: string, floor: string | readonly string[] | undefined): ListRequest {
  const query = new Query(target, LIST_PARAMETERS);
  const span = readSpan(target, query);
  const reverse = query.flag('reverse');
  const keysOnly = query.flag('keys_only');
  const countOnly = query.flag('count_only');
  if (keysOnly && countOnly) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'keys_only and count_only exclude each other' });
  }
  const level = readLevel(
    {
      ...optional('consistency', query.text('consistency')),
      ...optional('max_staleness', query.text('max_staleness')),
      ...optional('revision', query.text('revision')),
    },
    floor,
  );
  const max = countOnly ? COUNT_KEYS_MAX : Number.MAX_SAFE_INTEGER;
  const listing = listingOf(span, reverse ? 'reverse' : 'forward');
  const cursor = query.text('cursor');
  return {
    ...span,
    limit: query.has('limit') ? query.count('limit', 1, max) : undefined,
    reverse,
    keysOnly,
    countOnly,
    level,
    position: cursor === undefined ? undefined : positionIn(span, decodeCursor(listing, cursor)),
    cursorAt: (position) => encodeCursor(listing, position),
  };
}

export interface DeleteRequest extends Span {
  readonly limit: number;
  readonly position: Position | undefined;
  cursorAt(position: Position): string;
}

/** `DELETE /v1/keyspaces/{ks}/keys?…`. @throws HoldfastError like {@link readListRequest}. */
export function readDeleteRequest(target: string): DeleteRequest {
  const query = new Query(target, DELETE_PARAMETERS);
  const span = readSpan(target, query);
  if (!span.bounded) {
    // A forgotten parameter must not empty a keyspace.
    throw new HoldfastError('HF_BAD_REQUEST', {
      detail: 'name a prefix, a start or an end; prefix= is every key',
    });
  }
  const listing = listingOf(span, 'delete');
  const cursor = query.text('cursor');
  return {
    ...span,
    limit: query.count('limit', DELETE_KEYS_DEFAULT, DELETE_KEYS_MAX),
    position: cursor === undefined ? undefined : positionIn(span, decodeCursor(listing, cursor)),
    cursorAt: (position) => encodeCursor(listing, position),
  };
}

/** Bounds out of a query. @throws HoldfastError like {@link readListRequest}. */
export function readSpan(target: string, query: Query): Span {
  const encoding = query.text('key_encoding');
  if (encoding !== undefined && encoding !== 'base64url') {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'key_encoding is base64url, or absent' });
  }
  const keysAsBase64 = encoding !== undefined;
  const prefix = keyOf(query, 'prefix', keysAsBase64);
  const start = keyOf(query, 'start', keysAsBase64);
  const end = keyOf(query, 'end', keysAsBase64);
  if (prefix !== undefined && (start !== undefined || end !== undefined)) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'prefix stands alone, without start and end' });
  }
  return {
    keyspace: readKeyspaceOf(target),
    start: prefix ?? start ?? EMPTY_BYTES,
    end: (prefix === undefined ? end : prefixEnd(prefix)) ?? EMPTY_BYTES,
    bounded: prefix !== undefined || start !== undefined || end !== undefined,
    keysAsBase64,
  };
}

/** A key out of a query; undefined when it is not there. @throws HoldfastError HF_KEY_INVALID, HF_KEY_TOO_LARGE. */
export function keyOf(query: Query, name: string, base64: boolean): Uint8Array | undefined {
  const bytes = query.bytes(name);
  if (bytes === undefined || bytes.length === 0) return bytes;
  if (base64) return readBase64Key(query.text(name) ?? '');
  if (bytes.length > KEY_BYTES_MAX) throw new HoldfastError('HF_KEY_TOO_LARGE');
  if (decodeUtf8(bytes) === undefined) {
    throw new HoldfastError('HF_KEY_INVALID', { detail: `${name} is not valid UTF-8` });
  }
  return bytes;
}

/** What every page of one listing has in common. */
function listingOf({ keyspace, start, end }: Span, kind: string): Uint8Array {
  const head = utf8(`${kind} ${keyspace.length} ${keyspace} ${start.length} `);
  return concatBytes([head, start, end]);
}

function positionIn({ start, end }: Span, position: Position): Position {
  const { key } = position;
  const inside = compareBytes(key, start) >= 0 && (end.length === 0 || compareBytes(key, end) <= 0);
  if (!inside) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'cursor points outside of the listing' });
  return position;
}

function optional(name: string, value: string | undefined): Readonly<Record<string, string>> {
  return value === undefined ? {} : { [name]: value };
}
