import { assert, compareBytes } from '@holdfast/io';
import type { BlockCache } from '../cache/block-cache.ts';
import type { TableCache } from '../cache/table-cache.ts';
import { REVISION_MAX } from '../limits.ts';
import { KIND_DELETE } from '../memtable/record.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { RunCursor, type RunCursorOptions } from '../table/run-cursor.ts';
import { checkKey, checkSpans } from '../version/damaged-spans.ts';
import type { Latest, Lookup, Reads, SnapshotReader, ValueView } from '../tree/snapshot.ts';
import { Cursor, type CursorOptions } from './cursor.ts';
import { Merge } from './merge.ts';
import { PointReader } from './point-read.ts';
import type { Source } from './source.ts';
import type { View } from './view.ts';

const BULK_READ_BYTES = 1024 * 1024;

/** Reads views: the one implementation behind `Tree` and `Snapshot`. */
export class ViewReader implements SnapshotReader {
  readonly #points: PointReader;
  readonly #runs: RunCursorOptions;
  readonly #slab = new Slab();

  constructor(tables: TableCache, cache: BlockCache, readAheadBytes: number) {
    this.#points = new PointReader(tables, cache);
    this.#runs = { tables, cache, readAheadBytes, isBulk: false };
  }

  get stats(): PointReader['stats'] {
    return this.#points.stats;
  }

  get(view: View, top: number, key: Uint8Array, revision: number = REVISION_MAX): ReturnType<Reads['get']> {
    if (view.isDamaged) checkKey(view.version.damagedSpans, key);
    const points = this.#points;
    const isFound = points.tryRead(view, top, key, revision);
    if (isFound !== undefined) return isFound ? this.#lookup() : undefined;
    return this.#slowly(view, top, key, revision, (found) => (found ? this.#lookupCopy() : undefined));
  }

  find(view: View, top: number, key: Uint8Array, revision: number = REVISION_MAX): ReturnType<Reads['find']> {
    if (view.isDamaged) checkKey(view.version.damagedSpans, key);
    const points = this.#points;
    const isFound = points.tryRead(view, top, key, revision);
    if (isFound === undefined)
      return this.#slowly(view, top, key, revision, (found) => (found ? this.#entryCopy() : undefined));
    const { found } = points;
    return isFound && found.kind !== KIND_DELETE ? found : undefined;
  }

  latest(
    view: View,
    top: number,
    key: Uint8Array,
    revision: number = REVISION_MAX,
  ): ReturnType<Reads['latest']> {
    if (view.isDamaged) checkKey(view.version.damagedSpans, key);
    const points = this.#points;
    const isFound = points.tryRead(view, top, key, revision);
    if (isFound !== undefined) return isFound ? this.#latest() : undefined;
    return this.#slowly(view, top, key, revision, (found) => (found ? this.#latest() : undefined));
  }

