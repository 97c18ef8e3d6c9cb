/**
 * How long the event loop stands still while a tree is loaded, with merges on this thread and on another:
 *
 *     node --conditions=source libs/lsm-node/bench/stall.bench.ts [--seconds 6] [--rounds 3] [--rate 60000]
 *
 * Two measures: `monitorEventLoopDelay` (wall clock, means something on a quiet machine only), and the processor
 * time that this thread spends from one turn of the loop to the next, which other programs do not change.
 *
 * Random 16 B keys, 100 B values, batches of 100, at a steady rate (0: as fast as possible, one batch between two
 * turns of the loop). Variants take turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Prng, randomInteger } from '@holdfast/io';
import { FileDisk, nodeKernels, SystemClock } from '@holdfast/io-node';
import { type Compactor, InlineCompactor, REVISION_MAX, Tree, WriteBatch } from '@holdfast/lsm';
import { COMPRESSION_BY_LEVEL, nodeCodecs } from '../src/codecs.ts';
import { WorkerCompactor } from '../src/worker-compactor.ts';
import { threadNanoseconds } from './thread-time.ts';

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '0' },
    memtable: { type: 'string', default: '8' },
    compressed: { type: 'boolean', default: false },
  },
});
const RATE = Number(args.rate);
const KEYS = 1_000_000;
const clock = new SystemClock();

interface Figures {
  readonly delayP99: number;
  readonly delayP999: number;
  readonly turnP99: number;
  readonly turnP999: number;
  readonly turnMax: number;
  readonly putsPerSecond: number;
  readonly compactedMb: number;
  readonly cpuSeconds: number;
}

/** `merges`: merges on a thread, memtables on this one. `worker`: both on threads. */
const variants: Record<string, () => Compactor & { close?(): Promise<void> }> = {
  idle: () => new InlineCompactor({ disk: new FileDisk(), kernels: nodeKernels, codecs: nodeCodecs, clock }),
  inline: () =>
    new InlineCompactor({ disk: new FileDisk(), kernels: nodeKernels, codecs: nodeCodecs, clock }),
  merges: () => {
    const compactor = new WorkerCompactor();
    return { run: (job) => compactor.run(job), close: () => compactor.close() };
  },
  worker: () => new WorkerCompactor(),
};
const all = new Map<string, Figures[]>();
for (let round = 0; round < Number(args.rounds); round++) {
  for (const [name, make] of Object.entries(variants)) {
    const figures = await run(name, make());
    all.set(name, [...(all.get(name) ?? []), figures]);
  }
}
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
console.log(
  `load ${loadavg()[0]!.toFixed(1)}; ms of delay by the wall clock, ms of processor time in one turn; medians of ${args.rounds} rounds`,
);
for (const [name, list] of all) {
  const line = (Object.keys(list[0]!) as (keyof Figures)[]).map((key) => {
    const value = median(list.map((figures) => figures[key]));
    return `${key} ${value < 100 ? value.toFixed(2) : Math.round(value)}`;
  });
  console.log(name.padEnd(8), line.join('   '));
}

async function run(name: string, compactor: Compactor & { close?(): Promise<void> }): Promise<Figures> {
  const directory = mkdtempSync(`${tmpdir()}/holdfast-stall-`);
  const tree = await Tree.open({
    disk: new FileDisk(),
    directory,
    kernels: nodeKernels,
    clock,
    compactor,
    options: {
      codecs: nodeCodecs,
      memtableBytes: Number(args.memtable) * 2 ** 20,
      ...(args.compressed ? { compression: COMPRESSION_BY_LEVEL } : {}),
    },
  });
  tree.setHorizon(REVISION_MAX);
  const random = new Prng(1);
  const value = Buffer.alloc(100, 'v');
  const batch = new WriteBatch();
  let puts = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cpu = process.cpuUsage();
  const from = performance.now();
  const end = from + Number(args.seconds) * 1_000;
  const turns = createHistogram();
  let turn = threadNanoseconds();
  delay.enable();
  while (performance.now() < end) {
    const due = RATE === 0 ? Infinity : ((performance.now() - from) / 1_000) * RATE;
    if (name !== 'idle' && puts < due) {
      batch.clear();
      for (let j = 0; j < 100; j++) {
        batch.put(Buffer.from(String(randomInteger(random, 0, KEYS - 1)).padStart(16, '0')), ++puts, value);
      }
      const stall = tree.writable();
      if (stall !== undefined) await stall;
      tree.apply(batch);
    }
    await new Promise(setImmediate);
    const now = threadNanoseconds();
    turns.record(Math.max(1, now - turn));
    turn = now;
  }
  delay.disable();
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { compaction } = tree.stats();
  await tree.close();
  await compactor.close?.();
  rmSync(directory, { recursive: true });
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  return {
    delayP99: ms(delay.percentile(99)) - 1,
    delayP999: ms(delay.percentile(99.9)) - 1,
    turnP99: ms(turns.percentile(99)),
    turnP999: ms(turns.percentile(99.9)),
    turnMax: ms(turns.max),
    putsPerSecond: puts / seconds,
    compactedMb: compaction.bytesWritten / 2 ** 20,
    cpuSeconds: (user + system) / 1e6,
  };
}
