/** The thread of the pool's spec. */
import { threadId } from 'node:worker_threads';
import { transferable, type Transferable } from '@holdfast/io';
import { serveJobs } from '../src/threads/pool-worker.ts';

export type TestJob =
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'fail' }
  | { readonly kind: 'die' }
  | { readonly kind: 'where' }
  /** Says that it runs by word 0, then waits until word 1 or the pool says stop. */
  | { readonly kind: 'wait'; readonly words: Int32Array<SharedArrayBuffer> }
  | { readonly kind: 'reverse'; readonly bytes: Transferable<ArrayBuffer> };

export type TestResult = number | Transferable<ArrayBuffer>;

serveJobs<TestJob, TestResult>((job, context) => {
  switch (job.kind) {
    case 'double':
      return job.value * 2;
    case 'fail':
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    case 'die':
      return process.exit(7);
    case 'where':
      return threadId;
    case 'wait': {
      Atomics.store(job.words, 0, 1);
      Atomics.notify(job.words, 0);
      while (!context.cancelled) if (Atomics.wait(job.words, 1, 0, 5) !== 'timed-out') return 0;
      throw new Error('stopped');
    }
    case 'reverse': {
      new Uint8Array(job.bytes).reverse();
      const bytes = transferable<ArrayBuffer>(job.bytes);
      context.moves(bytes);
      return bytes;
    }
  }
});
