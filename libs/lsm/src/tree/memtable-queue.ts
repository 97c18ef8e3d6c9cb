import { type DiskError, isDiskFull } from '@holdfast/io';
import { BrokenError, ClosedError } from '../errors.ts';
import type { LogPosition } from '../log/log-recovery.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { MemtablePool } from '../memtable/memtable-pool.ts';
import type { WriteBatch } from '../memtable/write-batch.ts';
import { View } from '../read/view.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { StallReason, TreeListener } from './events.ts';
import { flushMemtable, type FlushWorld } from './flush.ts';

export interface QueueWorld extends FlushWorld {
  readonly emit: TreeListener;
  readonly horizon: () => number;
  /** Where a replay of the WAL has to begin once everything older than these memtables is in tables. */
  readonly walFirst: (remaining: readonly Memtable[]) => LogPosition | undefined;
  /** Gives up the room kept for a full disk. False when there is none. */
  readonly releaseReserve: () => Promise<boolean>;
  /** After a flush has been installed. */
  readonly onFlushed: () => void;
}

/** While the disk is full, one flush is tried for so many questions whether writes may go on. */
const RETRY_CALLS = 1_024;

interface Stall {
  readonly reason: StallReason;
  readonly promise: Promise<void>;
  /** Resolves with the promise, and also when the disk is full. */
  readonly relief: Promise<void>;
  readonly relieve: () => void;
  readonly end: (error?: unknown) => void;
}

/**
 * The memtable being filled, the full ones that wait for their flush (oldest first out), and the view that
 * readers take: it changes when a memtable fills up and when a version is installed.
 *
 * Owns the tree's health: after a failed flush or manifest nothing is written any more.
 */
export class MemtableQueue {
  readonly #world: QueueWorld;
  readonly #versions: VersionSet;
  readonly #pool: MemtablePool;
  readonly #marks: Map<number, Uint8Array>;
  #active: Memtable;
  /** Newest first. */
  #full: readonly Memtable[] = [];
  #view: View;
  #flushing: Promise<void> | undefined;
  #stall: Stall | undefined;
  #broken: { readonly error: unknown } | undefined;
  #isClosed = false;
  /** Why the last flush failed, when it may be tried again. */
  #diskFull: DiskError | undefined;
  #asked = 0;

  constructor(world: QueueWorld) {
    this.#world = world;
    this.#versions = world.versions;
    const { memtableBytes, memtableQueueMax } = world.options;
    this.#pool = new MemtablePool(memtableBytes, memtableQueueMax, world.compactor.flush !== undefined);
    this.#marks = new Map(world.versions.state.marks);
    this.#active = this.#pool.take(0);
    this.#view = this.#newView();
  }

  get view(): View {
    return this.#view;
  }

  get active(): Memtable {
    return this.#active;
  }

  /** The newest mark of each group. */
  get marks(): ReadonlyMap<number, Uint8Array> {
    return this.#marks;
  }

  get fullCount(): number {
    return this.#full.length;
  }

  /** The last flush found no room, and none has succeeded since. */
  get isDiskFull(): boolean {
    return this.#diskFull !== undefined;
  }

  /** Bytes of records and nodes in all memtables. */
  get bytes(): number {
    return this.#full.reduce((sum, memtable) => sum + memtable.bytes, this.#active.bytes);
  }

