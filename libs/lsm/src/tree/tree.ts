import { type Disk, type DiskLock, type Kernels, pureKernels } from '@holdfast/io';
import { BlockCache } from '../cache/block-cache.ts';
import { TableCache } from '../cache/table-cache.ts';
import { CompactionDriver } from '../compaction/compaction-driver.ts';
import { InlineCompactor } from '../compaction/compaction-job.ts';
import { ClosedError, type CorruptionError } from '../errors.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { Cursor, CursorOptions } from '../read/cursor.ts';
import { ViewReader } from '../read/view-reader.ts';
import type { DamagedSpan } from '../version/damaged-spans.ts';
import { VersionSet } from '../version/version-set.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { DiskReserve } from './disk-reserve.ts';
import type { TreeEvent, TreeListener } from './events.ts';
import type { LogPosition } from '../log/log-recovery.ts';
import { MemtableQueue } from './memtable-queue.ts';
import { noteDamage, takeOut } from './quarantine.ts';
import type { TreeOpenOptions } from './open-options.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import { recoverDirectory } from './recovery.ts';
import { type Reads, Snapshot } from './snapshot.ts';
import { treeStats, type TreeStats } from './stats.ts';
import { exportRange, ingestTables, type IngestOptions, type RangeExport } from './transfer.ts';
import type { TreeWorld } from './tree-world.ts';
import { Wal } from './wal.ts';

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
  readonly #lock: DiskLock;
  readonly #tables: TableCache;
  readonly #cache: BlockCache;
  readonly #versions: VersionSet;
  readonly #reader: ViewReader;
  readonly #memtables: MemtableQueue;
  readonly #compaction: CompactionDriver;
  readonly #reserve: DiskReserve;
  readonly #emit: TreeListener;
  #wal: Wal | undefined;
  #horizon = 0;
  #flushedBytes = 0;
  #isClosed = false;

  private constructor(world: TreeWorld) {
    const { disk, directory, kernels, options, tables, cache, versions } = world;
    this.#disk = disk;
    this.#directory = directory;
    this.#kernels = kernels;
    this.#options = options;
    this.#lock = world.lock;
    this.#tables = tables;
    this.#cache = cache;
    this.#versions = versions;
    this.#reader = new ViewReader(tables, cache, options.readAheadBytes);
    const emit = (event: TreeEvent): void => {
      if (event.type === 'flush-end') this.#flushedBytes += event.fileBytes;
      // After a success only: while the disk is full, the room is for others.
      const isSuccess = event.type === 'flush-end' || event.type === 'compaction-end';
      if (isSuccess && !this.#memtables.isDiskFull) this.#reserve.fill();
      world.emit(event);
    };
    this.#emit = emit;
    this.#reserve = new DiskReserve(disk, directory, options.reserveBytes);
    const releaseReserve = this.#reserve.release.bind(this.#reserve);
    const horizon = (): number => this.#horizon;
    this.#memtables = new MemtableQueue({
      disk,
      directory,
      kernels,
      options,
      versions,
      compactor: world.compactor,
      emit,
      horizon,
      walFirst: (remaining) => this.#wal?.first(remaining),
      releaseReserve,
      onFlushed: () => this.#flushed(),
    });
    this.#compaction = new CompactionDriver({
      disk,
      directory,
      options,
      versions,
      compactor: world.compactor,
      emit,
      horizon,
      onInstalled: () => this.#memtables.refreshView(),
      onProgress: () => {
        this.#memtables.startFlush();
        this.#memtables.endStall();
      },
      onCorruption: (error) => this.#hearOfDamage(error),
      releaseReserve,
      onBroken: (error) => this.#memtables.break(error),
    });
  }

  /**
   * Opens the tree in a directory, or makes a new one.
   *
   * @throws CorruptionError when what is there cannot be trusted (nothing is changed then); DiskError, with
   * code `ELOCKED` when another process has the directory.
   */
  static async open(open: TreeOpenOptions): Promise<Tree> {
    const { disk, directory, kernels = pureKernels, clock } = open;
    const options = resolveOptions(open.options);
    const emit = open.onEvent ?? (() => undefined);
    await disk.makeDirectory(directory);
    const lock = await disk.lock(directory);
    try {
      const { treeId } = options;
      const world = { disk, directory, kernels, treeId, isLenient: open.onLostTable === 'quarantine' };
      const { state, orphans, lost } = await recoverDirectory(world);
      for (const name of orphans) emit({ type: 'orphan-deleted', name });
      const cache = new BlockCache(options.blockCacheBytes);
      let hear = (error: CorruptionError): void => emit({ type: 'corruption', error });
      const tables = new TableCache(
        directory,
        { disk, kernels, cache, ...options, onCorruption: (error) => hear(error) },
        { tables: options.openTablesMax, bytes: options.tableMemoryBytes },
      );
      const versions = new VersionSet({ disk, directory, kernels, tables }, state, (number) =>
        emit({ type: 'table-deleted', number }),
      );
      const inline = { disk, kernels, codecs: options.codecs };
      const compactor =
        open.compactor ?? new InlineCompactor(clock === undefined ? inline : { ...inline, clock });
      const own = { options, emit, lock, tables, cache, versions, compactor };
      const tree = new Tree({ disk, directory, kernels, ...own });
      for (const { error, table } of lost) emit({ type: 'corruption', error, table });
      hear = (error) => tree.#hearOfDamage(error);
      if (open.wal === true)
        await tree.#openWal({ segment: state.walSegmentFirst, offset: state.walOffsetFirst });
      tree.#reserve.fill();
      tree.#compaction.poke();
      return tree;
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
    this.#checkOpen();
    this.#memtables.checkWritable();
    if (batch.count > 0) this.#memtables.apply(batch);
  }

  /**
   * Undefined: go on. A promise: flushes or compaction are behind; await it before the next `apply`, which is
   * what bounds the memory of the tree. It rejects when the tree breaks or closes.
   */
  writable(): Promise<void> | undefined {
    this.#checkOpen();
    this.#memtables.checkWritable();
    return this.#memtables.writable();
  }

  /**
   * Writes a batch through the WAL (only with `wal: true`); waits itself when the tree is not `writable`.
   * With `sync` it is durable and visible when the promise resolves, and not visible before; writes of one
   * turn share one sync. Without, it is visible at once and becomes durable soon after.
   *
   * The batch's bytes are copied before the call returns.
   *
   * @throws DiskError with code `ENOSPC` when there is no room: nothing of the batch was or will be applied,
   * reads go on, and a later write succeeds once there is room; BrokenError, ClosedError. Directly or as the
   * rejection of the promise.
   */
  write(batch: WriteBatch, { sync }: { readonly sync: boolean }): Promise<void> {
    this.#checkOpen();
    this.#memtables.checkWritable();
    if (this.#wal === undefined) throw new ClosedError('the WAL (the tree was opened without one)');
    if (batch.count === 0) return Promise.resolve();
    const stall = this.#memtables.writableUnlessFull();
    const written = this.#wal.write(batch, sync);
    if (stall === undefined) return written ?? DONE;
    return written === undefined ? stall : Promise.all([stall, written]).then(() => undefined);
  }

  /**
   * Deletes the keys in `[start, end)` (undefined: unbounded) for readers at `revision` and later; costs the
   * same for any number of keys. Like a batch with the same operation: durable with the next flush, or with
   * the WAL when there is one.
   */
  async deleteRange(
    start: Uint8Array | undefined,
    end: Uint8Array | undefined,
    revision: number,
  ): Promise<void> {
    const batch = new WriteBatch(256);
    batch.deleteRange(start, end, revision);
    if (this.#wal === undefined) this.apply(batch);
    else await this.write(batch, { sync: true });
  }

  /**
   * Makes everything applied so far durable in tables. A compaction that a full disk has stopped is tried again.
   * @throws DiskError with code `ENOSPC`: nothing is lost, free space and call again; BrokenError, ClosedError.
   */
  flush(): Promise<void> {
    this.#checkOpen();
    this.#compaction.poke();
    return this.#memtables.flush();
  }

  /**
   * Versions of a key older than its newest one at or below `revision` may be dropped from now on, and so may
   * tombstones. Never goes back; starts at 0 (nothing is dropped) whenever the tree is opened. Reads below
   * the {@link horizon} are undefined. `REVISION_MAX` keeps only the newest version of each key.
   */
  setHorizon(revision: number): void {
    if (revision <= this.#horizon) return;
    this.#horizon = revision;
    if (this.#versions.current.rangeTombstones.length > 0) this.#compaction.poke();
  }

  /** Reads at a revision below it are undefined: what was dropped by {@link setHorizon} in any life, or before an ingestion. */
  get horizon(): number {
    return Math.max(this.#horizon, this.#versions.state.horizon);
  }

  /**
   * Flushes, then merges everything that overlaps `[start, end)` (undefined: unbounded) into the deepest
   * level, dropping what the horizon allows.
   *
   * @throws CorruptionError: the inputs stay as they were; DiskError, BrokenError, ClosedError.
   */
  async compactRange(start?: Uint8Array, end?: Uint8Array): Promise<void> {
    await this.flush();
    await this.#compaction.compactRange(start, end);
  }

  /** Resolves when no compaction is running or due. For tests, benchmarks and orderly ends. */
  compactionIdle(): Promise<void> {
    return this.#compaction.idle();
  }

  // ---- Reading

  /**
   * The newest version of a key at or below `revision` (default: the newest); undefined when there is none or
   * it is a tombstone. A promise only when a block or a table has to be read from disk first.
   *
   * The value is a view, maybe of shared memory: valid until the next call on this tree or until the caller awaits,
   * whichever is first. (After a promise it is the caller's own copy.)
   *
   * @throws CorruptionError, DiskError: directly or as the rejection of the promise.
   */
  get(key: Uint8Array, revision?: number): ReturnType<Reads['get']> {
    this.#checkOpen();
    return this.#reader.get(this.#memtables.view, Number.MAX_SAFE_INTEGER, key, revision);
  }

  /**
   * Like {@link get}, and makes no object: the answer and the bytes that it points at are valid until the next
   * call on this tree or until the caller awaits. (After a promise they are the caller's own.)
   */
  find(key: Uint8Array, revision?: number): ReturnType<Reads['find']> {
    this.#checkOpen();
    return this.#reader.find(this.#memtables.view, Number.MAX_SAFE_INTEGER, key, revision);
  }

  /** Like {@link get}, without the value and with tombstones: what compare-and-set needs. */
  latest(key: Uint8Array, revision?: number): ReturnType<Reads['latest']> {
    this.#checkOpen();
    return this.#reader.latest(this.#memtables.view, Number.MAX_SAFE_INTEGER, key, revision);
  }

  /**
   * One result for each key, in order, all of the same moment. The values are the caller's: copies, several
   * in one buffer. A promise only when something has to be read from disk first; `keys` stay unchanged until
   * it settles.
   */
  multiGet(keys: readonly Uint8Array[], revision?: number): ReturnType<Reads['multiGet']> {
    this.#checkOpen();
    const { view } = this.#memtables;
    return this.#reader.multiGet(view, view.top, keys, revision);
  }

  /** A cursor over the tree as it is now. Close it. */
  iterator(options?: CursorOptions): Cursor {
    this.#checkOpen();
    const { view } = this.#memtables;
    return this.#reader.iterator(view, view.top, options);
  }

  /** The entries of a range, copied, for callers who prefer comfort to speed. */
  async *scan(
    options?: CursorOptions,
  ): AsyncGenerator<
    { readonly key: Uint8Array; readonly value: Uint8Array; readonly revision: number },
    void,
    void
  > {
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
    this.#checkOpen();
    const { view, marks } = this.#memtables;
    return new Snapshot(this.#reader, view.acquire(), view.top, new Map(marks));
  }

  // ---- Marks

  /** The newest mark applied for a group. */
  mark(group: number): Uint8Array | undefined {
    return this.#memtables.marks.get(group);
  }

  /** The mark that tables and manifest hold: everything up to it survives a crash, so its log may go. */
  durableMark(group: number): Uint8Array | undefined {
    return this.#versions.state.marks.get(group);
  }

  /** Groups that have a mark, ascending. */
  markedGroups(): readonly number[] {
    return [...this.#memtables.marks.keys()].sort((a, b) => a - b);
  }

  // ---- Whole trees and parts of them

  /**
   * Flushes, then makes `directory` (which must not hold a tree) a tree of its own with the same content, by
   * hard links: the files are shared until compaction replaces them. Durable when it returns.
   */
  async checkpoint(directory: string): Promise<void> {
    await this.flush();
    await writeCheckpoint(this.#disk, this.#directory, directory, this.#versions, this.#kernels);
  }

  /**
   * Writes all versions in `[start, end)` (undefined: unbounded), tombstones included, as tables into
   * `directory`, numbered from 1. They can be given to {@link ingest} of any tree.
   */
  async exportRange(directory: string, start?: Uint8Array, end?: Uint8Array): Promise<RangeExport> {
    this.#checkOpen();
    const { view } = this.#memtables;
    const { horizon } = this.#versions.state;
    const world = { disk: this.#disk, kernels: this.#kernels, options: this.#options, horizon };
    const bounds = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
    return exportRange(world, view, this.#reader.bulkSources(view, view.top, bounds), directory, start, end);
  }

  /**
   * Takes tables that {@link exportRange} wrote into the tree, all at once or not at all: every checksum is
   * verified, the files are linked in (or copied by the caller beforehand), then one manifest change makes
   * them visible together with `marks`. With `replace`, all that the tree had in those ranges goes in the same
   * change; the caller applies nothing to them meanwhile.
   *
   * @throws CorruptionError when a file is damaged, or a table of the tree that sticks out of what is replaced (told
   * as an event too); the tree is then unchanged.
   */
  async ingest(paths: readonly string[], options: IngestOptions = {}): Promise<void> {
    await this.flush();
    await this.#compaction.exclusively(() =>
      ingestTables(
        {
          disk: this.#disk,
          directory: this.#directory,
          kernels: this.#kernels,
          options: this.#options,
          versions: this.#versions,
          onCorruption: (error) => this.#hearOfDamage(error),
          onInstalled: () => {
            this.#memtables.takeMarks(options.marks ?? new Map());
            this.#memtables.refreshView();
          },
        },
        paths,
        options,
      ),
    );
  }

  // ---- Damage

  /**
   * Takes a damaged table out of the tree. Its file is kept beside as `<name>.damaged`; from now on every read
   * that touches a key of its span throws {@link CorruptionError}, whatever else holds the key, and compaction
   * no longer stands behind it. Survives a restart. Nothing happens when the tree has no such table (any more).
   *
   * Repair from a replica: hear `corruption` with a `table`, call this, and for each part of
   * {@link damagedSpans} that the caller is responsible for get tables with the same content from a healthy
   * tree ({@link exportRange} there), then {@link ingest} them with `replace` of that part, and `marks` when
   * they are from another moment. What was replaced is readable at once; the parts may come one by one.
   *
   * @throws DiskError, BrokenError, ClosedError.
   */
  quarantine(table: number): Promise<void> {
    this.#checkOpen();
    return this.#compaction.exclusively(() =>
      takeOut(this.#disk, this.#directory, this.#versions, table, () => this.#memtables.refreshView()),
    );
  }

  /** Keys that cannot be read before they are replaced, see {@link quarantine}. Empty in a healthy tree. */
  damagedSpans(): readonly DamagedSpan[] {
    return this.#versions.current.damagedSpans;
  }

  stats(): TreeStats {
    return treeStats({
      version: this.#versions.current,
      memtables: this.#memtables,
      tables: this.#tables,
      blockCache: this.#cache.stats,
      reads: this.#reader.stats,
      compaction: this.#compaction.totals,
      flushedBytes: this.#flushedBytes,
    });
  }

  /**
   * Lets running work end and frees everything. With a WAL, what is in memory is flushed first, so that the
   * next opening has nothing to replay. Without one, what was applied and not flushed is gone, as after a
   * crash: call {@link flush} first where that matters. Cursors and snapshots are void.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#wal !== undefined) {
      await this.#wal.idle();
      // The log has everything: a flush that fails costs the next opening a replay and nothing else.
      await this.#memtables.flushLast().catch(() => undefined);
      await this.#wal.close();
    }
    await this.#memtables.close();
    await this.#compaction.stop(new ClosedError('the tree'));
    await this.#reserve.close();
    await this.#versions.close();
    await this.#tables.closeAll();
    await this.#lock.release();
  }

  async #openWal(first: LogPosition): Promise<void> {
    this.#wal = await Wal.open(
      {
        disk: this.#disk,
        directory: this.#directory,
        kernels: this.#kernels,
        segmentBytes: this.#options.walSegmentBytes,
        first,
        onBatch: (batch, position) => this.#memtables.apply(batch, position),
        canary: this.#options.canary,
      },
      (batch, position) => this.#memtables.apply(batch, position),
      (error) => this.#memtables.break(error),
    );
  }

  #flushed(): void {
    this.#compaction.poke();
    this.#wal
      ?.truncateBefore(this.#versions.state.walSegmentFirst)
      .catch((error: unknown) => this.#memtables.break(error));
  }

  #hearOfDamage(error: CorruptionError): void {
    const table = noteDamage(this.#versions.current, error);
    this.#emit(table === undefined ? { type: 'corruption', error } : { type: 'corruption', error, table });
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ClosedError('the tree');
  }
}

const DONE: Promise<void> = Promise.resolve();
