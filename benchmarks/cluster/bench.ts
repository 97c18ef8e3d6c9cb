/**
 * `npm run bench:cluster`: our cluster and its peers side by side on this machine, each as separate processes with
 * real syncs and default durability, one at a time, alternating. Prints medians and ratios as Markdown.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { type Options, parseOptions, USAGE } from './arguments.ts';
import { environment } from './environment.ts';
import { runFailover } from './failover.ts';
import { Bench, type Measurement } from './measure.ts';
import { profilePoint } from './profile.ts';
import { measurementTables, ratioTable, summarize } from './report.ts';
import { SYSTEMS } from './systems/all-systems.ts';
import { holdfast, holdfastNest } from './systems/holdfast.ts';
import { holdfastHttp } from './systems/holdfast-http.ts';
import type { System } from './systems/system.ts';

/** What `--profile` knows to look into. */
const PROFILED: readonly System[] = [holdfast, holdfastNest, holdfastHttp];

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(USAGE);
    return;
  }
  mkdirSync(options.directory, { recursive: true });
  if (options.profile !== undefined) {
    const times = { warmUp: options.warmUpSeconds, measured: options.seconds };
    const system = PROFILED.find(({ name }) => options.systems.includes(name)) ?? holdfast;
    await profilePoint(system, options.profile, { ...options, times, functions: 30 });
    return;
  }
  const systems = available(options);
  console.log(`Ran on: ${JSON.stringify(environment())}\n`);
  for (const { name, about } of systems) console.log(`- ${name}: ${about}`);
  console.log();
  if (options.failover) {
    await runFailover(systems, options);
    return;
  }
  const measurements: Measurement[] = [];
  for (let round = 0; round < options.rounds; round++) {
    // Every other round backwards: nobody always runs on the machine that another has warmed up.
    for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
      measurements.push(...(await measureSystem(system, options, round)));
    }
  }
  const summaries = summarize(measurements);
  console.log(`\n${measurementTables(summaries)}\n\n### Ratios\n\n${ratioTable(summaries)}`);
  if (options.json !== undefined) {
    const report = { environment: environment(), options, summaries, measurements };
    writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (measurements.some(({ errors }) => errors > 0)) process.exitCode = 1;
}

function available(options: Options): readonly System[] {
  return SYSTEMS.filter((system) => {
    if (!options.systems.includes(system.name)) return false;
    const missing = system.missing();
    if (missing !== undefined) console.log(`(without ${system.name}: ${missing})`);
    return missing === undefined;
  });
}

async function measureSystem(
  system: System,
  options: Options,
  round: number,
): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  const bench = await Bench.start(system, options.keys, options);
  try {
    await bench.settle(options.settleSeconds);
    for (const workload of options.workloads) {
      if (!system.workloads.includes(workload)) continue;
      for (const clients of options.clients) {
        const times = { warmUp: options.warmUpSeconds, measured: options.seconds };
        const measurement = await bench.measure({ workload, clients }, times);
        measurements.push(measurement);
        console.error(progress(measurement, round));
      }
    }
  } finally {
    await bench.stop();
  }
  return measurements;
}

function progress(measurement: Measurement, round: number): string {
  const { system, workload, clients, opsPerSecond, p50Ms, p99Ms, errors, error } = measurement;
  const trouble = errors === 0 ? '' : `, ${errors} errors, the first: ${error}`;
  return (
    `round ${round + 1} ${system} ${workload} at ${clients}: ${Math.round(opsPerSecond)} ops/s, ` +
    `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, load average ${measurement.loadAverage}${trouble}`
  );
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
