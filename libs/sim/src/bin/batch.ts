import { Worker } from 'node:worker_threads';
import { BatchReport, type RunReport } from '../runs/report.ts';
import type { WorldName } from '../runs/worlds.ts';
import { runWatched } from './seed-runner.ts';

export interface Batch {
  readonly world: WorldName;
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly canary: string | undefined;
  /** Stop at the first seed that fails; seeds are then run once. */
  readonly untilFailure: boolean;
  readonly onReport: (report: RunReport) => void;
}

/** What a worker is started with; it takes every `jobs`-th seed. */
export interface WorkerTask {
  readonly world: WorldName;
  readonly seeds: readonly number[];
  readonly canary: string | undefined;
  readonly times: 'once' | 'twice';
}

function timesOf({ untilFailure }: Batch): WorkerTask['times'] {
  return untilFailure ? 'once' : 'twice';
}

export async function runBatch(batch: Batch): Promise<BatchReport> {
  const sum = new BatchReport();
  const take = (report: RunReport): void => {
    sum.add(report);
    batch.onReport(report);
  };
  if (batch.jobs <= 1) {
    for (let seed = batch.from; seed < batch.from + batch.seeds; seed++) {
      take(await runWatched(batch.world, seed, optionsOf(batch.canary), timesOf(batch)));
      if (batch.untilFailure && sum.failures.length > 0) break;
    }
    return sum;
  }
  await Promise.all(Array.from({ length: batch.jobs }, (_, job) => runWorker(batch, job, take, sum)));
  return sum;
}

function runWorker(
  batch: Batch,
  job: number,
  take: (report: RunReport) => void,
  sum: BatchReport,
): Promise<void> {
  const seeds: number[] = [];
  for (let seed = batch.from + job; seed < batch.from + batch.seeds; seed += batch.jobs) seeds.push(seed);
  const { world, canary } = batch;
  const task: WorkerTask = { world, seeds, canary, times: timesOf(batch) };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
  return new Promise((resolve, reject) => {
    worker.on('message', (report: RunReport) => {
      take(report);
      if (batch.untilFailure && sum.failures.length > 0) void worker.terminate();
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

export function optionsOf(canary: string | undefined): { readonly canary?: string } {
  return canary === undefined ? {} : { canary };
}
