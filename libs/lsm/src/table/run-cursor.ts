import { assert, compareBytes } from '@holdfast/io';
import type { Table, TableCache } from '../cache/table-cache.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import { compareRanges } from '../read/compare.ts';
import { BLOCKED, END, ENTRY, Source, type Status } from '../read/source.ts';
import { BlockCursor } from './block-cursor.ts';
import type { TableReader } from './table-reader.ts';
import { TRAILER_BYTES } from './table-format.ts';

/** What the cursor is about to do once table and block are in memory. */
const SEEK = 1;
const SEEK_BEFORE = 2;
const FIRST = 3;
const LAST = 4;

const NO_BLOCK = -1;

export interface RunCursorOptions {
  readonly tables: TableCache;
  readonly cache: BlockCache;
  /** Bytes read at once when blocks are missed one behind the other; 0: always one block. */
  readonly readAheadBytes: number;
  /** A scan that leaves no trace in the block cache: reads ahead from the first miss. */
  readonly isBulk: boolean;
}

/**
 * Walks a run: tables in key order that do not overlap. A direction is chosen by the seek: `next` after
 * `seek` and `seekFirst`, `previous` after `seekBefore` and `seekLast`.
 */
export class RunCursor extends Source {
  readonly #run: readonly Table[];
  readonly #options: RunCursorOptions;
  readonly #block = new BlockCursor(this);
  #tableIndex = 0;
  #table: Table | undefined;
  #reader: TableReader | undefined;
  #blockIndex = NO_BLOCK;
  #move = FIRST;
  #targetKey: Uint8Array = new Uint8Array(0);
  #targetRevision = 0;
  #frame = -1;
  #isClosed = false;
  // Bytes of one block or of several, read by `load`; of `#reader`, from file offset `#aheadOffset`.
  #loadedBlock = NO_BLOCK;
  #loaded: Uint8Array | undefined;
  #ahead: Uint8Array | undefined;
  #aheadOffset = 0;
  #aheadLength = 0;
  #lastMissed = -2;

  constructor(run: readonly Table[], options: RunCursorOptions) {
    super();
    this.#run = run;
    this.#options = options;
  }

  override seek(key: Uint8Array, revision: number): Status {
    this.#aim(SEEK, key, revision);
    this.#goTo(this.#firstTableEndingAtOrBehind(key));
    return this.resume();
  }

  override seekBefore(key: Uint8Array, revision: number): Status {
    this.#aim(SEEK_BEFORE, key, revision);
    let index = this.#firstTableEndingAtOrBehind(key);
    if (index === this.#run.length || compareBytes(this.#run[index]!.meta.smallestKey, key) > 0) {
      index--;
      this.#move = LAST;
    }
    this.#goTo(index);
    return this.resume();
  }

  override seekFirst(): Status {
    this.#move = FIRST;
    this.#goTo(0);
    return this.resume();
  }

  override seekLast(): Status {
    this.#move = LAST;
    this.#goTo(this.#run.length - 1);
    return this.resume();
  }

