import { setImmediate } from 'node:timers/promises';
import type { Cursor, EntryView, Reads } from '@holdfast/lsm';
import type { Encoded, Format } from './format.ts';
import { bytesOf, FormatReader } from './format.ts';
import { isInRange, type KeyRange, keyRange } from './key-range.ts';
import { LevelError, levelError } from './level-error.ts';
import type { IteratorOptions } from './level-options.ts';
import { storedKey, storedKeyEnd } from './stored-key.ts';

/** Entries after which a long read gives the event loop back: a millisecond or so. */
const ENTRIES_PER_TURN = 4_096;

/** The key and value under a cursor, in the forms that an iterator was asked for. */
export class EntryReader {
  readonly #format = new FormatReader();
  readonly #keyFormat: Format;
  readonly #valueFormat: Format;

  constructor(keyFormat: Format, valueFormat: Format) {
    this.#keyFormat = keyFormat;
    this.#valueFormat = valueFormat;
  }

  key({ key, keyStart, keyEnd }: EntryView): Encoded {
    return this.#format.read(key, keyStart, storedKeyEnd(key, keyStart, keyEnd), this.#keyFormat);
  }

  value({ value, valueStart, valueEnd }: EntryView): Encoded {
    return this.#format.read(value, valueStart, valueEnd, this.#valueFormat);
  }
}

/** The one implementation behind iterators of entries, of keys and of values. */
export class RangeCursor<T> {
  readonly #reads: Reads;
  readonly #range: KeyRange;
  readonly #isReverse: boolean;
  readonly #limit: number;
  readonly #signal: AbortSignal | null | undefined;
  readonly #entries: EntryReader;
  readonly #itemOf: (entry: EntryView, entries: EntryReader) => T;
  #cursor: Cursor | undefined;
  /** Where the next step starts, when the cursor is not open yet. */
  #target: Uint8Array | undefined;
  #isOver = false;
  #given = 0;

  constructor(reads: Reads, options: IteratorOptions, itemOf: (entry: EntryView, entries: EntryReader) => T) {
    this.#reads = reads;
    this.#range = keyRange(options);
    this.#isReverse = options.reverse;
    this.#limit = options.limit < 0 ? Number.POSITIVE_INFINITY : options.limit;
    this.#signal = options.signal;
    this.#entries = new EntryReader(options.keyEncoding, options.valueEncoding);
    this.#itemOf = itemOf;
    // The database moves on, so its state is taken now; a snapshot stands still, and may be closed by now.
    if (!options.snapshot) this.#cursor = this.#open();
  }

  /** Goes to the target; behind everything when it lies outside the range. */
  seek(target: Encoded): void {
    const key = storedKey(bytesOf(target));
    this.#isOver = !isInRange(key, this.#range);
    if (this.#isOver) return;
    if (this.#cursor === undefined) this.#target = key;
    else this.#cursor.seek(key);
  }

  async next(): Promise<T | undefined> {
    if (this.#isOver) return undefined;
    try {
      if (this.#signal) await this.#giveWay();
      const cursor = (this.#cursor ??= this.#open());
      if (!cursor.next() && !(await this.#load(cursor))) return undefined;
      this.#given++;
      return this.#itemOf(cursor.entry, this.#entries);
    } catch (error) {
      throw levelError(error);
    }
  }

  /** Up to `size` items; fewer, or none, only at the end. */
  async take(size: number): Promise<T[]> {
    const items: T[] = [];
    const count = Math.min(size, this.#limit - this.#given);
    if (this.#isOver) return items;
    try {
      if (this.#signal) await this.#giveWay();
      const cursor = (this.#cursor ??= this.#open());
      while (items.length < count) {
        if (!cursor.next() && !(await this.#load(cursor))) break;
        items.push(this.#itemOf(cursor.entry, this.#entries));
        if (items.length % ENTRIES_PER_TURN === 0) await this.#giveWay();
      }
    } catch (error) {
      throw levelError(error);
    }
    this.#given += items.length;
    return items;
  }

  close(): void {
    this.#isOver = true;
    this.#cursor?.close();
  }

  #open(): Cursor {
    const { start, end } = this.#range;
    const cursor = this.#reads.iterator({
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      reverse: this.#isReverse,
    });
    if (this.#target !== undefined) cursor.seek(this.#target);
    return cursor;
  }

  async #load(cursor: Cursor): Promise<boolean> {
    const isLoaded = cursor.isBlocked && (await cursor.load());
    this.#checkSignal();
    if (!isLoaded) this.#isOver = true;
    return isLoaded;
  }

  async #giveWay(): Promise<void> {
    await setImmediate();
    this.#checkSignal();
  }

  #checkSignal(): void {
    if (this.#signal?.aborted === true) throw new LevelError('LEVEL_ABORTED', 'Operation has been aborted');
  }
}
