/** The thread of `WorkerCompactor`: the very code that `InlineCompactor` runs, over files it opens itself. */
import {
  FileDisk,
  type JobContext,
  nodeKernels,
  serveJobs,
  SharedCounters,
  SystemClock,
} from '@holdfast/io-node';
import { CompactionAbortedError, runCompaction } from '@holdfast/lsm';
import { nodeCodecs } from './codecs.ts';
import { packError, type PackedAnswer, packResult, unpackJob } from './compaction-message.ts';
import { CANCEL, COUNTERS, type WorkerJob } from './worker-job.ts';

const disk = new FileDisk();
const clock = new SystemClock();

serveJobs<WorkerJob, PackedAnswer>(answer);

async function answer(
  { job: packed, cancel, counters: memory }: WorkerJob,
  context: JobContext,
): Promise<PackedAnswer> {
  const counters = new SharedCounters(memory);
  try {
    const job = unpackJob(packed);
    const isCancelled = (): boolean => context.cancelled || Atomics.load(cancel, CANCEL) === 1;
    if (isCancelled()) throw new CompactionAbortedError('cancelled');
    const onWritten = (bytes: number): void => counters.add(COUNTERS.bytesWritten, bytes);
    const world = { disk, kernels: nodeKernels, codecs: nodeCodecs, clock, isCancelled, onWritten };
    const result = packResult(await runCompaction(job, world));
    counters.add(COUNTERS.jobs, 1);
    context.moves(result.keys);
    return { result };
  } catch (error) {
    return { error: packError(error) };
  }
}
