import { assert, compareBytes } from '@holdfast/io';
import type { Table } from '../cache/table-cache.ts';
import { LEVEL_COUNT } from '../limits.ts';
import type { DamagedSpan } from './damaged-spans.ts';
import type { RangeTombstone } from './range-tombstones.ts';

/**
 * Which tables make up the tree: immutable, and counted, so that a reader who holds one never loses a file.
 *
 * Level 0: newest table first, key ranges overlap. Level 1 and deeper: sorted by key, no overlap, and all
 * versions of one key in one table.
 */
export class Version {
  readonly levels: readonly (readonly Table[])[];
  readonly rangeTombstones: readonly RangeTombstone[];
  /** Empty in a healthy tree. */
  readonly damagedSpans: readonly DamagedSpan[];
  #references = 0;
  readonly #onUnused: (table: Table) => void;

  constructor(
    levels: readonly (readonly Table[])[],
    rangeTombstones: readonly RangeTombstone[],
    damagedSpans: readonly DamagedSpan[],
    onUnused: (table: Table) => void,
  ) {
    assert(levels.length === LEVEL_COUNT, 'a version has all levels');
    for (const level of levels.slice(1)) assertSorted(level);
    this.levels = levels;
    this.rangeTombstones = rangeTombstones;
    this.damagedSpans = damagedSpans;
    this.#onUnused = onUnused;
  }

  acquire(): this {
    if (this.#references++ === 0) for (const table of this.tables()) table.versions++;
    return this;
  }

  release(): void {
    assert(this.#references > 0, 'a version is released as often as acquired');
    if (--this.#references > 0) return;
    for (const table of this.tables()) if (--table.versions === 0) this.#onUnused(table);
  }

  *tables(): Generator<Table> {
    for (const level of this.levels) yield* level;
  }

  levelBytes(level: number): number {
    let bytes = 0;
    for (const table of this.levels[level]!) bytes += table.meta.fileBytes;
    return bytes;
  }
}

/** The table of a sorted level that may hold the key, or undefined. */
export function tableFor(level: readonly Table[], key: Uint8Array): Table | undefined {
  let low = 0;
  let high = level.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(level[middle]!.meta.largestKey, key) < 0) low = middle + 1;
    else high = middle;
  }
  const table = level[low];
  return table !== undefined && compareBytes(table.meta.smallestKey, key) <= 0 ? table : undefined;
}

function assertSorted(level: readonly Table[]): void {
  for (let i = 1; i < level.length; i++) {
    const before = level[i - 1]!.meta.largestKey;
    assert(compareBytes(before, level[i]!.meta.smallestKey) < 0, 'tables of a level do not overlap');
  }
}
