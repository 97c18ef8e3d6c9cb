import { compareBytes } from '@holdfast/io';
import { compareRanges } from '../read/compare.ts';

/** Every version at or below `revision` of the keys in `[start, end)` is deleted. */
export interface RangeTombstone {
  readonly start: Uint8Array;
  /** Undefined: unbounded. */
  readonly end: Uint8Array | undefined;
  readonly revision: number;
}

/**
 * The greatest revision of a range tombstone at or below `revision` that covers the key; -1 when none does.
 * A linear search: the list is empty or short (bulk deletions that compaction has not finished yet).
 */
export function coveringRevision(
  tombstones: readonly RangeTombstone[],
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  revision: number,
): number {
  let covering = -1;
  for (const tombstone of tombstones) {
    if (tombstone.revision > revision || tombstone.revision <= covering) continue;
    const { start, end } = tombstone;
    if (compareRanges(start, 0, start.length, key, keyStart, keyEnd) > 0) continue;
    if (end !== undefined && compareRanges(end, 0, end.length, key, keyStart, keyEnd) <= 0) continue;
    covering = tombstone.revision;
  }
  return covering;
}

export function overlapsTombstone(tombstone: RangeTombstone, smallest: Uint8Array, largest: Uint8Array): boolean {
  return (
    compareBytes(tombstone.start, largest) <= 0 &&
    (tombstone.end === undefined || compareBytes(tombstone.end, smallest) > 0)
  );
}
