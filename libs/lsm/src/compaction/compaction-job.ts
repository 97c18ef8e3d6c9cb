import { assert, type Clock, compareBytes, type Disk, type Kernels } from '@holdfast/io';
import { BlockCache } from '../cache/block-cache.ts';
import { Table, TableCache } from '../cache/table-cache.ts';
import { CompactionAbortedError } from '../errors.ts';
import { compareRanges } from '../read/compare.ts';
import { Merge } from '../read/merge.ts';
import type { BlockCodec, Compression } from '../table/codec.ts';
import { RunCursor } from '../table/run-cursor.ts';
import type { TableMeta } from '../table/table-info.ts';
import type { RangeTombstone } from '../version/range-tombstones.ts';
import type { FlushJob } from './flush-job.ts';
import { VersionFilter } from './version-filter.ts';
import { writeRun } from './write-run.ts';

export interface KeyInterval {
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
}

/** A merge to carry out: plain data, so that it can cross to another thread by structured clone. */
export interface CompactionJob {
  readonly directory: string;
  /** Newest first; tables of a run are in key order and do not overlap. */
  readonly runs: readonly (readonly TableMeta[])[];
  readonly horizon: number;
  readonly rangeTombstones: readonly RangeTombstone[];
  /** Ranges of the tables below the output level, level by level, each level sorted. */
  readonly deeper: readonly (readonly KeyInterval[])[];
  readonly tableBytes: number;
  readonly blockBytes: number;
  readonly restartInterval: number;
  readonly bloomBitsPerKey: number;
  readonly compression: Compression;
  /** File numbers `numberFirst .. numberFirst + numberCount - 1` are for this job. */
  readonly numberFirst: number;
  readonly numberCount: number;
  /** Binding of the file with number n is `bindingBase + n`. */
  readonly bindingBase: number;
  /** Bytes a second to write at most; 0: no limit. Needs a clock. */
  readonly bytesPerSecond: number;
}

export interface CompactionResult {
  readonly tables: readonly TableMeta[];
  readonly entriesRead: number;
  readonly entriesWritten: number;
}

/** What a job needs where it runs. */
export interface CompactionWorld {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly codecs: readonly BlockCodec[];
  /** For the rate limit, and to give the event loop back when nothing is written. */
  readonly clock?: Clock;
  /** Asked between chunks: true ends the job with a {@link CompactionAbortedError}. */
  readonly isCancelled?: () => boolean;
  /** Told after each chunk how many bytes it was. */
  readonly onWritten?: (bytes: number) => void;
}

/** Carries out merges: on this thread ({@link InlineCompactor}) or on another. */
export interface Compactor {
  /**
   * The tables made are durable when it resolves, their names are not. Files of a failed job are orphans.
   * @throws CorruptionError, DiskError; CompactionAbortedError when it was cancelled or its thread is gone.
   */
  run(job: CompactionJob): Promise<CompactionResult>;
  /**
   * Writes a memtable. Where this is missing, and when it was aborted, the tree flushes on its own thread.
   * @throws DiskError; CompactionAbortedError.
   */
  flush?(job: FlushJob): Promise<CompactionResult>;
  /** Makes a job that is running end soon; it may still succeed. */
  cancel?(job: CompactionJob): void;
}

/** Merges on the calling thread, in slices of about a millisecond between awaited writes. */
export class InlineCompactor implements Compactor {
  readonly #world: CompactionWorld;
  readonly #cancelled = new WeakSet<CompactionJob>();

  constructor(world: CompactionWorld) {
    this.#world = world;
  }

