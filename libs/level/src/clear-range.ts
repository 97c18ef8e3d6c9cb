import { type Cursor, KEY_BYTES_MAX, type Reads } from '@holdfast/lsm';
import { type KeyRange, keyRange } from './key-range.ts';
import type { ClearOptions } from './level-options.ts';
import type { TreeWriter } from './tree-writer.ts';

/**
 * A range with at most so many keys is deleted key by key: a range deletion costs every later read a little
 * until compaction has dealt with it, so they are for large ranges.
 */
const POINT_DELETES_MAX = 1_000;

/** Deletes what `reads` shows in the range at this moment: later writes stay. */
export async function clearRange(
  reads: Reads,
  writer: TreeWriter,
  options: ClearOptions,
  isSnapshot: boolean,
  sync: boolean,
): Promise<void> {
  const range = keyRange(options);
  const { start, end } = range;
  const cursor = reads.iterator({
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    reverse: options.reverse,
  });
  try {
    if (options.limit >= 0 || isSnapshot || !fitsRangeDeletion(range)) {
      await deleteOneByOne(cursor, writer, options.limit, sync);
      return;
    }
    // Both ways are decided and written in this turn, before anybody else writes.
    const keys = fewKeys(cursor);
    await (keys === undefined ? writer.deleteRange(start, end, sync) : writer.deleteStored(keys, sync));
  } finally {
    cursor.close();
  }
}

/** All keys, if they are few and at hand. */
function fewKeys(cursor: Cursor): readonly Uint8Array[] | undefined {
  const keys: Uint8Array[] = [];
  while (cursor.next()) {
    if (keys.length === POINT_DELETES_MAX) return undefined;
    keys.push(cursor.key.slice());
  }
  return cursor.isBlocked ? undefined : keys;
}

async function deleteOneByOne(
  cursor: Cursor,
  writer: TreeWriter,
  limit: number,
  sync: boolean,
): Promise<void> {
  let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  let keys: Uint8Array[] = [];
  while (left > 0 && (cursor.next() || (await cursor.load()))) {
    keys.push(cursor.key.slice());
    left--;
    if (keys.length < POINT_DELETES_MAX) continue;
    await writer.deleteStored(keys, sync);
    keys = [];
  }
  await writer.deleteStored(keys, sync);
}

/** Bounds are not limited in length, those of a range deletion are. */
function fitsRangeDeletion({ start, end }: KeyRange): boolean {
  return (start?.length ?? 0) <= KEY_BYTES_MAX && (end?.length ?? 0) <= KEY_BYTES_MAX;
}
