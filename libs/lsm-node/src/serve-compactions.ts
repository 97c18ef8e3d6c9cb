import type { Disk } from '@holdfast/io';
import {
  FileDisk,
  type JobContext,
  nodeKernels,
  serveJobs,
  SharedCounters,
  SystemClock,
} from '@holdfast/io-node';
import { type BlockCodec, CompactionAbortedError, runCompaction } from '@holdfast/lsm';
import { nodeCodecs } from './codecs.ts';
import { packError, type PackedAnswer, packResult, unpackJob } from './compaction-message.ts';
import { CANCEL, COUNTERS, type WorkerJob } from './worker-job.ts';

export interface ServeCompactionsOptions {
  readonly disk?: Disk;
  /** Default: `nodeCodecs`. */
  readonly codecs?: readonly BlockCodec[];
}

/**
 * For the module of a `WorkerCompactor`'s threads: performs each job that comes, with the very code that
 * `InlineCompactor` runs, over files it opens itself. To be called once.
 */
export function serveCompactions({
  disk = new FileDisk(),
  codecs = nodeCodecs,
}: ServeCompactionsOptions = {}): void {
  const clock = new SystemClock();

  serveJobs<WorkerJob, PackedAnswer>(
    async ({ job: packed, cancel, counters: memory }, context: JobContext) => {
      const counters = new SharedCounters(memory);
      const isCancelled = (): boolean => context.cancelled || Atomics.load(cancel, CANCEL) === 1;
      const onWritten = (bytes: number): void => counters.add(COUNTERS.bytesWritten, bytes);
      try {
        if (isCancelled()) throw new CompactionAbortedError('cancelled');
        const world = { disk, kernels: nodeKernels, codecs, clock, isCancelled, onWritten };
        const result = packResult(await runCompaction(unpackJob(packed), world));
        counters.add(COUNTERS.jobs, 1);
        context.moves(result.keys);
        return { result };
      } catch (error) {
        return { error: packError(error) };
      }
    },
  );
}
