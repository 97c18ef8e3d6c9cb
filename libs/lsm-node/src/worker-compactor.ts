import { shareable, type Shareable } from '@holdfast/io';
import { allocateCounters, SharedCounters, WorkerPool } from '@holdfast/io-node';
import {
  CompactionAbortedError,
  type CompactionJob,
  type CompactionResult,
  type Compactor,
} from '@holdfast/lsm';
import { type PackedAnswer, packJob, unpackError, unpackResult } from './compaction-message.ts';
import { CANCEL, COUNTER_COUNT, COUNTERS, type WorkerJob } from './worker-job.ts';

export interface WorkerCompactorOptions {
  /** Threads, started when they are needed. A tree runs one compaction at a time; several trees may share. Default 1. */
  readonly threads?: number;
  /** The module of the threads, as for a `WorkerPool`; it calls `serveCompactions`. Default: one with all of `nodeCodecs`. */
  readonly module?: { readonly moduleUrl: string; readonly name: string };
}

const DEFAULT_MODULE = { moduleUrl: import.meta.url, name: './compaction-worker' };

export interface WorkerCompactorStats {
  /** Compactions that threads have finished. */
  readonly jobs: number;
  /** Bytes of tables that threads have written so far, those of running jobs included. */
  readonly bytesWritten: number;
  /** Jobs that wait for a thread. */
  readonly queued: number;
}

/**
 * Merges on threads of its own. The tree's own thread stays free: it only sends the job (names of files, bounds)
 * and installs the result. Works on real directories, because its threads open the files themselves.
 *
 * A thread that dies fails its job with a `CompactionAbortedError`; the tree removes what was written and tries
 * again, on a new thread. Idle threads do not keep the process alive.
 */
export class WorkerCompactor implements Compactor {
  readonly #pool: WorkerPool<WorkerJob, PackedAnswer>;
  readonly #counterMemory: Shareable<SharedArrayBuffer> = allocateCounters(COUNTER_COUNT);
  readonly #counters = new SharedCounters(this.#counterMemory);
  readonly #running = new Map<CompactionJob, Int32Array<SharedArrayBuffer>>();

  constructor({ threads = 1, module = DEFAULT_MODULE }: WorkerCompactorOptions = {}) {
    this.#pool = new WorkerPool({ ...module, threads });
  }

  get stats(): WorkerCompactorStats {
    return {
      jobs: this.#counters.read(COUNTERS.jobs),
      bytesWritten: this.#counters.read(COUNTERS.bytesWritten),
      queued: this.#pool.queued,
    };
  }

  async run(job: CompactionJob): Promise<CompactionResult> {
    const cancel = shareable(new Int32Array(new SharedArrayBuffer(4)));
    this.#running.set(job, cancel);
    try {
      const answer = await this.#answer(job, cancel);
      if ('error' in answer) throw unpackError(answer.error);
      return unpackResult(answer.result);
    } finally {
      this.#running.delete(job);
    }
  }

  cancel(job: CompactionJob): void {
    const cancel = this.#running.get(job);
    if (cancel !== undefined) Atomics.store(cancel, CANCEL, 1);
  }

  /** Cancels what is running and ends the threads. Close the trees first. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  async #answer(job: CompactionJob, cancel: Shareable<Int32Array<SharedArrayBuffer>>): Promise<PackedAnswer> {
    const packed = packJob(job);
    try {
      return await this.#pool.run({ job: packed, cancel, counters: this.#counterMemory }, [packed.keys]);
    } catch (error) {
      // A thread answers with its errors as data: this one is about the thread itself.
      throw new CompactionAbortedError(error instanceof Error ? error.message : String(error), error);
    }
  }
}
