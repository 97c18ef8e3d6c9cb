import { type Disk, type DiskLock, type Kernels, pureKernels } from '@holdfast/io';
import { BlockCache } from '../cache/block-cache.ts';
import { TableCache } from '../cache/table-cache.ts';
import { BrokenError, ClosedError } from '../errors.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { MemtablePool } from '../memtable/memtable-pool.ts';
import type { WriteBatch } from '../memtable/write-batch.ts';
import type { Cursor, CursorOptions } from '../read/cursor.ts';
import { View } from '../read/view.ts';
import { ViewReader } from '../read/view-reader.ts';
import { VersionSet } from '../version/version-set.ts';
import type { StallReason, TreeEvent, TreeListener } from './events.ts';
import { flushMemtable } from './flush.ts';
import { type ResolvedOptions, resolveOptions, type TreeOptions } from './options.ts';
import { recoverDirectory } from './recovery.ts';
import { type Reads, Snapshot } from './snapshot.ts';

export interface TreeOpenOptions {
  readonly disk: Disk;
  /** Made if it is missing; used by one tree of one process at a time. */
  readonly directory: string;
  readonly kernels?: Kernels;
  readonly options?: TreeOptions;
  readonly onEvent?: TreeListener;
}

interface Stall {
  readonly reason: StallReason;
  readonly promise: Promise<void>;
  readonly end: (error?: unknown) => void;
}

/**
 * A log-structured merge tree: sorted keys with versions, on a {@link Disk}.
 *
 * A key is 1 .. KEY_BYTES_MAX bytes in byte order; a version is (key, revision), the revision an integer below
 * 2^53 that the caller gives. Reads find the newest version at or below a revision, whatever the order in
 * which versions were written.
 *
 * Without a WAL, `apply` is durable only when a flush has written it; the *marks* in the batches say how far
 * that is: after a crash the tree holds exactly the batches up to the {@link durableMark} of each group, and
 * the caller applies the rest again from its own log.
 */
export class Tree implements Reads {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #kernels: Kernels;
  readonly #options: ResolvedOptions;
  readonly #emit: (event: TreeEvent) => void;
  readonly #lock: DiskLock;
  readonly #tables: TableCache;
  readonly #cache: BlockCache;
  readonly #versions: VersionSet;
  readonly #reader: ViewReader;
  readonly #pool: MemtablePool;
  readonly #marks: Map<number, Uint8Array>;
  #active: Memtable;
  /** Full memtables, newest first. */
  #immutable: readonly Memtable[] = [];
  #view: View;
  #horizon = 0;
  #flushing: Promise<void> | undefined;
  #stall: Stall | undefined;
  #broken: unknown;
  #isClosed = false;

  private constructor(world: TreeWorld) {
    this.#disk = world.disk;
    this.#directory = world.directory;
    this.#kernels = world.kernels;
    this.#options = world.options;
    this.#emit = world.emit;
    this.#lock = world.lock;
    this.#tables = world.tables;
    this.#cache = world.cache;
    this.#versions = world.versions;
    this.#reader = new ViewReader(world.tables, world.cache, world.options.readAheadBytes);
    this.#pool = new MemtablePool(world.options.memtableBytes, world.options.memtableQueueMax);
    this.#marks = new Map(world.versions.state.marks);
    this.#active = this.#pool.take(0);
    this.#view = this.#newView();
  }