  multiGet(
    view: View,
    top: number,
    keys: readonly Uint8Array[],
    revision: number = REVISION_MAX,
  ): ReturnType<Reads['multiGet']> {
    if (view.isDamaged) for (const key of keys) checkKey(view.version.damagedSpans, key);
    const results: (Lookup | undefined)[] = [];
    const slab = this.#slab;
    let waiting: Promise<void>[] | undefined;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const isFound = this.#points.tryRead(view, top, key, revision);
      if (isFound === undefined) {
        results.push(undefined);
        waiting ??= [];
        const late = this.#slowly(view, top, key, revision, (found) =>
          found ? this.#lookupCopy() : undefined,
        );
        waiting.push(late.then((lookup) => void (results[i] = lookup)));
        continue;
      }
      const { found } = this.#points;
      results.push(
        isFound && found.kind !== KIND_DELETE
          ? { value: slab.copy(found.value, found.valueStart, found.valueEnd), revision: found.revision }
          : undefined,
      );
    }
    return waiting === undefined ? results : Promise.all(waiting).then(() => results);
  }

  iterator(view: View, top: number, options: CursorOptions = {}): Cursor {
    checkSpans(view.version.damagedSpans, options.start, options.end);
    return new Cursor(view.acquire(), new Merge(this.sources(view, top, options)), options);
  }

  /** The sources of a range for one pass over all of it, past the block cache. */
  bulkSources(view: View, top: number, range: CursorOptions): Source[] {
    checkSpans(view.version.damagedSpans, range.start, range.end);
    return this.sources(view, top, range, { ...this.#runs, readAheadBytes: BULK_READ_BYTES, isBulk: true });
  }

  /** Every source that may hold keys within the bounds, newest first. */
  sources(view: View, top: number, { start, end }: CursorOptions, runs = this.#runs): Source[] {
    const sources: Source[] = [];
    for (const [i, memtable] of view.memtables.entries()) {
      if (memtable.tree.count > 0)
        sources.push(new MemtableCursor(memtable, i === 0 ? top : Number.MAX_SAFE_INTEGER));
    }
    const [level0 = [], ...sorted] = view.version.levels;
    for (const table of level0) {
      if (overlaps(table.meta, start, end)) sources.push(new RunCursor([table], runs));
    }
    for (const level of sorted) {
      if (level.length === 1 && !overlaps(level[0]!.meta, start, end)) continue;
      if (level.length > 0) sources.push(new RunCursor(level, runs));
    }
    return sources;
  }

  async #slowly<T>(
    view: View,
    top: number,
    key: Uint8Array,
    revision: number,
    use: (isFound: boolean) => T,
  ): Promise<T> {
    // The caller's key may be a view of a buffer that moves on.
    const ownKey = key.slice();
    view.acquire();
    try {
      return await this.#points.readSlowly(view, top, ownKey, revision, use);
    } finally {
      view.release();
    }
  }

  #lookup(): Lookup | undefined {
    const { found } = this.#points;
    if (found.kind === KIND_DELETE) return undefined;
    return { value: found.value.subarray(found.valueStart, found.valueEnd), revision: found.revision };
  }

  #lookupCopy(): Lookup | undefined {
    const { found } = this.#points;
    if (found.kind === KIND_DELETE) return undefined;
    return { value: found.value.slice(found.valueStart, found.valueEnd), revision: found.revision };
  }

  #entryCopy(): ValueView | undefined {
    const { found } = this.#points;
    if (found.kind === KIND_DELETE) return undefined;
    const value = found.value.slice(found.valueStart, found.valueEnd);
    return { value, valueStart: 0, valueEnd: value.length, revision: found.revision };
  }

  #latest(): Latest {
    const { found } = this.#points;
    assert(found.revision >= 0, 'a version has a revision');
    return { kind: found.kind === KIND_DELETE ? 'delete' : 'put', revision: found.revision };
  }
}

const SLAB_BYTES = 16 * 1024;
/** Up to here a plain loop is faster than making a view and calling `set`. */
const LOOP_BYTES_MAX = 48;

/** Copies of values in few allocations; a value that somebody keeps holds up to SLAB_BYTES of them. */
class Slab {
  #bytes = new Uint8Array(0);
  #used = 0;

  copy(source: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (length > SLAB_BYTES / 4) return source.slice(start, end);
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const from = this.#used;
    const target = this.#bytes;
    if (length > LOOP_BYTES_MAX) target.set(source.subarray(start, end), from);
    else for (let i = start, j = from; i < end; i++, j++) target[j] = source[i]!;
    this.#used += length;
    return target.subarray(from, from + length);
  }
}

function overlaps(
  meta: { readonly smallestKey: Uint8Array; readonly largestKey: Uint8Array },
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): boolean {
  if (start !== undefined && compareBytes(meta.largestKey, start) < 0) return false;
  return end === undefined || compareBytes(meta.smallestKey, end) < 0;
}
