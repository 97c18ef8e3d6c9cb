import { compareBytes } from '@holdfast/io';
import { compareRanges } from '../read/compare.ts';

/** Every version at or below `revision` of the keys in `[start, end)` is deleted. */
export interface RangeTombstone {
  readonly start: Uint8Array;
  /** Undefined: unbounded. */
  readonly end: Uint8Array | undefined;
  readonly revision: number;
  /**
   * Set once the horizon has passed `revision`: compactions leave covered versions out whatever the horizon is
   * by then, so tables with this number or a later one hold none.
   */
  readonly appliedFrom?: number;
}

interface TableRange {
  readonly number: number;
  readonly revisionMin: number;
  readonly revisionMax: number;
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
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

/** Is every version of the table deleted by the tombstone, for every reader that is still promised an answer? */
export function coversTable(tombstone: RangeTombstone, table: TableRange): boolean {
  const { start, end, revision, appliedFrom } = tombstone;
  return (
    appliedFrom !== undefined &&
    table.revisionMax <= revision &&
    compareBytes(start, table.smallestKey) <= 0 &&
    (end === undefined || compareBytes(table.largestKey, end) < 0)
  );
}

/** Can the table still hold a version that the tombstone deletes? If no table can, the tombstone may go. */
export function mayHoldCovered(tombstone: RangeTombstone, table: TableRange): boolean {
  const { start, end, revision, appliedFrom } = tombstone;
  return (
    (appliedFrom === undefined || table.number < appliedFrom) &&
    table.revisionMin <= revision &&
    compareBytes(start, table.largestKey) <= 0 &&
    (end === undefined || compareBytes(end, table.smallestKey) > 0)
  );
}
