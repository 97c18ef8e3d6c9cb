import { parentPort, workerData } from 'node:worker_threads';
import type { Crossing, Transferable } from '@holdfast/io';
import { codeOf } from '../disk-errors.ts';

/** Sent to a thread; nothing instead of it ends the thread. */
export interface JobRequest {
  readonly job: unknown;
}
/** What comes back. */
export type JobAnswer =
  | { readonly result: unknown }
  | { readonly message: string; readonly code: string | undefined };

export interface PoolWorkerData {
  readonly cancelled: Int32Array<SharedArrayBuffer>;
}

export interface JobContext {
  /** True once the pool is closing: the job should end soon, by throwing. */
  readonly cancelled: boolean;
  /** Names something in the result that moves instead of being copied. */
  moves(value: Transferable<object>): void;
}

/** For the module of a `WorkerPool`'s thread: performs each job that comes. To be called once. */
export function serveJobs<Job, Result>(
  perform: (job: Job, context: JobContext) => Crossing<Result> | Promise<Crossing<Result>>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('jobs are served on a thread of a pool');
  const { cancelled } = workerData as PoolWorkerData;
  port.on('message', (request: JobRequest | undefined) => {
    if (request === undefined) port.close();
    else void answer(request.job as Job);
  });

  async function answer(job: Job): Promise<void> {
    const moved: object[] = [];
    const context: JobContext = {
      get cancelled() {
        return Atomics.load(cancelled, 0) === 1;
      },
      moves: (value) => moved.push(value),
    };
    try {
      const result = await perform(job, context);
      port?.postMessage({ result } satisfies JobAnswer, moved as ArrayBuffer[]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      port?.postMessage({ message, code: codeOf(error) } satisfies JobAnswer);
    }
  }
}
