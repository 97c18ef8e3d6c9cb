import { compareBytes } from '@holdfast/io';
import type { Codec } from '../../api/codec.ts';
import { type Key, keyBytes } from '../../api/key.ts';
import { type Counted, intervalOf, type Item, type SwapResult, type Written } from '../../api/keyspace.ts';
import type {
  CompareOptions,
  DeleteOptions,
  GetOptions,
  ScanCallOptions,
  SetOptions,
  WriteCallOptions,
} from '../../api/options.ts';
import type { Row } from '../../api/scan.ts';
import { SCAN_PAGE_ROWS } from '../../limits.ts';
import { keyBehind } from '../../routing/range-key.ts';
import type { SyncThread } from './sync-thread.ts';

type Sync<O> = Omit<O, 'signal'>;
/** Each page is a call of its own, so they can not show one moment, unless at a `revision`. */
type SyncScanCallOptions = Sync<Omit<ScanCallOptions, 'snapshot'>>;

/** A keyspace whose methods return when they are done. Errors are those of `Keyspace`. */
export class SyncKeyspace<T> {
  readonly name: string;
  readonly #thread: SyncThread;
  readonly #codec: Codec<T>;
  readonly #deadlineMs: number;

  constructor(thread: SyncThread, name: string, codec: Codec<T>, deadlineMs: number) {
    this.#thread = thread;
    this.name = name;
    this.#codec = codec;
    this.#deadlineMs = deadlineMs;
  }

  /** The same keyspace with values of another type. */
  with<U>(codec: Codec<U>): SyncKeyspace<U> {
    return new SyncKeyspace(this.#thread, this.name, codec, this.#deadlineMs);
  }

  /** The value, or undefined when the key has none. */
  get(key: Key, options: Sync<GetOptions> = {}): Item<T> | undefined {
    const { deadlineMs } = this.#timed(options);
    const call = { name: 'get', key: keyBytes(key), options: this.#timed(options) } as const;
    const item = this.#thread.call(this.name, call, deadlineMs);
    return item === undefined ? undefined : { ...item, value: this.#codec.decode(item.value) };
  }

  set(key: Key, value: T, options: Sync<SetOptions> = {}): Written {
    const timed = this.#written(options);
    const call = {
      name: 'set',
      key: keyBytes(key),
      value: this.#codec.encode(value),
      options: timed,
    } as const;
    return this.#thread.call(this.name, call, timed.deadlineMs);
  }

  /** Removes the key. */
  delete(key: Key, options: Sync<DeleteOptions> = {}): Written {
    const timed = this.#timed(options);
    return this.#thread.call(
      this.name,
      { name: 'delete', key: keyBytes(key), options: timed },
      timed.deadlineMs,
    );
  }

  /** Writes if the key has exactly this revision, or no value. A condition that does not hold is a result. */
  compareAndSet(key: Key, value: T, options: Sync<CompareOptions>): SwapResult {
    const timed = this.#written(options);
    const call = {
      name: 'compareAndSet',
      key: keyBytes(key),
      value: this.#codec.encode(value),
      options: timed,
    } as const;
    return this.#thread.call(this.name, call, timed.deadlineMs);
  }

  /** Adds to a counter. */
  increment(key: Key, delta = 1, options: Sync<WriteCallOptions> = {}): Counted {
    const timed = this.#timed(options);
    const call = { name: 'increment', key: keyBytes(key), delta, options: timed } as const;
    return this.#thread.call(this.name, call, timed.deadlineMs);
  }

  /** The first rows of a scan, at most `limit` (default 1,000), in order of their keys, in one call. */
  scanPage(options: SyncScanCallOptions & { readonly keysOnly?: false }): Row<T>[];
  scanPage(options?: SyncScanCallOptions): Row<T | undefined>[];
  scanPage(options: SyncScanCallOptions = {}): Row<T | undefined>[] {
    const { start, end } = intervalOf(options);
    return this.#page(start, end, options, options.limit ?? SCAN_PAGE_ROWS);
  }

  /** All rows, page by page; each page is a call with a deadline of its own. The loop may be left early. */
  scan(options?: SyncScanCallOptions & { readonly keysOnly?: false }): Generator<Row<T>, void, undefined>;
  scan(options?: SyncScanCallOptions): Generator<Row<T | undefined>, void, undefined>;
  *scan(options: SyncScanCallOptions = {}): Generator<Row<T | undefined>, void, undefined> {
    const { reverse = false, pageSize = SCAN_PAGE_ROWS } = options;
    let { start, end } = intervalOf(options);
    for (let left = options.limit ?? Number.POSITIVE_INFINITY; left > 0;) {
      const wanted = Math.min(left, pageSize);
      const rows = this.#page(start, end, options, wanted);
      yield* rows;
      left -= rows.length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < wanted) return;
      if (reverse) {
        end = last.keyBytes;
        continue;
      }
      const next = keyBehind(last.keyBytes);
      if (next === undefined || (end.length > 0 && compareBytes(next, end) >= 0)) return;
      start = next;
    }
  }

  #page(
    start: Uint8Array,
    end: Uint8Array,
    options: SyncScanCallOptions,
    limit: number,
  ): Row<T | undefined>[] {
    const { consistency, maxStalenessMs, minRevision, revision, reverse = false, keysOnly = false } = options;
    const { deadlineMs } = this.#timed(options);
    const asked = {
      start,
      end,
      reverse,
      keysOnly,
      limit,
      revision,
      consistency,
      maxStalenessMs,
      minRevision,
    };
    const call = { name: 'scan', options: { ...asked, deadlineMs } } as const;
    const rows = this.#thread.call(this.name, call, deadlineMs);
    return rows.map((row) => ({
      ...row,
      value: row.value === undefined ? undefined : this.#codec.decode(row.value),
    }));
  }

  #timed<O extends { readonly deadlineMs?: number }>(options: O): O & { readonly deadlineMs: number } {
    return { ...options, deadlineMs: options.deadlineMs ?? this.#deadlineMs };
  }

  /** The thread knows bytes only: the content type is that of the codec here. */
  #written<O extends Sync<SetOptions>>(options: O): O & { readonly deadlineMs: number } {
    return { contentType: this.#codec.contentType, ...this.#timed(options) };
  }
}