  /**
   * Opens the tree in a directory, or makes a new one.
   *
   * @throws CorruptionError when what is there cannot be trusted (nothing is changed then); DiskError, with
   * code `ELOCKED` when another process has the directory.
   */
  static async open({ disk, directory, kernels = pureKernels, options, onEvent }: TreeOpenOptions): Promise<Tree> {
    const resolved = resolveOptions(options);
    const emit = onEvent ?? (() => undefined);
    await disk.makeDirectory(directory);
    const lock = await disk.lock(directory);
    try {
      const { state, orphans } = await recoverDirectory(disk, directory, kernels, resolved.treeId);
      for (const name of orphans) emit({ type: 'orphan-deleted', name });
      const cache = new BlockCache(resolved.blockCacheBytes);
      const onCorruption = (error: Extract<TreeEvent, { type: 'corruption' }>['error']): void =>
        emit({ type: 'corruption', error });
      const context = { disk, kernels, cache, ...resolved, onCorruption };
      const tables = new TableCache(directory, context, resolved.openTablesMax);
      const onDeleted = (number: number): void => emit({ type: 'table-deleted', number });
      const versions = new VersionSet({ disk, directory, kernels, tables }, state, onDeleted);
      return new Tree({ disk, directory, kernels, options: resolved, emit, lock, tables, cache, versions });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  // ---- Writing

  /**
   * Writes a batch into the memtable: atomic, synchronous, visible at once, durable with the next flush that
   * covers it. The batch's bytes are copied. Ask {@link writable} first: `apply` itself never waits.
   *
   * @throws BrokenError after a disk failure; ClosedError.
   */
  apply(batch: WriteBatch): void {
    this.#checkWritable();
    if (batch.count === 0) return;
    if (!this.#active.hasRoom(batch)) this.#rotate(batch.byteLength);
    const active = this.#active;
    const tombstones = active.rangeTombstones.length;
    const marks = active.marks.size;
    active.apply(batch);
    if (active.marks.size > 0 || marks > 0) this.#takeMarks(active);
    if (active.rangeTombstones.length > tombstones) this.#refreshView();
  }

  /**
   * Undefined: go on. A promise: flushes or compaction are behind; await it before the next `apply`, which is
   * what bounds the memory of the tree. It rejects when the tree breaks.
   */
  writable(): Promise<void> | undefined {
    this.#checkWritable();
    if (this.#stall !== undefined) return this.#stall.promise;
    const reason = this.#stallReason();
    if (reason === undefined) return undefined;
    this.#stall = newStall(reason);
    this.#emit({ type: 'stall-begin', reason });
    return this.#stall.promise;
  }

  /** Makes everything applied so far durable in tables. @throws BrokenError, ClosedError. */
  async flush(): Promise<void> {
    this.#checkWritable();
    if (!this.#active.isEmpty) this.#rotate(0);
    await this.#flushing;
    this.#checkBroken();
  }

  /**
   * Versions of a key older than its newest one at or below `revision` may be dropped from now on, and so may
   * tombstones. Never goes back; starts at 0 (nothing is dropped) whenever the tree is opened. Reads below
   * the horizon are undefined. `REVISION_MAX` keeps only the newest version of each key.
   */
  setHorizon(revision: number): void {
    if (revision > this.#horizon) this.#horizon = revision;
  }

  // ---- Reading

  /**
   * The newest version of a key at or below `revision` (default: the newest); undefined when there is none or
   * it is a tombstone. A promise only when a block or a table has to be read from disk first.
   *
   * The value is a view: valid until the next call on this tree or until the caller awaits, whichever is
   * first. (After a promise it is the caller's own copy.)
   *
   * @throws CorruptionError, DiskError: directly or as the rejection of the promise.
   */
  get(key: Uint8Array, revision?: number): ReturnType<Reads['get']> {
    if (this.#isClosed) throw new ClosedError('the tree');
    return this.#reader.get(this.#view, Number.MAX_SAFE_INTEGER, key, revision);
  }

  /** Like {@link get}, without the value and with tombstones: what compare-and-set needs. */
  latest(key: Uint8Array, revision?: number): ReturnType<Reads['latest']> {
    if (this.#isClosed) throw new ClosedError('the tree');
    return this.#reader.latest(this.#view, Number.MAX_SAFE_INTEGER, key, revision);
  }

  /**
   * One result for each key, in order. The values are the caller's: copies, several in one buffer.
   * A promise only when something has to be read from disk first.
   */
  multiGet(keys: readonly Uint8Array[], revision?: number): ReturnType<Reads['multiGet']> {
    if (this.#isClosed) throw new ClosedError('the tree');
    return this.#reader.multiGet(this.#view, this.#view.top, keys, revision);
  }

  /** A cursor over the tree as it is now. Close it. */
  iterator(options?: CursorOptions): Cursor {
    if (this.#isClosed) throw new ClosedError('the tree');
    return this.#reader.iterator(this.#view, this.#view.top, options);
  }

  /** The entries of a range, copied, for callers who prefer comfort to speed. */
  async *scan(
    options?: CursorOptions,
  ): AsyncGenerator<{ readonly key: Uint8Array; readonly value: Uint8Array; readonly revision: number }, void, void> {
    const cursor = this.iterator(options);
    try {
      while (cursor.next() || (await cursor.load())) {
        yield { key: cursor.key.slice(), value: cursor.value.slice(), revision: cursor.revision };
      }
    } finally {
      cursor.close();
    }
  }

  /** The tree as it is now, for as long as the snapshot is not released. */
  snapshot(): Snapshot {
    if (this.#isClosed) throw new ClosedError('the tree');
    return new Snapshot(this.#reader, this.#view.acquire(), this.#view.top, new Map(this.#marks));
  }

  // ---- Marks

  /** The newest mark applied for a group. */
  mark(group: number): Uint8Array | undefined {
    return this.#marks.get(group);
  }

  /** The mark that tables and manifest hold: everything up to it survives a crash, so its log may go. */
  durableMark(group: number): Uint8Array | undefined {
    return this.#versions.state.marks.get(group);
  }

  /** Groups that have a mark, ascending. */
  markedGroups(): readonly number[] {
    return [...this.#marks.keys()].sort((a, b) => a - b);
  }

  /**
   * Lets running work end and frees everything. What was applied and not flushed is gone, as after a crash:
   * call {@link flush} first where that matters. Cursors and snapshots are void.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stall?.end(new ClosedError('the tree'));
    await this.#flushing?.catch(() => undefined);
    await this.#versions.close();
    await this.#tables.closeAll();
    await this.#lock.release();
  }

  // ---- Memtables

  #newView(): View {
    return new View([this.#active, ...this.#immutable], this.#versions.current, (memtable) => {
      if (!this.#isClosed) this.#pool.give(memtable);
    });
  }

  #refreshView(): void {
    const before = this.#view;
    this.#view = this.#newView();
    before.release();
  }

  #rotate(bytesNeeded: number): void {
    if (!this.#active.isEmpty) this.#immutable = [this.#active, ...this.#immutable];
    this.#active = this.#pool.take(bytesNeeded);
    this.#refreshView();
    this.#flushing ??= this.#flushAll().finally(() => (this.#flushing = undefined));
  }

  /** Flushes waiting memtables, oldest first, until there is none. Never rejects. */
  async #flushAll(): Promise<void> {
    try {
      // Not in the turn of `apply`: the first table starts when the caller has given the loop back.
      await Promise.resolve();
      for (;;) {
        const memtable = this.#immutable.at(-1);
        if (memtable === undefined || this.#isClosed || this.#broken !== undefined) return;
        await this.#flushOne(memtable);
      }
    } catch (error) {
      this.#break(error);
    }
  }

  async #flushOne(memtable: Memtable): Promise<void> {
    const bytes = memtable.bytes;
    this.#emit({ type: 'flush-begin', bytes });
    const world = {
      disk: this.#disk,
      directory: this.#directory,
      kernels: this.#kernels,
      options: this.#options,
      versions: this.#versions,
    };
    const tables = await flushMemtable(world, memtable, this.#horizon, undefined, () => {
      this.#immutable = this.#immutable.filter((other) => other !== memtable);
      this.#refreshView();
    });
    const fileBytes = tables.reduce((sum, table) => sum + table.fileBytes, 0);
    this.#emit({ type: 'flush-end', bytes, tables: tables.length, fileBytes });
    this.#endStall();
  }

  #takeMarks(memtable: Memtable): void {
    for (const [group, mark] of memtable.marks) {
      if (mark.length === 0) this.#marks.delete(group);
      else this.#marks.set(group, mark);
    }
  }

  // ---- Stalls and failures

  #stallReason(): StallReason | undefined {
    if (this.#immutable.length >= this.#options.memtableQueueMax) return 'memtables';
    const level0 = this.#versions.current.levels[0]!;
    return level0.length >= this.#options.level0StallTables ? 'level-0' : undefined;
  }

  #endStall(): void {
    const stall = this.#stall;
    if (stall === undefined || this.#stallReason() !== undefined) return;
    this.#stall = undefined;
    this.#emit({ type: 'stall-end', reason: stall.reason });
    stall.end();
  }

  #break(error: unknown): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.#versions.keepFiles();
    this.#emit({ type: 'broken', error });
    this.#stall?.end(new BrokenError('the tree', error));
    this.#stall = undefined;
  }

  #checkWritable(): void {
    if (this.#isClosed) throw new ClosedError('the tree');
    this.#checkBroken();
  }

  #checkBroken(): void {
    if (this.#broken !== undefined) throw new BrokenError('the tree', this.#broken);
  }
}

interface TreeWorld {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly options: ResolvedOptions;
  readonly emit: (event: TreeEvent) => void;
  readonly lock: DiskLock;
  readonly tables: TableCache;
  readonly cache: BlockCache;
  readonly versions: VersionSet;
}

function newStall(reason: StallReason): Stall {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  return { reason, promise, end: (error) => (error === undefined ? resolve() : reject(error)) };
}