  run(job: CompactionJob): Promise<CompactionResult> {
    return runCompaction(job, { ...this.#world, isCancelled: () => this.#cancelled.has(job) });
  }

  cancel(job: CompactionJob): void {
    this.#cancelled.add(job);
  }
}

const READ_AHEAD_BYTES = 1024 * 1024;
const OPEN_TABLES = { tables: 10_000, bytes: 16 * 1024 * 1024 };
/** Large blocks still pass through a cache; everything else is read ahead around it. */
const CACHE_BYTES = 256 * 1024;
/** Bytes of the level below that one table may overlap, in tables: bounds the next compaction of it. */
const DEEPER_OVERLAP_TABLES_MAX = 10;

/** Does the job. For whoever implements {@link Compactor}. */
export async function runCompaction(job: CompactionJob, world: CompactionWorld): Promise<CompactionResult> {
  const { disk, kernels, codecs, clock, isCancelled, onWritten } = world;
  const checkCancelled = (): void => {
    if (isCancelled?.() === true) throw new CompactionAbortedError('cancelled');
  };
  const waitForBudget = clock === undefined ? undefined : pacer(clock, job.bytesPerSecond, checkCancelled);
  const cache = new BlockCache(CACHE_BYTES);
  // Never mapped: the engine counts a map like memory of its own, and would collect the thread's whole heap for every
  // other table; its helpers then take the processors that the tree's thread waits for.
  const context = { disk, kernels, cache, codecs, syncReads: false, mmap: false };
  const tables = new TableCache(job.directory, context, OPEN_TABLES);
  const cursorOptions = { tables, cache, readAheadBytes: READ_AHEAD_BYTES, isBulk: true };
  const sources = job.runs.map(
    (run) =>
      new RunCursor(
        run.map((meta) => new Table(meta)),
        cursorOptions,
      ),
  );
  const merge = new Merge(sources);
  const filter = new VersionFilter(job.horizon, job.rangeTombstones, bottomTest(job.deeper));
  let number = job.numberFirst;
  try {
    return await writeRun(merge, filter, {
      disk,
      kernels,
      directory: job.directory,
      table: { ...job, codec: codecs.find(({ name }) => name === job.compression) },
      fileBytesTarget: job.tableBytes,
      nextNumber: () => {
        assert(number < job.numberFirst + job.numberCount, 'a job has numbers enough for its tables');
        return number++;
      },
      bindingOf: (fileNumber) => job.bindingBase + fileNumber,
      cutsBefore: overlapCutter(job.deeper[0] ?? []),
      pace: (bytes) => {
        checkCancelled();
        onWritten?.(bytes);
        return waitForBudget?.(bytes);
      },
      pause: () => {
        checkCancelled();
        return clock === undefined ? undefined : new Promise<void>((resolve) => clock.defer(resolve));
      },
    });
  } finally {
    merge.close();
    await tables.closeAll();
  }
}

/** Keys come in ascending order, so each level is walked once. */
function bottomTest(deeper: readonly (readonly KeyInterval[])[]) {
  const positions = deeper.map(() => 0);
  return (key: Uint8Array, keyStart: number, keyEnd: number): boolean => {
    for (const [i, level] of deeper.entries()) {
      let position = positions[i]!;
      while (position < level.length && isBehind(key, keyStart, keyEnd, level[position]!.largestKey))
        position++;
      positions[i] = position;
      const interval = level[position];
      if (interval === undefined) continue;
      const { smallestKey } = interval;
      if (compareRanges(smallestKey, 0, smallestKey.length, key, keyStart, keyEnd) <= 0) return false;
    }
    return true;
  };
}

/** Says when a table has come to overlap too many tables of the level below. */
function overlapCutter(below: readonly KeyInterval[]) {
  let position = 0;
  let passed = 0;
  return (key: Uint8Array, keyStart: number, keyEnd: number): boolean => {
    while (position < below.length && isBehind(key, keyStart, keyEnd, below[position]!.largestKey)) {
      position++;
      passed++;
    }
    if (passed < DEEPER_OVERLAP_TABLES_MAX) return false;
    passed = 0;
    return true;
  };
}

function isBehind(key: Uint8Array, keyStart: number, keyEnd: number, bound: Uint8Array): boolean {
  return compareRanges(key, keyStart, keyEnd, bound, 0, bound.length) > 0;
}

/** What was not written this long ago may be caught up. */
const BURST_MS = 100;
/** Longest wait between two looks at whether the job was cancelled. */
const WAIT_MS_MAX = 100;

function pacer(
  clock: Clock,
  bytesPerSecond: number,
  checkCancelled: () => void,
): (bytes: number) => Promise<void> | undefined {
  let dueMs = clock.monotonicMs();
  const wait = async (): Promise<void> => {
    for (let leftMs = dueMs - clock.monotonicMs(); leftMs >= 1; leftMs = dueMs - clock.monotonicMs()) {
      const sliceMs = Math.min(leftMs, WAIT_MS_MAX);
      await new Promise<void>((resolve) => void clock.schedule(sliceMs, resolve));
      checkCancelled();
    }
  };
  return (bytes) => {
    if (bytesPerSecond === 0) return undefined;
    const now = clock.monotonicMs();
    dueMs = Math.max(dueMs, now - BURST_MS) + (bytes * 1_000) / bytesPerSecond;
    return dueMs - now < 1 ? undefined : wait();
  };
}

/** Key ranges of tables, for a job. */
export function intervalsOf(tables: readonly { readonly meta: TableMeta }[]): readonly KeyInterval[] {
  const intervals = tables.map(({ meta: { smallestKey, largestKey } }) => ({ smallestKey, largestKey }));
  return intervals.sort((a, b) => compareBytes(a.smallestKey, b.smallestKey));
}
