import type { RunOptions, RunReport } from '../runs/report.ts';
import { runSeed, runSeedTwice, type WorldName } from '../runs/worlds.ts';
import type { Scheduler } from '../world/scheduler.ts';

let running: Scheduler | undefined;
let watching = false;

/** Runs a seed, twice to compare. A promise that is rejected and handled by nobody fails the run that is on. */
export function runWatched(
  world: WorldName,
  seed: number,
  options: RunOptions,
  times: 'once' | 'twice' = 'twice',
): Promise<RunReport> {
  const run = times === 'once' ? runSeed : runSeedTwice;
  if (!watching) {
    watching = true;
    process.on('unhandledRejection', (error) => {
      running?.fail(new Error('unhandled rejection', { cause: error }));
    });
  }
  return run(world, seed, { ...options, onScheduler: (scheduler) => (running = scheduler) });
}
