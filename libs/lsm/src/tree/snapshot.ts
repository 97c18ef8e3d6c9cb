import { ClosedError } from '../errors.ts';
import type { Cursor, CursorOptions } from '../read/cursor.ts';
import type { View } from '../read/view.ts';

/** The newest version of a key. */
export interface Lookup {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** Where the newest version of a key lies in memory: `value[valueStart .. valueEnd)`. */
export interface ValueView {
  readonly value: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly revision: number;
}

/** The newest version of a key, tombstones included. */
export interface Latest {
  readonly kind: 'put' | 'delete';
  readonly revision: number;
}

/** What can be read from a tree and from a snapshot of it. */
export interface Reads {
  get(key: Uint8Array, revision?: number): Lookup | undefined | Promise<Lookup | undefined>;
  /** Like `get`, and makes no object: the answer is one that is filled again by the next read. */
  find(key: Uint8Array, revision?: number): ValueView | undefined | Promise<ValueView | undefined>;
  latest(key: Uint8Array, revision?: number): Latest | undefined | Promise<Latest | undefined>;
  multiGet(
    keys: readonly Uint8Array[],
    revision?: number,
  ): readonly (Lookup | undefined)[] | Promise<readonly (Lookup | undefined)[]>;
  iterator(options?: CursorOptions): Cursor;
}

/** How a snapshot reads: the tree's own ways, on a view that stands still. */
export interface SnapshotReader {
  get(view: View, top: number, key: Uint8Array, revision?: number): ReturnType<Reads['get']>;
  find(view: View, top: number, key: Uint8Array, revision?: number): ReturnType<Reads['find']>;
  latest(view: View, top: number, key: Uint8Array, revision?: number): ReturnType<Reads['latest']>;
  multiGet(
    view: View,
    top: number,
    keys: readonly Uint8Array[],
    revision?: number,
  ): ReturnType<Reads['multiGet']>;
  iterator(view: View, top: number, options?: CursorOptions): Cursor;
}

/**
 * The tree as it was when the snapshot was taken, whatever is written, flushed, compacted or dropped since.
 * Reads behave as those of `Tree`. Pins memory and files until {@link release}.
 *
 * Versions that the horizon had given up before the snapshot was taken may be missing, as in the tree.
 */
export class Snapshot implements Reads {
  readonly #reader: SnapshotReader;
  readonly #view: View;
  readonly #top: number;
  readonly #marks: ReadonlyMap<number, Uint8Array>;
  #isReleased = false;

  /** Takes over one reference of `view`. */
  constructor(reader: SnapshotReader, view: View, top: number, marks: ReadonlyMap<number, Uint8Array>) {
    this.#reader = reader;
    this.#view = view;
    this.#top = top;
    this.#marks = marks;
  }

  /** The mark of a group at the time of the snapshot. */
  mark(group: number): Uint8Array | undefined {
    return this.#marks.get(group);
  }

  get(key: Uint8Array, revision?: number): ReturnType<Reads['get']> {
    this.#check();
    return this.#reader.get(this.#view, this.#top, key, revision);
  }

  find(key: Uint8Array, revision?: number): ReturnType<Reads['find']> {
    this.#check();
    return this.#reader.find(this.#view, this.#top, key, revision);
  }

  latest(key: Uint8Array, revision?: number): ReturnType<Reads['latest']> {
    this.#check();
    return this.#reader.latest(this.#view, this.#top, key, revision);
  }

  multiGet(keys: readonly Uint8Array[], revision?: number): ReturnType<Reads['multiGet']> {
    this.#check();
    return this.#reader.multiGet(this.#view, this.#top, keys, revision);
  }

  iterator(options?: CursorOptions): Cursor {
    this.#check();
    return this.#reader.iterator(this.#view, this.#top, options);
  }

  /** May be called twice. Cursors made from the snapshot live on. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#view.release();
  }

  #check(): void {
    if (this.#isReleased) throw new ClosedError('the snapshot');
  }
}
