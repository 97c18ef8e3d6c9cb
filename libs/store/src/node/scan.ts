import { compareBytes } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import { AnswerFlag, COUNT_ROWS_MAX, SCAN_BYTES_MAX, type ScanRowsBuilder } from '@holdfast/wire';
import type { RangeDescriptor } from '../range/descriptor.ts';
import { expiryOf, readStoredValue, STORED_HEAD_BYTES } from '../range/stored-value.ts';
import { DATA_KEY_PREFIX_BYTES, dataKey, userKeyOf } from '../tree-keys.ts';
import { hasNext } from './cursor.ts';
import type { DataCall } from './data-call.ts';
import type { ReadView } from './read-executor.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * Answers one scan from one range: rows of `[start, end)` inside the range, until a limit of the op or of the
 * protocol is reached. `more` with a resume key says that the interval goes on, here or in the next range.
 *
 * @param rows empty; what it holds afterwards is nobody's
 * @param pageRowsMax rows of this answer, whatever the op asks for
 */
export async function scanRange(
  tree: Tree,
  range: RangeDescriptor,
  call: DataCall,
  op: number,
  view: ReadView,
  rows: ScanRowsBuilder,
  pageRowsMax: number,
): Promise<void> {
  const { reader } = call;
  const keyspace = reader.keyspaceId(op);
  const reverse = reader.reverse(op);
  const endKey = reader.endKey(op);
  const wanted = {
    start: dataKey(keyspace, reader.key(op)),
    end: endKey.length === 0 ? dataKey(keyspace + 1, NO_BYTES) : dataKey(keyspace, endKey),
  };
  const start = later(wanted.start, range.start);
  const end = earlier(wanted.end, range.end);
  const rowsMax = limitOf(reader.limit(op), pageRowsMax);
  const bytesMax = limitOf(reader.limitBytes(op), SCAN_BYTES_MAX);
  const keysOnly = reader.keysOnly(op);
  const { revision, nowMs } = view;
  const countOnly = reader.countOnly(op);
  const countMax = Math.min(reader.limit(op) === 0 ? COUNT_ROWS_MAX : reader.limit(op), COUNT_ROWS_MAX);

  let count = 0;
  let resumeKey: Uint8Array | undefined;
  const cursor = tree.iterator({ start, end, reverse, ...(revision === 0 ? {} : { revision }) });
  try {
    while (resumeKey === undefined) {
      const more = hasNext(cursor);
      // Awaiting what is known would cost a turn of the microtask queue per row.
      if (!(typeof more === 'boolean' ? more : await more)) break;
      const { entry } = cursor;
      const expiresAtMs = expiryOf(entry.value, entry.valueStart);
      if (expiresAtMs !== 0 && expiresAtMs <= nowMs) continue;
      const full = countOnly
        ? count === countMax
        : rows.count === rowsMax || (rows.count > 0 && rows.byteLength >= bytesMax);
      if (full) {
        const userKey = userKeyOf(cursor.key);
        resumeKey = reverse ? successor(userKey) : userKey.slice();
      } else if (countOnly) {
        count++;
      } else if (expiresAtMs === 0) {
        const contentTypeLength = entry.value[entry.valueStart + 1];
        rows.addSpan(entry, DATA_KEY_PREFIX_BYTES, STORED_HEAD_BYTES, contentTypeLength, keysOnly);
      } else {
        const { value, contentType } = readStoredValue(cursor.value);
        rows.add(userKeyOf(cursor.key), keysOnly ? NO_BYTES : value, cursor.revision, contentType);
      }
    }
  } finally {
    cursor.close();
  }
  resumeKey ??= behindRange(range, wanted, reverse);
  const answer = {
    served: view.served,
    stalenessMs: view.stalenessMs,
    revision,
    flags: view.flags | (resumeKey === undefined ? 0 : AnswerFlag.more),
    resumeKey: resumeKey ?? NO_BYTES,
  };
  if (countOnly) call.counted(op, count, answer);
  else call.rows(op, rows, answer);
}

/** Where the interval goes on behind this range, or undefined when the range covers the rest of it. */
function behindRange(
  range: RangeDescriptor,
  wanted: { readonly start: Uint8Array; readonly end: Uint8Array },
  reverse: boolean,
): Uint8Array | undefined {
  if (reverse)
    return compareBytes(wanted.start, range.start) < 0 ? userKeyOf(range.start).slice() : undefined;
  return compareBytes(range.end, wanted.end) < 0 ? userKeyOf(range.end).slice() : undefined;
}

/** The first key behind `key`; as an exclusive end it includes `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function later(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) >= 0 ? a : b;
}

function earlier(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) <= 0 ? a : b;
}

function limitOf(asked: number, most: number): number {
  return asked === 0 ? most : Math.min(asked, most);
}
