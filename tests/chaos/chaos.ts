/**
 * `npm run chaos -- --minutes N --seed S`: a real cluster on this machine, under faults, judged. Exit code 0: everything
 * held. 1: it did not; data, logs and histories are kept. 2: not understood, or not built.
 */
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChaosReport, runChaos } from './run/chaos-run.ts';
import { Journal } from './run/journal.ts';
import { type ChaosOptions, readOptions, USAGE } from './run/options.ts';

/** What a run may take beyond its faults, start, damage, heals and judgement included. */
const OVERHEAD_MS_MAX = 5 * 60_000;
const SEEDS = 2 ** 31;
/** Lines of the journal that a failure prints. */
const LINES_SHOWN = 40;
/** Of one problem. */
const PROBLEM_CHARACTERS_MAX = 1_500;

async function main(argv: readonly string[]): Promise<number> {
  let options: ChaosOptions;
  try {
    options = readOptions(argv, randomInt(1, SEEDS));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (!existsSync(join(import.meta.dirname, '..', '..', 'apps', 'data-node', 'dist', 'main.js'))) {
    console.error('not built: npm run build');
    return 2;
  }
  const { seed, minutes, storage, faults, canary, command, verbose } = options;
  console.log(
    `chaos: seed ${seed}, ${minutes} min of faults, storage ${storage}, ${faults.length} kinds of faults`,
  );
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-chaos-'));
  const journal = new Journal(verbose ? (line) => console.log(line) : undefined);
  const overdue = setTimeout(
    () => {
      console.error(`FAILED  the run does not end; data and logs: ${directory}\nrepeat\n  ${command}`);
      // Its processes end with this one.
      process.exit(1);
    },
    minutes * 60_000 + OVERHEAD_MS_MAX,
  );
  const startedMs = performance.now();
  const report = new ChaosReport();
  try {
    await runChaos(options, directory, journal, report);
  } catch (error) {
    journal.report(error instanceof Error ? error : new Error(String(error)));
    if (verbose) console.error(error);
  }
  clearTimeout(overdue);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  const { ok, fail, info } = report.operations;
  const counts = [...report.faults].map(([name, count]) => `${name} ${count}`).join(', ');
  console.log(`${ok} operations done, ${fail} failed, ${info} unknown; ${report.keys} keys; ${seconds} s`);
  console.log(`faults: ${counts}`);
  const held = journal.problems.length === 0;
  if (held !== (canary !== undefined)) {
    rmSync(directory, { recursive: true, force: true });
    console.log(held ? 'everything held' : `the planted bug was found: ${journal.problems[0]}`);
    return 0;
  }
  journal.write(directory, report.histories);
  console.error(`\n${journal.lines.slice(-LINES_SHOWN).join('\n')}\n\nFAILED`);
  if (held) console.error(`  the planted bug ${canary} was NOT found`);
  for (const problem of journal.problems) console.error(`  ${problem.slice(0, PROBLEM_CHARACTERS_MAX)}`);
  console.error(`\ndata, logs, journal, histories (JSON lines)\n  ${directory}\nrepeat\n  ${command}`);
  return 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // The 'exit' that follows ends every process of the cluster.
  process.on(signal, () => process.exit(1));
}
process.exit(await main(process.argv.slice(2)));
