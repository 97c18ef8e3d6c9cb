import { compareBytes, concatBytes, EMPTY_BYTES, prefixEnd, type Revision } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import type { Transport } from '../transport.ts';
import { Atomic } from './atomic.ts';
import { BatchWriteError } from './batch-error.ts';
import type { Codec } from './codec.ts';
import { type Key, keyBytes } from './key.ts';
import { type KeyRequests } from './key-requests.ts';
import { executeMany } from './many.ts';
import type {
  CompareOptions,
  ConsistencyName,
  DeleteOptions,
  DeleteRangeCallOptions,
  GetOptions,
  ReadOptions,
  ScanCallOptions,
  SetOptions,
  WatchCallOptions,
  WriteCallOptions,
} from './options.ts';
import { execute } from './promise-sink.ts';
import { countPages, deletePages, type Row, scanPages } from './scan.ts';
import type { WatchEvent } from '../watch/watch-stream.ts';

/** A value and what is stored with it. */
export interface StoredItem<T> {
  readonly value: T;
  /** Of this value: the condition of a `compareAndSet`, the floor of a later weak read. */
  readonly revision: Revision;
  readonly contentType: string;
  /** When it goes, milliseconds since 1970; absent when it stays. */
  readonly expiresAtMs?: number;
}

/** A value and how it was read. */
export interface Item<T> extends StoredItem<T> {
  /** Level the answer was served at. */
  readonly servedLevel: ConsistencyName;
  /** The answer is at most this old, in milliseconds; 0 when served strong. */
  readonly stalenessMs: number;
}

/** A write that is durable on a majority. */
export interface Written {
  readonly revision: Revision;
  /** The key had a value before; absent when nobody looked: see {@link SetOptions.tellExisted}. */
  readonly existed?: boolean;
  /** An earlier answer to the same idempotency key, given again. */
  readonly replayed: boolean;
}

/** What an increment made. */
export interface Counted {
  /** The new value. */
  readonly value: number;
  readonly revision: Revision;
  /** An earlier answer to the same idempotency key, given again. */
  readonly replayed: boolean;
}

export type SwapResult =
  | { readonly swapped: true; readonly revision: Revision }
  /** `revision` is the current one, 0 when the key has no value. */
  | { readonly swapped: false; readonly revision: Revision };

const NO_OPTIONS = {};

/** What a keyspace makes of calls; for {@link Batch}, not for applications. */
export let requestsOf: <T>(keyspace: Keyspace<T>) => KeyRequests<T>;

/**
 * One keyspace with values of one type. Cheap: make as many as are useful. Every method throws a `HoldfastError` with
 * a code of the table and an outcome; a write that may have been applied says `unknown`.
 */
export class Keyspace<T> {
  static {
    requestsOf = (keyspace) => keyspace.#requests;
  }

  readonly name: string;
  readonly #transport: Transport;
  readonly #requests: KeyRequests<T>;

  constructor(transport: Transport, requests: KeyRequests<T>) {
    this.name = requests.keyspace;
    this.#transport = transport;
    this.#requests = requests;
  }

