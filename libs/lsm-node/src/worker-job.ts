import type { Shareable } from '@holdfast/io';
import type { PackedAnswer, PackedJob } from './compaction-message.ts';
import type { PackedFlush } from './flush-message.ts';

/** Counters that all threads of a `WorkerCompactor` add to. */
export const COUNTERS = { bytesWritten: 0, jobs: 1, flushes: 2 } as const;
export const COUNTER_COUNT = 3;

/** Word of `cancel` that is 1 when the job is to end. */
export const CANCEL = 0;

/** What a thread of `WorkerCompactor` is sent. */
export type WorkerJob = { readonly counters: Shareable<SharedArrayBuffer> } & (
  | { readonly kind: 'compaction'; readonly job: PackedJob; readonly cancel: Int32Array<SharedArrayBuffer> }
  | { readonly kind: 'flush'; readonly job: PackedFlush }
);

/** What it sends back. */
export type WorkerAnswer = PackedAnswer;
