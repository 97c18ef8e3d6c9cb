import { parentPort, workerData } from 'node:worker_threads';
import { optionsOf, type WorkerTask } from './batch.ts';
import { runWatched } from './seed-runner.ts';

const { world, seeds, canary, times } = workerData as WorkerTask;

for (const seed of seeds) parentPort?.postMessage(await runWatched(world, seed, optionsOf(canary), times));
