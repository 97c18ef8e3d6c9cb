import type { Shareable } from '@holdfast/io';
import type { PackedJob } from './compaction-message.ts';

/** Counters that all threads of a `WorkerCompactor` add to. */
export const COUNTERS = { bytesWritten: 0, jobs: 1 } as const;
export const COUNTER_COUNT = 2;

/** Word of `cancel` that is 1 when the job is to end. */
export const CANCEL = 0;

/** What a thread of `WorkerCompactor` is sent. */
export interface WorkerJob {
  readonly job: PackedJob;
  readonly cancel: Int32Array<SharedArrayBuffer>;
  readonly counters: Shareable<SharedArrayBuffer>;
}
