import type { Reads } from '@holdfast/lsm';
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level';
import type { Encoded } from './format.ts';
import type { IteratorOptions } from './level-options.ts';
import { RangeCursor } from './range-cursor.ts';

/*
 * What a database hands out. The public methods are those of the base classes, which call the ones with an
 * underscore; everything happens in the `RangeCursor`. The base classes share no ancestor that is published,
 * hence three classes that look alike.
 */

type Entry = [key: Encoded | undefined, value: Encoded | undefined];

/** The base classes read the limit, the signal and the snapshot; encodings they find under symbols of their own. */
function forBase(options: IteratorOptions): object {
  return options;
}

export class LevelIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #cursor: RangeCursor<Entry>;

  constructor(db: TDatabase, reads: Reads, options: IteratorOptions) {
    super(db, forBase(options));
    const { keys = true, values = true } = options;
    this.#cursor = new RangeCursor<Entry>(reads, options, (entry, entries) => [
      keys ? entries.key(entry) : undefined,
      values ? entries.value(entry) : undefined,
    ]);
  }

  protected _next(): Promise<Entry | undefined> {
    return this.#cursor.next();
  }

  protected _nextv(size: number): Promise<Entry[]> {
    return this.#cursor.take(size);
  }

  protected _all(): Promise<Entry[]> {
    return this.#cursor.take(Number.POSITIVE_INFINITY);
  }

  protected _seek(target: Encoded): void {
    this.#cursor.seek(target);
  }

  protected async _close(): Promise<void> {
    this.#cursor.close();
  }
}

export class LevelKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #cursor: RangeCursor<Encoded>;

  constructor(db: TDatabase, reads: Reads, options: IteratorOptions) {
    super(db, forBase(options));
    this.#cursor = new RangeCursor<Encoded>(reads, options, (entry, entries) => entries.key(entry));
  }

  protected _next(): Promise<Encoded | undefined> {
    return this.#cursor.next();
  }

  protected _nextv(size: number): Promise<Encoded[]> {
    return this.#cursor.take(size);
  }

  protected _all(): Promise<Encoded[]> {
    return this.#cursor.take(Number.POSITIVE_INFINITY);
  }

  protected _seek(target: Encoded): void {
    this.#cursor.seek(target);
  }

  protected async _close(): Promise<void> {
    this.#cursor.close();
  }
}

export class LevelValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #cursor: RangeCursor<Encoded>;

  constructor(db: TDatabase, reads: Reads, options: IteratorOptions) {
    super(db, forBase(options));
    this.#cursor = new RangeCursor<Encoded>(reads, options, (entry, entries) => entries.value(entry));
  }

  protected _next(): Promise<Encoded | undefined> {
    return this.#cursor.next();
  }

  protected _nextv(size: number): Promise<Encoded[]> {
    return this.#cursor.take(size);
  }

  protected _all(): Promise<Encoded[]> {
    return this.#cursor.take(Number.POSITIVE_INFINITY);
  }

  protected _seek(target: Encoded): void {
    this.#cursor.seek(target);
  }

  protected async _close(): Promise<void> {
    this.#cursor.close();
  }
}
