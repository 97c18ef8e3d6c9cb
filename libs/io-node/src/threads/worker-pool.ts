import { availableParallelism } from 'node:os';
import type { Transferable as NodeTransferable, Worker } from 'node:worker_threads';
import { assert, type Crossing, type Transferable } from '@holdfast/io';
import type { JobAnswer, JobRequest, PoolWorkerData } from './pool-worker.ts';
import { startWorker } from './start-worker.ts';

export interface WorkerPoolOptions {
  /** The caller's `import.meta.url`. */
  readonly moduleUrl: string;
  /** Path of the worker's module relative to it, without extension. The module calls `serveJobs`. */
  readonly name: string;
  /** At most this many threads; started when they are first needed. */
  readonly threads?: number;
}

/** A job failed: by its own error (whose `code` is kept), or because its thread died or the pool was closed. */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

interface QueuedJob {
  readonly message: unknown;
  readonly transfer: readonly object[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: JobError) => void;
}

interface PoolThread {
  readonly worker: Worker;
  job: QueuedJob | undefined;
}

/**
 * Threads for jobs of milliseconds and more, such as a compaction: first come, first served, one job to a thread
 * at a time. Job and result cross by message; what is large goes as transferable or shared memory.
 */
export class WorkerPool<Job, Result> {
  readonly #options: WorkerPoolOptions;
  readonly #threadsMax: number;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  readonly #threads = new Set<PoolThread>();
  readonly #queue: QueuedJob[] = [];
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#threadsMax = options.threads ?? Math.max(1, availableParallelism() - 1);
    assert(this.#threadsMax > 0, 'a pool has at least one thread');
  }

  /** Jobs that wait for a thread. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Performs a job on one of the threads.
   *
   * @param transfer what in the job moves instead of being copied.
   * @throws JobError
   */
  run(job: Crossing<Job>, transfer: readonly Transferable<object>[] = []): Promise<Result> {
    if (this.#closed) return Promise.reject(new JobError('the pool is closed', undefined));
    return new Promise((resolve, reject) => {
      const settle = resolve as (result: unknown) => void;
      this.#queue.push({ message: { job } satisfies JobRequest, transfer, resolve: settle, reject });
      this.#assign();
    });
  }

  /** Refuses new jobs, fails the waiting ones, tells the running ones to stop, and waits for them. */
  async close(): Promise<void> {
    this.#closed = true;
    Atomics.store(this.#cancelled, 0, 1);
    for (const { reject } of this.#queue.splice(0)) reject(new JobError('the pool is closed', undefined));
    await Promise.all([...this.#threads].map((thread) => this.#end(thread)));
  }

  async #end(thread: PoolThread): Promise<void> {
    const exited = new Promise((resolve) => thread.worker.once('exit', resolve));
    thread.worker.ref();
    thread.worker.postMessage(undefined);
    await exited;
  }

  #assign(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread();
      const job = thread === undefined ? undefined : this.#queue.shift();
      if (thread === undefined || job === undefined) return;
      thread.job = job;
      thread.worker.ref();
      thread.worker.postMessage(job.message, [...job.transfer] as NodeTransferable[]);
    }
  }

  #freeThread(): PoolThread | undefined {
    for (const thread of this.#threads) if (thread.job === undefined) return thread;
    return this.#threads.size < this.#threadsMax ? this.#startThread() : undefined;
  }

  #startThread(): PoolThread {
    const { moduleUrl, name } = this.#options;
    const data: PoolWorkerData = { cancelled: this.#cancelled };
    const thread: PoolThread = { worker: startWorker<PoolWorkerData>(moduleUrl, name, data), job: undefined };
    this.#threads.add(thread);
    const gone = (reason: string): void => {
      this.#threads.delete(thread);
      thread.job?.reject(new JobError(`the thread of the job ended: ${reason}`, undefined));
      thread.job = undefined;
      if (!this.#closed) this.#assign();
    };
    thread.worker.on('error', (error) => gone(String(error)));
    thread.worker.on('exit', (code) => gone(`exit code ${code}`));
    thread.worker.on('message', (answer: JobAnswer) => {
      const job = thread.job;
      thread.job = undefined;
      thread.worker.unref();
      if ('result' in answer) job?.resolve(answer.result);
      else job?.reject(new JobError(answer.message, answer.code));
      this.#assign();
    });
    return thread;
  }
}
