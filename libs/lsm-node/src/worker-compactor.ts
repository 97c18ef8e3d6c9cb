import { shareable, type Shareable } from '@holdfast/io';
import { allocateCounters, SharedCounters, WorkerPool } from '@holdfast/io-node';
import {
  CompactionAbortedError,
  type CompactionJob,
  type CompactionResult,
  type Compactor,
  type FlushJob,
} from '@holdfast/lsm';
import { packJob, unpackError, unpackResult } from './compaction-message.ts';
import { packFlush } from './flush-message.ts';
import { CANCEL, COUNTER_COUNT, COUNTERS, type WorkerAnswer, type WorkerJob } from './worker-job.ts';

export interface WorkerCompactorOptions {
  /** Threads, started when they are needed. A tree runs one compaction at a time; several trees may share. Default 1. */
  readonly threads?: number;
  /** The module of the threads, as for a `WorkerPool`; it calls `serveCompactions`. Default: one with all of `nodeCodecs`. */
  readonly module?: { readonly moduleUrl: string; readonly name: string };
}

const DEFAULT_MODULE = { moduleUrl: import.meta.url, name: './compaction-worker' };

export interface WorkerCompactorStats {
  /** Compactions and flushes that threads have finished. */
  readonly jobs: number;
  readonly flushes: number;
  /** Bytes of tables that threads have written so far, those of running jobs included. */
  readonly bytesWritten: number;
  /** Jobs that wait for a thread. */
  readonly queued: number;
}

/**
 * Merges, and writes memtables, on threads of its own. The tree's own thread stays free: of a compaction it sends
 * the description (names of files, bounds), of a memtable the place in shared memory, and installs the result. Works on real
 * directories, because its threads open the files themselves.
 *
 * A thread that dies fails its job with a `CompactionAbortedError`: a compaction is tried again on a new thread, a
 * memtable is written on the tree's own. Idle threads do not keep the process alive.
 */
export class WorkerCompactor implements Compactor {
  readonly #merging: WorkerPool<WorkerJob, WorkerAnswer>;
  /** Of its own: writes stall when a flush waits behind a compaction. */
  readonly #flushing: WorkerPool<WorkerJob, WorkerAnswer>;
  readonly #counterMemory: Shareable<SharedArrayBuffer> = allocateCounters(COUNTER_COUNT);
  readonly #counters = new SharedCounters(this.#counterMemory);
  readonly #running = new Map<CompactionJob, Int32Array<SharedArrayBuffer>>();
  /** Memory for addresses of records, used again by the next flush: its pages stay warm. */
  #addresses: Shareable<SharedArrayBuffer> | undefined;

  constructor({ threads = 1, module = DEFAULT_MODULE }: WorkerCompactorOptions = {}) {
    this.#merging = new WorkerPool({ ...module, threads });
    this.#flushing = new WorkerPool({ ...module, threads: 1 });
  }

  get stats(): WorkerCompactorStats {
    return {
      jobs: this.#counters.read(COUNTERS.jobs),
      flushes: this.#counters.read(COUNTERS.flushes),
      bytesWritten: this.#counters.read(COUNTERS.bytesWritten),
      queued: this.#merging.queued + this.#flushing.queued,
    };
  }

  async run(job: CompactionJob): Promise<CompactionResult> {
    const cancel = shareable(new Int32Array(new SharedArrayBuffer(4)));
    this.#running.set(job, cancel);
    try {
      const packed = packJob(job);
      const counters = this.#counterMemory;
      const sent = this.#merging.run({ kind: 'compaction', job: packed, cancel, counters }, [packed.keys]);
      return resultOf(await answerOf(sent));
    } finally {
      this.#running.delete(job);
    }
  }

  cancel(job: CompactionJob): void {
    const cancel = this.#running.get(job);
    if (cancel !== undefined) Atomics.store(cancel, CANCEL, 1);
  }

  async flush(job: FlushJob): Promise<CompactionResult> {
    const used = this.#addresses;
    this.#addresses = undefined;
    const packed = await packFlush(job, used, nextTurn);
    const counters = this.#counterMemory;
    const sent = this.#flushing.run({ kind: 'flush', job: packed, counters }, [packed.keys]);
    const answer = await answerOf(sent);
    this.#addresses = packed.addresses;
    return resultOf(answer);
  }

  /** Cancels what is running and ends the threads. Close the trees first. */
  async close(): Promise<void> {
    await Promise.all([this.#merging.close(), this.#flushing.close()]);
    this.#addresses = undefined;
  }
}

/** A thread answers with its errors as data: a rejection is about the thread itself. */
async function answerOf(sent: Promise<WorkerAnswer>): Promise<WorkerAnswer> {
  try {
    return await sent;
  } catch (error) {
    throw new CompactionAbortedError(error instanceof Error ? error.message : String(error), error);
  }
}

function resultOf(answer: WorkerAnswer): CompactionResult {
  if ('error' in answer) throw unpackError(answer.error);
  return unpackResult(answer.result);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
