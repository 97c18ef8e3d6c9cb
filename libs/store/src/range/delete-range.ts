import type { Tree } from '@holdfast/lsm';
import { EMPTY_BYTES } from '@holdfast/io';
import { userKeyOf } from '../tree-keys.ts';
import { expiryOf } from './stored-value.ts';

/** What a deletion of a range takes. */
export interface FoundKeys {
  /** Tree keys with memory of their own. */
  readonly keys: readonly Uint8Array[];
  /** How many of them had not expired. */
  readonly live: number;
  /** User key at which more may follow; empty = nothing does. */
  readonly resumeKey: Uint8Array;
}

/** The first `limit` keys of `[start, end)` that have a value. @param nowMs time of the entry */
export async function findInRange(
  tree: Tree,
  start: Uint8Array,
  end: Uint8Array,
  limit: number,
  nowMs: number,
): Promise<FoundKeys> {
  const keys: Uint8Array[] = [];
  let live = 0;
  const cursor = tree.iterator({ start, end });
  try {
    while (cursor.next() || (await cursor.load())) {
      if (keys.length === limit) return { keys, live, resumeKey: userKeyOf(cursor.key).slice() };
      keys.push(cursor.key.slice());
      const expiresAtMs = expiryOf(cursor.value);
      if (expiresAtMs === 0 || expiresAtMs > nowMs) live++;
    }
  } finally {
    cursor.close();
  }
  return { keys, live, resumeKey: EMPTY_BYTES };
}