  /** @throws BrokenError, ClosedError. */
  checkWritable(): void {
    if (this.#isClosed) throw new ClosedError('the tree');
    if (this.#broken !== undefined) throw new BrokenError('the tree', this.#broken.error);
  }

  /** @param position at or before the batch's place in the WAL; undefined without one. */
  apply(batch: WriteBatch, position?: LogPosition): void {
    if (!this.#active.hasRoom(batch) || this.#isFullEarly()) this.#rotate(batch.byteLength);
    const active = this.#active;
    if (active.isEmpty && position !== undefined) active.walFirst = position;
    const tombstones = active.rangeTombstones.length;
    active.apply(batch, this.#marks);
    if (active.rangeTombstones.length > tombstones) this.refreshView();
  }

  writable(): Promise<void> | undefined {
    // There is no timer here: the callers who ask are the clock.
    if (this.#diskFull !== undefined && ++this.#asked % RETRY_CALLS === 0) this.startFlush();
    if (this.#stall !== undefined) return this.#stall.promise;
    const reason = this.#stallReason();
    if (reason === undefined) return undefined;
    this.#stall = newStall(reason);
    this.#world.emit({ type: 'stall-begin', reason });
    return this.#stall.promise;
  }

  /**
   * As {@link writable}, for writers that are told of a full disk: the promise does not wait for room.
   * @throws DiskError with code `ENOSPC`: no more may be written before a flush succeeds; one is tried.
   */
  writableUnlessFull(): Promise<void> | undefined {
    const stall = this.writable();
    if (stall === undefined || this.#stall === undefined) return stall;
    if (this.#diskFull === undefined) return this.#stall.relief;
    this.startFlush();
    throw this.#diskFull;
  }

  /** Flushes everything applied so far. */
  async flush(): Promise<void> {
    this.checkWritable();
    if (!this.#active.isEmpty) this.#rotate(0);
    const last = this.#full[0];
    this.startFlush();
    await this.#flushing;
    this.checkWritable();
    if (this.#diskFull !== undefined && last !== undefined && this.#full.includes(last)) throw this.#diskFull;
  }

  /**
   * {@link flush}, for a tree that is being closed and whose WAL has everything on disk: the next opening replays
   * nothing. An earlier flush cannot promise that: batches may have been on their way to the WAL meanwhile.
   */
  async flushLast(): Promise<void> {
    await this.flush();
    const walFirst = this.#world.walFirst([this.#active, ...this.#full]);
    const { walSegmentFirst, walOffsetFirst } = this.#versions.state;
    if (walFirst === undefined) return;
    if (walFirst.segment === walSegmentFirst && walFirst.offset === walOffsetFirst) return;
    await this.#versions.install({ walFirst }, () => undefined);
  }

  /** Flushes what waits, if it is not being done: also after the disk was full. */
  startFlush(): void {
    if (this.#full.length === 0 || this.#broken !== undefined) return;
    this.#flushing ??= this.#flushAll().finally(() => (this.#flushing = undefined));
  }

  /** The version or the memtables have changed: later reads look at the new ones. */
  refreshView(): void {
    const before = this.#view;
    this.#view = this.#newView();
    before.release();
  }

  /** Marks that came with ingested tables. */
  takeMarks(marks: ReadonlyMap<number, Uint8Array>): void {
    for (const [group, mark] of marks) {
      if (mark.length === 0) this.#marks.delete(group);
      else this.#marks.set(group, mark);
    }
  }

  /** Writes may go on if nothing else holds them. */
  endStall(): void {
    const stall = this.#stall;
    if (stall === undefined || this.#stallReason() !== undefined) return;
    this.#stall = undefined;
    this.#world.emit({ type: 'stall-end', reason: stall.reason });
    stall.end();
  }

  /** No more writes: what is on disk may be less than what is in memory. */
  break(error: unknown): void {
    if (this.#broken !== undefined || this.#isClosed) return;
    this.#broken = { error };
    this.#versions.keepFiles();
    this.#world.emit({ type: 'broken', error });
    this.#stall?.end(new BrokenError('the tree', error));
    this.#stall = undefined;
  }

  /** Lets the running flush end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stall?.end(new ClosedError('the tree'));
    this.#stall = undefined;
    await this.#flushing;
  }

  #newView(): View {
    return new View([this.#active, ...this.#full], this.#versions.current, (memtable) => {
      if (!this.#isClosed) this.#pool.give(memtable);
    });
  }

  /** Only for a simulator, and only where no write would stall behind it. */
  #isFullEarly(): boolean {
    return this.#full.length === 0 && !this.#active.isEmpty && this.#world.options.buggify('memtable-full');
  }

  #rotate(bytesNeeded: number): void {
    if (!this.#active.isEmpty) this.#full = [this.#active, ...this.#full];
    this.#active = this.#pool.take(bytesNeeded);
    this.refreshView();
    this.startFlush();
  }

  /** Flushes full memtables until there is none. Never rejects. */
  async #flushAll(): Promise<void> {
    // Not in the turn of `apply`: the first table starts when the caller has given the loop back.
    await Promise.resolve();
    try {
      for (;;) {
        const memtable = this.#full.at(-1);
        if (memtable === undefined || this.#isClosed || this.#broken !== undefined) return;
        await this.#flushOne(memtable);
      }
    } catch (error) {
      // Nothing is lost and nothing was promised: the memtables stay, writes stall, reads go on.
      if (!isDiskFull(error) || !this.#versions.isHealthy) {
        this.break(error);
      } else if (await this.#world.releaseReserve()) {
        await this.#flushAll();
      } else {
        this.#fullDisk(error);
      }
    }
  }

  #fullDisk(error: DiskError): void {
    this.#diskFull = error;
    this.#world.emit({ type: 'disk-full', error });
    this.#stall?.relieve();
  }

  async #flushOne(memtable: Memtable): Promise<void> {
    const { emit, horizon, walFirst, onFlushed } = this.#world;
    const bytes = memtable.bytes;
    emit({ type: 'flush-begin', bytes });
    const remaining = [...this.#full.slice(0, -1), this.#active];
    const tables = await flushMemtable(this.#world, memtable, horizon(), walFirst(remaining), () => {
      this.#full = this.#full.filter((other) => other !== memtable);
      this.refreshView();
    });
    this.#diskFull = undefined;
    const fileBytes = tables.reduce((sum, table) => sum + table.fileBytes, 0);
    emit({ type: 'flush-end', bytes, tables: tables.length, fileBytes });
    this.endStall();
    onFlushed();
  }

  #stallReason(): StallReason | undefined {
    const { memtableQueueMax, level0StallTables } = this.#world.options;
    if (this.#full.length >= memtableQueueMax) return 'memtables';
    const [level0 = []] = this.#versions.current.levels;
    if (level0.length < level0StallTables) return undefined;
    // Level 0 stands behind a damaged table until that is repaired: slow reads are better than no writes.
    return level0.some(({ damage }) => damage !== undefined) ? undefined : 'level-0';
  }
}

function newStall(reason: StallReason): Stall {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const relief = Promise.withResolvers<void>();
  promise.then(relief.resolve, relief.reject);
  relief.promise.catch(() => undefined);
  const { promise: relieved, resolve: relieve } = relief;
  return {
    reason,
    promise,
    relief: relieved,
    relieve,
    end: (error) => (error === undefined ? resolve() : reject(error)),
  };
}
