import { compareBytes } from '@holdfast/io';
import type { BlockCache } from '../cache/block-cache.ts';
import type { Table, TableCache } from '../cache/table-cache.ts';
import { KIND_DELETE } from '../memtable/record.ts';
import { Found } from '../memtable/memtable.ts';
import { ABSENT, BEHIND, findInBlock, PRESENT } from '../table/block-search.ts';
import { hashKey } from '../table/bloom.ts';
import type { LentBlock, TableReader } from '../table/table-reader.ts';
import { coveringRevision } from '../version/range-tombstones.ts';
import { tableFor } from '../version/version.ts';
import type { View } from './view.ts';

const NOT_FOUND = 0;
const FOUND = 1;
/** `want` says which table and block is missing. */
const WAIT = 2;
type Outcome = typeof NOT_FOUND | typeof FOUND | typeof WAIT;

export interface PointReadStats {
  gets: number;
  /** Tables asked, bloom filter passed. */
  tableReads: number;
  bloomSkips: number;
  /** Passed the filter and held nothing: false positives, and versions that were too new. */
  bloomMisses: number;
}

/**
 * Finds the newest version of a key. Sources are asked newest first, and an older one is skipped when nothing
 * in it can be newer than what was found: revisions, not the order of arrival, decide.
 */
export class PointReader {
  readonly #tables: TableCache;
  readonly #cache: BlockCache;
  #best = new Found();
  #next = new Found();
  #wantTable: Table | undefined;
  #wantBlock = -1;
  readonly stats: PointReadStats = { gets: 0, tableReads: 0, bloomSkips: 0, bloomMisses: 0 };

  constructor(tables: TableCache, cache: BlockCache) {
    this.#tables = tables;
    this.#cache = cache;
  }

  /** The version found by the last successful read; its value is a view until the next read. */
  get found(): Found {
    return this.#best;
  }

  /**
   * True: {@link found} holds the newest version at or below `revision`, which may be a tombstone. False:
   * there is none. Undefined: something is not in memory, `await load()` (see {@link readSlowly}).
   */
  tryRead(view: View, top: number, key: Uint8Array, revision: number): boolean | undefined {
    this.stats.gets++;
    const outcome = this.#search(view, top, key, revision);
    if (outcome === WAIT) return undefined;
    if (outcome === FOUND && view.rangeTombstones.length > 0) this.#hide(view, key, revision);
    return outcome === FOUND;
  }

  /** Loads until {@link tryRead} can answer, then calls `use` in the same turn. The caller holds the view. */
  async readSlowly<T>(
    view: View,
    top: number,
    key: Uint8Array,
    revision: number,
    use: (isFound: boolean) => T,
  ): Promise<T> {
    const held = new Map<TableReader, LentBlock[]>();
    // Every table that the read needed stays open until it is done: they may be more than the cache keeps.
    const pinned = new Set<Table>();
    try {
      for (;;) {
        for (const [reader, blocks] of held) reader.lend(blocks);
        const isFound = this.tryRead(view, top, key, revision);
        for (const reader of held.keys()) reader.lend([]);
        if (isFound !== undefined) return use(isFound);
        const table = this.#wantTable!;
        const block = this.#wantBlock;
        if (!pinned.has(table)) table.pins++;
        pinned.add(table);
        const reader = await this.#tables.open(table);
        if (block < 0) continue;
        const lent = held.get(reader) ?? [];
        lent.push({ block, bytes: await reader.load(block) });
        held.set(reader, lent);
      }
    } finally {
      for (const table of pinned) table.pins--;
    }
  }

  #search(view: View, top: number, key: Uint8Array, revision: number): Outcome {
    let best = -1;
    const { memtables, version } = view;
    const hash = hashKey(key, 0, key.length);
    for (let i = 0; i < memtables.length; i++) {
      const memtable = memtables[i]!;
      if (memtable.revisionMax <= best || !memtable.mayHold(hash)) continue;
      const limit = i === 0 ? top : Number.MAX_SAFE_INTEGER;
      if (memtable.find(key, revision, limit, this.#next) && this.#next.revision > best) best = this.#take();
    }
    const { levels } = version;
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i]!;
      const count = i === 0 ? level.length : Math.min(1, level.length);
      for (let j = 0; j < count; j++) {
        const table = i === 0 ? level[j]! : tableFor(level, key);
        if (table === undefined || table.meta.revisionMax <= best || table.meta.revisionMin > revision)
          continue;
        const outcome = this.#searchTable(table, hash, key, revision);
        if (outcome === WAIT) {
          this.#unpin();
          return WAIT;
        }
        if (outcome === FOUND && this.#next.revision > best) best = this.#take();
      }
    }
    this.#unpin();
    return best < 0 ? NOT_FOUND : FOUND;
  }

  #searchTable(table: Table, hash: number, key: Uint8Array, revision: number): Outcome {
    const reader = this.#tables.reader(table);
    if (reader === undefined) return this.#want(table, -1);
    // The filter also answers for keys outside the table's range, and faster than comparing bounds would.
    if (reader.hasFilter ? !reader.mayHold(hash) : !covers(table, key)) {
      this.stats.bloomSkips++;
      return NOT_FOUND;
    }
    this.stats.tableReads++;
    const skip = reader.sharedWithAll(key);
    let block = reader.index.find(key, revision);
    for (;;) {
      if (!reader.access(block)) return this.#want(table, block);
      const result = findInBlock(
        reader.data,
        reader.dataStart,
        reader.dataEnd,
        key,
        revision,
        skip,
        this.#next,
      );
      if (result === PRESENT) {
        this.#next.frame = reader.frame;
        return FOUND;
      }
      const goesOn =
        result === BEHIND && ++block < reader.index.blocks && reader.index.startsWith(block, key);
      if (result === ABSENT || !goesOn) {
        this.stats.bloomMisses++;
        return NOT_FOUND;
      }
    }
  }

  #want(table: Table, block: number): typeof WAIT {
    this.#wantTable = table;
    this.#wantBlock = block;
    return WAIT;
  }

  /** The version in `#next` becomes the best one; its frame stays until the search is over. */
  #take(): number {
    this.#unpin();
    const found = this.#next;
    this.#next = this.#best;
    this.#best = found;
    if (found.frame >= 0) this.#cache.pin(found.frame);
    return found.revision;
  }

  #unpin(): void {
    if (this.#best.frame >= 0) this.#cache.unpin(this.#best.frame);
    this.#best.frame = -1;
  }

  /** Turns what a range tombstone covers into a tombstone. */
  #hide(view: View, key: Uint8Array, revision: number): void {
    const covering = coveringRevision(view.rangeTombstones, key, 0, key.length, revision);
    if (covering < this.#best.revision) return;
    this.#best.kind = KIND_DELETE;
    this.#best.revision = covering;
    this.#best.valueEnd = this.#best.valueStart;
  }
}

function covers(table: Table, key: Uint8Array): boolean {
  return compareBytes(table.meta.smallestKey, key) <= 0 && compareBytes(key, table.meta.largestKey) <= 0;
}
