import { createWriteStream } from 'node:fs';
import { CANARIES, type Canary } from '../runs/canaries.ts';
import { maskOf } from '../runs/mask.ts';
import type { RunOptions, RunReport } from '../runs/report.ts';
import { shrink } from '../runs/shrink.ts';
import { type Arguments, readArguments, USAGE } from './arguments.ts';
import { optionsOf, runBatch } from './batch.ts';
import { printBatch, printRun } from './print.ts';
import { runWatched } from './seed-runner.ts';

/** 0: everything held (or the planted bug was found). 1: it did not. 2: not understood. */
async function main(argv: readonly string[]): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  switch (args.mode) {
    case 'seed':
      return runOne(args);
    case 'shrink':
      return shrinkOne(args);
    case 'batch':
      return runMany(args);
    case 'canary': {
      const known = CANARIES.find(({ name, world }) => name === args.canary && world === args.world);
      if (known === undefined) {
        console.error(`canary ${args.canary} is not planted in world ${args.world}`);
        return 2;
      }
      return (await findCanary({ ...known, seedsMax: args.seeds }, args)) ? 0 : 1;
    }
    case 'canaries': {
      let missed = 0;
      for (const canary of CANARIES) {
        if (!(await findCanary(canary, args))) missed++;
      }
      console.log(missed === 0 ? 'every planted bug was found' : `${missed} planted bugs were NOT found`);
      return missed === 0 ? 0 : 1;
    }
  }
}

async function runOne({ world, from, canary, history, kept }: Arguments): Promise<number> {
  let lines: Iterable<string> = [];
  const report = await runWatched(world, from, {
    ...optionsOf(canary),
    ...(kept !== undefined && { mask: maskOf(kept) }),
    onHistory: (recorded) => (lines = recorded),
  });
  printRun(world, report, canary, kept);
  for (const [name, count] of report.coverage) console.log(`  ${String(count).padStart(9)}  ${name}`);
  if (history !== undefined) {
    const file = createWriteStream(history);
    for (const line of lines) file.write(`${line}\n`);
    file.end();
  }
  return report.failure === undefined ? 0 : 1;
}

/** Runs for each of the reductions of a failure. */
const SHRINK_RUNS_MAX = 200;

async function shrinkOne({ world, from, canary }: Arguments): Promise<number> {
  const run = (options: RunOptions): Promise<RunReport> => runWatched(world, from, options, 'once');
  const shrunk = await shrink(run, optionsOf(canary), SHRINK_RUNS_MAX);
  if (shrunk === undefined) {
    console.log(`seed ${from} holds: there is nothing to reduce`);
    return 0;
  }
  const { kept, report, runs } = shrunk;
  const { faults, steps } = report.decisions;
  console.log(
    `after ${runs} runs: ${kept.faults?.length ?? faults} faults and ` +
      `${kept.steps?.length ?? steps.reduce((sum, count) => sum + count, 0)} steps of clients are left`,
  );
  printRun(world, report, canary, kept);
  return 1;
}

async function runMany(args: Arguments): Promise<number> {
  const { world, canary } = args;
  const start = performance.now();
  const batch = await runBatch({
    ...args,
    untilFailure: false,
    onReport: (report) => {
      if (report.failure !== undefined) printRun(world, report, canary);
    },
  });
  const missing = printBatch(world, batch, (performance.now() - start) / 1000);
  for (const { seed, failure } of batch.failures) console.log(`  seed ${seed}: ${failure?.invariant ?? ''}`);
  return batch.failures.length === 0 && missing.length === 0 ? 0 : 1;
}

/** A seed finds a planted bug when it fails with the bug and holds without it. */
async function findCanary({ name, world, seedsMax }: Canary, args: Arguments): Promise<boolean> {
  const title = `${name} (${world})`.padEnd(46);
  const end = args.from + seedsMax;
  for (let from = args.from; from < end;) {
    const batch = await runBatch({
      ...args,
      world,
      from,
      seeds: end - from,
      canary: name,
      untilFailure: true,
      onReport: () => undefined,
    });
    const [suspect] = batch.failures;
    if (suspect === undefined) break;
    const { failure } = await runWatched(world, suspect.seed, {}, 'once');
    if (failure === undefined) {
      console.log(`${title} found by seed ${suspect.seed}: ${suspect.failure?.invariant ?? ''}`);
      return true;
    }
    from = suspect.seed + 1;
  }
  console.log(`${title} NOT FOUND in ${seedsMax} seeds`);
  return false;
}

process.exitCode = await main(process.argv.slice(2));
