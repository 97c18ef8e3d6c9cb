import type { Cursor } from '@holdfast/lsm';

/** Moves to the next entry, reading blocks as needed. A promise only when the disk is asked, or at the end. */
export function hasNext(cursor: Cursor): boolean | Promise<boolean> {
  return cursor.next() || cursor.load();
}