  /** The same keyspace with values of another type. */
  with<U>(codec: Codec<U>): Keyspace<U> {
    return new Keyspace(this.#transport, this.#requests.with(codec));
  }

  /** The value, or undefined when the key has none. */
  async get(key: Key, options: GetOptions = NO_OPTIONS): Promise<Item<T> | undefined> {
    const { get, item } = this.#requests;
    return execute(this.#transport, get(keyBytes(key), options, options.revision), item, options.signal);
  }

  /** Values in the order of `keys`. Each is read by itself: together they are no snapshot. Throws when one fails. */
  async getMany(keys: Iterable<Key>, options: ReadOptions = NO_OPTIONS): Promise<(Item<T> | undefined)[]> {
    const { get, item } = this.#requests;
    const operations = Array.from(keys, (key) => get(keyBytes(key), options, undefined));
    const results = await executeMany(this.#transport, operations, item, options.signal);
    return results.map((result) => {
      if (result instanceof HoldfastError) throw result;
      return result;
    });
  }

  async set(key: Key, value: T, options: SetOptions = NO_OPTIONS): Promise<Written> {
    const { set, written, writtenUnseen } = this.#requests;
    const map = options.tellExisted === true ? written : writtenUnseen;
    return execute(this.#transport, set(keyBytes(key), value, options), map, options.signal);
  }

  /**
   * Writes each entry by itself, in no order: this is not a transaction. Results are in the order of the entries.
   *
   * @throws BatchWriteError when one or more failed; it tells what became of each.
   */
  async setMany(
    entries: Iterable<readonly [Key, T]>,
    options: Omit<SetOptions, 'idempotencyKey'> = NO_OPTIONS,
  ): Promise<Written[]> {
    const { set, written, writtenUnseen } = this.#requests;
    const map = options.tellExisted === true ? written : writtenUnseen;
    const operations = Array.from(entries, ([key, value]) => set(keyBytes(key), value, options));
    const results = await executeMany(this.#transport, operations, map, options.signal);
    return results.map((result) => {
      if (result instanceof HoldfastError) throw new BatchWriteError(results);
      return result;
    });
  }

  /** Removes the key; `existed` says whether there was something to remove. */
  async delete(key: Key, options: DeleteOptions = NO_OPTIONS): Promise<Written> {
    const requests = this.#requests;
    return execute(
      this.#transport,
      requests.delete(keyBytes(key), options),
      requests.written,
      options.signal,
    );
  }

  /** Writes if the key has exactly this revision, or no value. A condition that does not hold is a result. */
  async compareAndSet(key: Key, value: T, options: CompareOptions): Promise<SwapResult> {
    const { compareAndSet, swapped, notSwapped } = this.#requests;
    const operation = compareAndSet(keyBytes(key), value, options);
    try {
      return await execute(this.#transport, operation, swapped, options.signal);
    } catch (error) {
      const result = error instanceof HoldfastError ? notSwapped(error) : undefined;
      if (result === undefined) throw error;
      return result;
    }
  }

  /**
   * Adds to a counter, at once and without reading it first. A counter is a JSON number, a whole one inside the safe
   * range; a key without a value counts from 0. Not idempotent by itself: a lost answer is `unknown`.
   *
   * @throws HoldfastError `HF_VALUE_NOT_INTEGER` when the value is something else, or the result leaves the safe range.
   */
  async increment(key: Key, delta = 1, options: WriteCallOptions = NO_OPTIONS): Promise<Counted> {
    const { increment, counted } = this.#requests;
    return execute(this.#transport, increment(keyBytes(key), delta, options), counted, options.signal);
  }

  /**
   * Rows in order of their keys (bytes), across ranges, page by page: `for await (const row of users.scan())`. Pages
   * are read one after the other, each as fresh as asked; with `snapshot` or `revision` they show one moment. The loop
   * may be left early.
   */
  scan(options?: ScanCallOptions & { readonly keysOnly?: false }): AsyncGenerator<Row<T>, void, undefined>;
  /** With `keysOnly`, rows have no value. */
  scan(
    options: ScanCallOptions & { readonly keysOnly: true },
  ): AsyncGenerator<Row<undefined>, void, undefined>;
  scan(options?: ScanCallOptions): AsyncGenerator<Row<T | undefined>, void, undefined>;
  scan(options: ScanCallOptions = NO_OPTIONS): AsyncGenerator<Row<T | undefined>, void, undefined> {
    const { start, end } = intervalOf(options);
    const read = this.#requests.get(start, options, options.revision);
    const rowOf = this.#requests.rowMaker(options.keysOnly === true);
    return scanPages(this.#transport, read, end, options, rowOf);
  }

  /** How many keys have a value, in the interval and at the moment that `options` name. Reads every key. */
  async count(
    options: Omit<ScanCallOptions, 'reverse' | 'keysOnly' | 'pageSize'> = NO_OPTIONS,
  ): Promise<number> {
    const { start, end } = intervalOf(options);
    const { get } = this.#requests;
    return countPages(this.#transport, get(start, options, options.revision), end, options);
  }

  /**
   * Deletes the keys of an interval, a thousand at a time: each step is atomic, all of them together are not. May be
   * called again when it failed: what is gone is gone. Returns how many keys it removed.
   */
  async deleteRange(options: DeleteRangeCallOptions): Promise<number> {
    const { start, end } = intervalOf(options);
    return deletePages(this.#transport, this.name, start, end, options);
  }

  /** A transaction on keys of one range: all of it or nothing. */
  atomic(): Atomic<T> {
    return new Atomic(this.#transport, this.#requests);
  }

  /**
   * Follows what is written: `for await (const event of users.watch({ prefix: 'eu/' }))`. Changes come in the order of
   * revisions, over all ranges, each once; the watch survives changes of leaders and lost connections by itself. It
   * ends with the loop, with `signal`, or with an error.
   *
   * @throws HoldfastError `HF_COMPACTED` when changes behind `from` are no longer kept: read what there is, then watch
   *   from `revision` of the error or from now on. `HF_BAD_REQUEST`, `HF_KEYSPACE_NOT_FOUND`.
   */
  watch(options: WatchCallOptions = NO_OPTIONS): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { from = 0, progress = false, signal } = options;
    const { start, end } = watchBounds(options);
    if (!Number.isSafeInteger(from) || from < 0) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'from is a revision' });
    }
    return this.#requests.watch(
      this.#transport,
      { keyspace: this.name, start, end, after: from },
      { progress, signal },
    );
  }
}

/** The interval that options name; an empty end is that of the keyspace. */
export function intervalOf(options: { readonly start?: Key; readonly end?: Key; readonly prefix?: Key }): {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
} {
  if (options.prefix !== undefined) {
    const start = keyBytes(options.prefix);
    return { start, end: prefixEnd(start) ?? EMPTY_BYTES };
  }
  return {
    start: options.start === undefined ? EMPTY_BYTES : keyBytes(options.start),
    end: options.end === undefined ? EMPTY_BYTES : keyBytes(options.end),
  };
}

/** @throws HoldfastError `HF_BAD_REQUEST` for more than one way to say which keys. */
function watchBounds({ key, prefix, start, end }: WatchCallOptions): {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
} {
  const ways = [key, prefix, start ?? end].filter((way) => way !== undefined).length;
  if (ways > 1)
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'key, prefix, or start and end: one of them' });
  if (key !== undefined) {
    const only = keyBytes(key);
    if (only.length === 0) throw new HoldfastError('HF_KEY_INVALID', { detail: 'the key is empty' });
    return { start: only, end: concatBytes([only, ZERO]) };
  }
  if (prefix !== undefined) {
    const first = keyBytes(prefix);
    return { start: first, end: prefixEnd(first) ?? EMPTY_BYTES };
  }
  const bounds = {
    start: start === undefined ? EMPTY_BYTES : keyBytes(start),
    end: end === undefined ? EMPTY_BYTES : keyBytes(end),
  };
  if (bounds.end.length > 0 && compareBytes(bounds.start, bounds.end) >= 0) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'start lies before end' });
  }
  return bounds;
}

const ZERO = Uint8Array.of(0);
