/**
 * `npm run bench:gate`: a short run of our nodes and of the reference server (`reference-node.ts`), alternating, and
 * their ratios against the stored ones. Only ratios are compared: a slower machine slows both. Exits with 1 when one
 * is worse than its stored value by more than the tolerance.
 *
 * `npm run bench:gate -- --update` stores the ratios of this run.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench, type Measurement } from '../measure.ts';
import { median } from '../report.ts';
import { holdfast, ROOT } from '../systems/holdfast.ts';
import { reference } from '../systems/reference.ts';
import type { Point } from '../workloads.ts';

const BASELINE_FILE = join(import.meta.dirname, 'baseline.json');
const DIRECTORY = join(ROOT, '.holdfast', 'bench-gate');
const POINTS: readonly Point[] = [
  { workload: 'put', clients: 1 },
  { workload: 'put', clients: 64 },
  { workload: 'put', clients: 256 },
  { workload: 'get', clients: 64 },
  { workload: 'get', clients: 256 },
];
const ROUNDS = 3;
const KEYS = 5000;
const SETTLE_SECONDS = 3;
const TIMES = { warmUp: 0.7, measured: 1.5 };

/** Ours over the reference's. */
interface Ratios {
  /** Throughput: less is worse. */
  readonly throughput: number;
  /** CPU time of all processes per operation: more is worse. It wavers less than throughput on a busy machine. */
  readonly cpu: number;
}

interface Baseline {
  /** A ratio may be worse than the stored one by these factors. */
  readonly tolerance: Ratios;
  readonly ratios: Readonly<Record<string, Ratios>>;
}

async function measureAll(): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const system of round % 2 === 0 ? [reference, holdfast] : [holdfast, reference]) {
      const bench = await Bench.start(system, KEYS, { directory: DIRECTORY });
      try {
        await bench.settle(SETTLE_SECONDS);
        for (const point of POINTS) measurements.push(await bench.measure(point, TIMES));
      } finally {
        await bench.stop();
      }
    }
  }
  return measurements;
}

function ratiosOf(measurements: readonly Measurement[]): Readonly<Record<string, Ratios>> {
  return Object.fromEntries(
    POINTS.map(({ workload, clients }) => {
      const of = (system: string, value: (measurement: Measurement) => number): number =>
        median(
          measurements
            .filter((m) => m.system === system && m.workload === workload && m.clients === clients)
            .map(value),
        );
      const ratio = (value: (measurement: Measurement) => number): number =>
        Number((of(holdfast.name, value) / of(reference.name, value)).toFixed(3));
      const ratios: Ratios = {
        throughput: ratio(({ opsPerSecond }) => opsPerSecond),
        cpu: ratio(({ cpuPerThousandTotal }) => cpuPerThousandTotal),
      };
      return [`${workload}:${clients}`, ratios];
    }),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
  const baseline = JSON.parse(readFileSync(BASELINE_FILE, 'utf8')) as Baseline;
  const measurements = await measureAll();
  const failed = measurements.filter(({ errors }) => errors > 0);
  for (const { system, workload, clients, error } of failed) {
    console.log(`${system} ${workload}:${clients} had errors, the first: ${error}`);
  }
  const ratios = ratiosOf(measurements);
  let worse = failed.length;
  console.log('point     throughput  stored   CPU per op  stored   (ours / reference)');
  for (const [point, now] of Object.entries(ratios)) {
    const stored = baseline.ratios[point];
    const tooSlow =
      stored !== undefined && now.throughput < stored.throughput / baseline.tolerance.throughput;
    const tooDear = stored !== undefined && now.cpu > stored.cpu * baseline.tolerance.cpu;
    // Either alone is noise of the machine more often than a regression: a slower path also costs more.
    const isWorse = tooSlow && tooDear;
    if (isWorse) worse++;
    const number = (value: number | undefined): string => (value?.toFixed(3) ?? '-').padStart(8);
    console.log(
      `${point.padEnd(10)}${number(now.throughput)}  ${number(stored?.throughput)}     ` +
        `${number(now.cpu)} ${number(stored?.cpu)}   ${isWorse ? 'WORSE' : tooSlow || tooDear ? 'watch' : 'ok'}`,
    );
  }
  if (values.update) {
    writeFileSync(BASELINE_FILE, `${JSON.stringify({ ...baseline, ratios }, undefined, 2)}\n`);
    console.log(`stored in ${BASELINE_FILE}`);
  } else if (worse > 0) {
    process.exitCode = 1;
  }
}

await main();