  override next(): Status {
    if (this.#block.next()) return ENTRY;
    this.#stepBlock(1);
    return this.resume();
  }

  override previous(): Status {
    if (this.#block.previous()) return ENTRY;
    this.#stepBlock(-1);
    return this.resume();
  }

  override resume(): Status {
    for (;;) {
      if (this.#tableIndex < 0 || this.#tableIndex >= this.#run.length) {
        this.#leaveBlock();
        return END;
      }
      const reader = this.#openTable();
      if (reader === undefined) return BLOCKED;
      if (this.#blockIndex === NO_BLOCK) this.#blockIndex = this.#chooseBlock(reader);
      if (!this.#enterBlock(reader, this.#blockIndex)) return BLOCKED;
      switch (this.#move) {
        case SEEK:
          if (this.#block.seek(this.#targetKey, this.#targetRevision)) return ENTRY;
          this.#stepBlock(1);
          break;
        case SEEK_BEFORE:
          if (this.#block.seekBefore(this.#targetKey, this.#targetRevision)) return ENTRY;
          this.#stepBlock(-1);
          break;
        case FIRST:
          return this.#block.seekFirst() ? ENTRY : END;
        default:
          return this.#block.seekLast() ? ENTRY : END;
      }
    }
  }

  override async load(): Promise<void> {
    const table = this.#run[this.#tableIndex];
    assert(table !== undefined, 'a blocked cursor waits for a table');
    const reader = this.#reader ?? (await this.#openAndPin(table));
    if (this.#isClosed || reader === undefined) return;
    if (this.#reader === undefined) {
      this.#table = table;
      this.#reader = reader;
      if (this.#blockIndex === NO_BLOCK) this.#blockIndex = this.#chooseBlock(reader);
      if (this.#enterBlock(reader, this.#blockIndex)) return;
    }
    const block = this.#blockIndex;
    const { readAheadBytes, isBulk } = this.#options;
    const isSequential = isBulk || this.#lastMissed === block - 1;
    this.#lastMissed = block;
    if (isSequential && readAheadBytes > 0 && this.#move !== LAST) {
      await this.#loadAhead(reader, block, readAheadBytes);
    } else {
      this.#loaded = await reader.load(block);
      this.#loadedBlock = block;
    }
  }

  override close(): void {
    this.#isClosed = true;
    this.#leaveTable();
  }

  /** Pinned before it is awaited: the table cache may close an unpinned table in the turn in which it opened. */
  async #openAndPin(table: Table): Promise<TableReader | undefined> {
    let isKept = false;
    table.pins++;
    try {
      const reader = await this.#options.tables.open(table);
      isKept = !this.#isClosed;
      return isKept ? reader : undefined;
    } finally {
      if (!isKept) table.pins--;
    }
  }

  #aim(move: number, key: Uint8Array, revision: number): void {
    this.#move = move;
    this.#targetKey = key;
    this.#targetRevision = revision;
  }

  #goTo(tableIndex: number): void {
    if (tableIndex !== this.#tableIndex) this.#leaveTable();
    this.#tableIndex = tableIndex;
    this.#blockIndex = NO_BLOCK;
  }

  /** To the neighbouring block, in the next table if need be. */
  #stepBlock(step: 1 | -1): void {
    const reader = this.#reader;
    assert(reader !== undefined, 'a cursor steps from a block it stands in');
    this.#move = step === 1 ? FIRST : LAST;
    const block = this.#blockIndex + step;
    if (block >= 0 && block < reader.index.blocks) this.#blockIndex = block;
    else this.#goTo(this.#tableIndex + step);
  }

  #chooseBlock(reader: TableReader): number {
    switch (this.#move) {
      case SEEK:
      case SEEK_BEFORE:
        return reader.index.find(this.#targetKey, this.#targetRevision);
      case FIRST:
        return 0;
      default:
        return reader.index.blocks - 1;
    }
  }

  #firstTableEndingAtOrBehind(key: Uint8Array): number {
    let low = 0;
    let high = this.#run.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const largest = this.#run[middle]!.meta.largestKey;
      if (compareRanges(largest, 0, largest.length, key, 0, key.length) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #openTable(): TableReader | undefined {
    if (this.#reader !== undefined) return this.#reader;
    const table = this.#run[this.#tableIndex]!;
    const reader = this.#options.tables.reader(table);
    if (reader !== undefined) this.#pinTable(table, reader);
    return reader;
  }

  #pinTable(table: Table, reader: TableReader): void {
    table.pins++;
    this.#table = table;
    this.#reader = reader;
  }

  #leaveTable(): void {
    this.#leaveBlock();
    if (this.#table !== undefined) this.#table.pins--;
    this.#table = undefined;
    this.#reader = undefined;
    this.#loadedBlock = NO_BLOCK;
    this.#loaded = undefined;
    this.#aheadLength = 0;
    this.#lastMissed = -2;
  }

  #leaveBlock(): void {
    if (this.#frame >= 0) this.#options.cache.unpin(this.#frame);
    this.#frame = -1;
  }

  #enterBlock(reader: TableReader, block: number): boolean {
    this.#leaveBlock();
    const offset = reader.index.blockOffset(block) - this.#aheadOffset;
    const length = reader.index.blockLength(block);
    if (this.#ahead !== undefined && offset >= 0 && offset + length + TRAILER_BYTES <= this.#aheadLength) {
      const bytes = reader.decode(this.#ahead, offset, block);
      // The view may lie anywhere in the buffer that was read ahead.
      this.#block.open(bytes, 0, bytes.length);
      return true;
    }
    if (block === this.#loadedBlock && this.#loaded !== undefined) {
      this.#block.open(this.#loaded, 0, this.#loaded.length);
      return true;
    }
    if (!reader.access(block)) return false;
    this.#frame = reader.frame;
    if (this.#frame >= 0) this.#options.cache.pin(this.#frame);
    this.#block.open(reader.data, reader.dataStart, reader.dataEnd);
    return true;
  }

  /** Reads whole blocks from `block` on, at least one, about `bytesMax`. */
  async #loadAhead(reader: TableReader, block: number, bytesMax: number): Promise<void> {
    const { index } = reader;
    const start = index.blockOffset(block);
    let end = block + 1;
    while (end < index.blocks && index.blockOffset(end + 1) - start <= bytesMax) end++;
    const length = index.blockOffset(end) - start;
    if (this.#ahead === undefined || this.#ahead.length < length) {
      // A table that ends here may be small, and so may the others of its run.
      this.#ahead = new Uint8Array(end === index.blocks ? length : Math.max(length, bytesMax));
    }
    this.#aheadLength = 0;
    const got = await reader.readRaw(this.#ahead.subarray(0, length), start);
    this.#aheadOffset = start;
    this.#aheadLength = got;
    if (got < length) {
      // Cut off inside: the single read reports it with the right offset.
      this.#loaded = await reader.load(block);
      this.#loadedBlock = block;
    }
    this.#lastMissed = end - 1;
  }
}
