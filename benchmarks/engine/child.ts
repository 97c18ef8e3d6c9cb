/** One process, one engine, one workload: reads a job from its argument, prints the result as one line of JSON. */
import { cpuUsage, resourceUsage } from 'node:process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Engine, WriteShape } from './engines/engine.ts';
import { LevelEngine } from './engines/level-engine.ts';
import { LmdbEngine } from './engines/lmdb-engine.ts';
import { TreeEngine } from './engines/tree-engine.ts';
import { drawn, inOrder, MISSING_FROM, shuffled } from './keys.ts';
import type { Job, JobResult } from './job.ts';
import type { EngineName } from './names.ts';

const SEED = 20_260;
/** What opening leaves to be done beside synced writes is over then: space for logs, on every side. */
const OPENING_MS = 500;
/** Before the clock starts: as long as it takes until nothing of what is measured runs in an interpreter. */
const WARM_MS = 300;
/** Period of the timer that finds out how long the event loop is held; a loop that nobody holds is late by 0. */
const STALL_TIMER_MS = 1;
/** Writes of one pass of that, in units of those that wait together. */
const WARM_WRITES = 10;
const ENGINES: Readonly<Record<EngineName, () => Engine>> = {
  holdfast: () => new TreeEngine(),
  'holdfast-level': () => LevelEngine.holdfast(),
  'classic-level': () => LevelEngine.classic(),
  lmdb: () => new LmdbEngine(),
};

interface Measured {
  readonly operations: number;
  /** Where the figure is not operations per second. */
  readonly figure?: number;
}

/** Everything made ready before the clock starts. */
function prepare(engine: Engine, { action, entries, operations }: Job): () => Promise<Measured> {
  const of = (count: number | Promise<number>): Promise<Measured> =>
    Promise.resolve(count).then((done) => ({ operations: done }));
  switch (action.kind) {
    case 'put': {
      const { order, ...shape } = action;
      const numbers = order === 'sequential' ? inOrder(operations) : shuffled(operations, SEED);
      return () => engine.put(numbers, shape).then(() => ({ operations }));
    }
    case 'delete': {
      const numbers = shuffled(entries, SEED).slice(0, operations);
      return () => engine.delete(numbers, { ...action, sync: false }).then(() => ({ operations }));
    }
    case 'get': {
      const numbers = drawn(operations, entries, SEED);
      if (action.missing) for (let i = 0; i < numbers.length; i++) numbers[i] += MISSING_FROM;
      return async () => {
        const found = await engine.get(numbers);
        if (found !== (action.missing ? 0 : operations))
          throw new Error(`${found} of ${operations} were found`);
        return { operations };
      };
    }
    case 'get-awaited': {
      const numbers = drawn(operations, entries, SEED);
      return () => of(engine.getAwaited(numbers, action.inFlight));
    }
    case 'get-many': {
      const numbers = drawn(operations, entries, SEED);
      return () => of(engine.getMany(numbers, action.batch));
    }
    case 'ranges': {
      const starts = drawn(operations, entries, SEED);
      return () => engine.ranges(starts, action.length).then(() => ({ operations }));
    }
    case 'scan':
      return () => of(engine.scan(action.reverse));
    case 'mixed': {
      const numbers = drawn(operations, entries, SEED);
      return () => of(engine.mixed(numbers, action.inFlight));
    }
    case 'stalls': {
      const numbers = shuffled(operations, SEED);
      const shape = { batch: 100, inFlight: 1, sync: false, pause: () => setImmediate() };
      return async () => {
        const delay = monitorEventLoopDelay({ resolution: STALL_TIMER_MS });
        delay.enable();
        await engine.put(numbers, shape);
        await engine.settle();
        delay.disable();
        return { operations, figure: delay.percentile(99.9) / 1e6 - STALL_TIMER_MS };
      };
    }
    case 'amplification': {
      const numbers = drawn(operations * 2, operations, SEED);
      return async () => {
        await engine.put(numbers, { batch: 100, inFlight: 1, sync: false });
        await engine.settle();
        return { operations, figure: engine.facts()['spaceAmplification'] ?? 0 };
      };
    }
  }
}

/** Every block once, and then the same reads for a while: caches, maps and compiled code are ready. */
async function warmUp(engine: Engine, job: Job): Promise<void> {
  const { action } = job;
  const { kind } = action;
  if (kind === 'stalls' || kind === 'amplification') return;
  if (kind === 'put') {
    if (action.sync) await setTimeout(OPENING_MS);
    if (action.sync || job.start === 'copy') await warmWrites(engine, job, action);
    return;
  }
  await engine.scan(false);
  if (kind === 'delete') return;
  const count = Math.min(job.operations, kind === 'ranges' ? 5_000 : kind === 'mixed' ? 10_000 : 100_000);
  await forAWhile(prepare(engine, { ...job, operations: count }));
}

/** Writes other keys than the workload's where that starts from nothing, and any of them where all are there. */
function warmWrites(engine: Engine, { start, entries, operations }: Job, shape: WriteShape): Promise<void> {
  const writes = shape.batch * shape.inFlight * WARM_WRITES;
  const random = shuffled(start === 'copy' ? Math.max(entries, writes) : writes, SEED + 1);
  const numbers = random.slice(0, writes).map((number) => (start === 'copy' ? number : number + operations));
  return forAWhile(() => engine.put(numbers, shape));
}

async function forAWhile(pass: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + WARM_MS;
  do await pass();
  while (performance.now() < until);
}

async function run(job: Job): Promise<JobResult> {
  const { action, directory, engine: name } = job;
  const engine = ENGINES[name]();
  const isSynced = action.kind === 'put' && action.sync;
  const { cacheBytes, valueBytes, tree } = job;
  await engine.open(directory, { cacheBytes, valueBytes, tree, sync: isSynced });
  if (job.fills) {
    await engine.put(shuffled(job.entries, SEED), { batch: 100, inFlight: 1, sync: false });
    await engine.settle();
    await engine.close();
    return { operations: job.entries, seconds: 0, figure: 0, cpuSeconds: 0, rssBytesMax: 0, facts: {} };
  }
  const measure = prepare(engine, job);
  await warmUp(engine, job);
  const cpuBefore = cpuUsage();
  const before = performance.now();
  const { operations, figure } = await measure();
  const seconds = (performance.now() - before) / 1_000;
  const cpu = cpuUsage(cpuBefore);
  const facts = engine.facts();
  if (job.settles) await engine.settle();
  await engine.close();
  return {
    operations,
    seconds,
    figure: figure ?? operations / seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    rssBytesMax: resourceUsage().maxRSS * 1_024,
    facts,
  };
}

const result = await run(JSON.parse(process.argv[2] ?? '') as Job);
process.stdout.write(`${JSON.stringify(result)}\n`);
