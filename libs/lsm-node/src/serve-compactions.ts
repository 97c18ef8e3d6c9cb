import type { Disk } from '@holdfast/io';
import {
  FileDisk,
  type JobContext,
  nodeKernels,
  serveJobs,
  SharedCounters,
  SystemClock,
  yieldToOtherThreads,
} from '@holdfast/io-node';
import {
  type BlockCodec,
  CompactionAbortedError,
  type CompactionWorld,
  runCompaction,
  runFlush,
} from '@holdfast/lsm';
import { nodeCodecs } from './codecs.ts';
import { packError, packResult, unpackJob } from './compaction-message.ts';
import { type PackedFlush, unpackFlush } from './flush-message.ts';
import { CANCEL, COUNTERS, type WorkerAnswer, type WorkerJob } from './worker-job.ts';

/** Writers wait for a flush when the next memtable is full too, for a merge only when level 0 is. A thread does one kind. */
const FLUSH_NICENESS = 5;
const COMPACTION_NICENESS = 10;

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
  let hasYielded = false;

  serveJobs<WorkerJob, WorkerAnswer>(async (job, context) => {
    if (!hasYielded) {
      yieldToOtherThreads(job.kind === 'flush' ? FLUSH_NICENESS : COMPACTION_NICENESS);
      hasYielded = true;
    }
    const counters = new SharedCounters(job.counters);
    const onWritten = (bytes: number): void => counters.add(COUNTERS.bytesWritten, bytes);
    const world = { disk, kernels: nodeKernels, codecs, clock, onWritten };
    const answer = await (job.kind === 'flush' ? flush(job.job, world) : compact(job, world, context));
    if ('result' in answer) {
      counters.add(job.kind === 'flush' ? COUNTERS.flushes : COUNTERS.jobs, 1);
      context.moves(answer.result.keys);
    }
    return answer;
  });
}

type CompactionJob = Extract<WorkerJob, { readonly kind: 'compaction' }>;

async function compact(
  { job, cancel }: CompactionJob,
  world: CompactionWorld,
  context: JobContext,
): Promise<WorkerAnswer> {
  const isCancelled = (): boolean => context.cancelled || Atomics.load(cancel, CANCEL) === 1;
  try {
    if (isCancelled()) throw new CompactionAbortedError('cancelled');
    return { result: packResult(await runCompaction(unpackJob(job), { ...world, isCancelled })) };
  } catch (error) {
    return { error: packError(error) };
  }
}

async function flush(job: PackedFlush, world: CompactionWorld): Promise<WorkerAnswer> {
  try {
    return { result: packResult(await runFlush(unpackFlush(job), world)) };
  } catch (error) {
    return { error: packError(error) };
  }
}
