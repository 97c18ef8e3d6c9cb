/** `npm run bench:engine`: our storage engine and its peers, measured in turn. See `--help`. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Arguments, parseArguments, USAGE } from './arguments.ts';
import { Bench } from './bench.ts';
import { findProgram } from './db-bench.ts';
import { describeMachine } from './machine.ts';
import { PROGRAM_NAMES, type ProgramName } from './names.ts';
import { pageOf } from './page.ts';
import { type Comparison, figure, machineText, ratioText, verdict } from './report.ts';
import type { Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const PAGE = join(ROOT, 'docs', 'benchmarks', 'engine.md');

function chosen({ only, quick }: Arguments): readonly Workload[] {
  return WORKLOADS.filter(({ name, isLong }) => {
    if (only.length > 0) return only.some((text) => name.includes(text));
    return !(quick && isLong);
  });
}

async function main(args: Arguments): Promise<void> {
  const programs = new Map<ProgramName, string>();
  for (const name of PROGRAM_NAMES) {
    const path = args.without.includes(name) ? undefined : findProgram(name);
    if (path !== undefined) programs.set(name, path);
  }
  const directory = args.directory ?? mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  mkdirSync(directory, { recursive: true });
  if (args.profiles !== undefined) mkdirSync(args.profiles, { recursive: true });
  const before = describeMachine(directory);
  console.log(machineText(before));
  console.log(
    `${args.entries} entries, keys of 16 bytes, ${args.rounds} rounds; writes without "sync" may be lost in a crash on every side`,
  );
  const missingPrograms = PROGRAM_NAMES.filter((name) => !programs.has(name));
  if (missingPrograms.length > 0) console.log(`not on this machine: ${missingPrograms.join(', ')}`);

  const bench = new Bench(directory, args, programs);
  const workloads = chosen(args);
  const comparisons: Comparison[] = [];
  const started = performance.now();
  try {
    for (const [i, workload] of workloads.entries()) {
      const minutes = ((performance.now() - started) / 60_000).toFixed(1);
      process.stderr.write(`[${i + 1}/${workloads.length}, ${minutes} min] ${workload.name} `);
      const found = await bench.run(workload, (name, value) =>
        process.stderr.write(`${name} ${value.toFixed(1)} `),
      );
      process.stderr.write('\n');
      comparisons.push(...found);
      for (const comparison of found) console.log(lineOf(comparison));
      const written = found[0]?.writeAmplification;
      if (workload.start !== 'filled' && written !== undefined)
        console.log(`${' '.repeat(50)}write amplification of ours ${written.toFixed(2)}`);
      const entries = bench.entriesOf(workload);
      if (!workloads.slice(i + 1).some((later) => bench.entriesOf(later) === entries)) bench.forget(entries);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }

  const after = describeMachine(tmpdir());
  const minutes = (performance.now() - started) / 60_000;
  console.log(`${minutes.toFixed(1)} minutes`);
  console.log(`load average ${before.loadAverage.join(' ')} before, ${after.loadAverage.join(' ')} after`);
  if (args.json !== undefined) {
    writeFileSync(
      args.json,
      `${JSON.stringify(
        comparisons.map(({ row }) => row),
        null,
        2,
      )}\n`,
    );
  }
  if (args.writesDocs) {
    const facts = {
      command: `npm run bench:engine -- ${process.argv.slice(2).join(' ')}`,
      date: new Date().toISOString().slice(0, 10),
      entries: args.entries,
      rounds: args.rounds,
      minutes,
      before,
      after,
      programs: [...programs.keys()],
      missingPrograms,
    };
    mkdirSync(dirname(PAGE), { recursive: true });
    writeFileSync(PAGE, pageOf(facts, comparisons, existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''));
    console.log(`written: ${PAGE}`);
  }
}

function lineOf(comparison: Comparison): string {
  const { workload, ours, peer, peerName, ratio, unit } = comparison.row;
  const cells = [
    workload.padEnd(48),
    figure(ours, unit).padStart(9),
    `${peerName.padStart(17)} ${figure(peer, unit).padStart(9)}`,
    ratioText(ratio).padStart(8),
    verdict(comparison),
  ];
  return cells.join('  ');
}

const args = parseArguments(process.argv.slice(2));
if (args === 'help') console.log(USAGE);
else await main(args);
