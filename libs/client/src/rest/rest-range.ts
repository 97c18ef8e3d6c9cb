import { compareBytes, decodeUtf8, EMPTY_BYTES } from '@holdfast/io';
import { COUNT_ROWS_MAX, OpKind, ScanRowsBuilder } from '@holdfast/wire';
import type { Operation } from '../operation.ts';
import { keyBehind } from '../routing/range-key.ts';
import { base64Url } from './base64-url.ts';
import { readShownRow } from './rest-value.ts';

/** Rows that a gateway gives in one page. */
const PAGE_ROWS_MAX = 1000;
/** Keys that a gateway counts in one request. */
const COUNT_KEYS_MAX = 1_000_000;

/** The query of a listing, a count or a removal, but for how fresh it must be. */
export function rangeQuery(operation: Operation): string[] {
  const { kind, key, endKey = EMPTY_BYTES, limit = 0, reverse, keysOnly, countOnly } = operation;
  const query = ['key_encoding=base64url'];
  if (key.length > 0) query.push(`start=${base64Url(key)}`);
  if (endKey.length > 0) query.push(`end=${base64Url(endKey)}`);
  if (kind === OpKind.deleteRange) {
    // Every key is asked for by name, lest a forgotten bound empties a keyspace.
    if (query.length === 1) query.push('prefix=');
    if (limit > 0) query.push(`limit=${limit}`);
    return query;
  }
  if (countOnly === true) {
    // A step as large as steps are stands for all: a gateway counts on, and names no key to go on from.
    query.push('count_only', `limit=${limit === COUNT_ROWS_MAX || limit === 0 ? COUNT_KEYS_MAX : limit}`);
    return query;
  }
  query.push(`limit=${limit === 0 ? PAGE_ROWS_MAX : Math.min(limit, PAGE_ROWS_MAX)}`);
  if (reverse === true) query.push('reverse');
  if (keysOnly === true) query.push('keys_only');
  return query;
}

/** What a gateway's answer to {@link rangeQuery} says. */
export interface RangeAnswer {
  readonly rows: ScanRowsBuilder;
  readonly count: number;
  readonly resumeKey: Uint8Array | undefined;
  /** There is more, and nobody says from where. */
  readonly isCut: boolean;
}

/** @returns undefined for what no gateway says. */
export function readRangeAnswer(operation: Operation, body: Uint8Array): RangeAnswer | undefined {
  const text = decodeUtf8(body);
  if (text === undefined) return undefined;
  const rows = new ScanRowsBuilder();
  if (operation.kind === OpKind.deleteRange || operation.countOnly === true) {
    const { deleted, count = deleted, cursor } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof count !== 'number') return undefined;
    const deletes = operation.kind === OpKind.deleteRange;
    // What is gone is gone: the same interval is what is left of it.
    const more = cursor !== undefined;
    return { rows, count, resumeKey: deletes && more ? operation.key : undefined, isCut: !deletes && more };
  }
  let last: Uint8Array | undefined;
  let at = START.length;
  if (!text.startsWith(START)) return undefined;
  while (text[at] === '{') {
    const row = readShownRow(text, at);
    if (row === undefined) return undefined;
    last = row.key;
    rows.add(last, row.value, row.revision, row.contentType);
    at = row.end + 1;
    if (text[at] === ',') at++;
  }
  if (!text.startsWith('],"count":', at)) return undefined;
  const more = text.slice(at).includes('"cursor":');
  return {
    rows,
    count: rows.count,
    resumeKey: more ? resumeKeyOf(operation, last) : undefined,
    isCut: false,
  };
}

const START = '{"rows":[';
function resumeKeyOf({ key, endKey = EMPTY_BYTES, reverse }: Operation, last: Uint8Array | undefined) {
  if (last === undefined) return undefined;
  if (reverse === true) return compareBytes(last, key) > 0 ? last : undefined;
  const next = keyBehind(last);
  const inside = next !== undefined && (endKey.length === 0 || compareBytes(next, endKey) < 0);
  return inside ? next : undefined;
}
