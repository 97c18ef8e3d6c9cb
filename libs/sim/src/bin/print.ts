import { COVERAGE_SEEDS_MIN, EXPECTED } from '../runs/coverage-rule.ts';
import type { BatchReport, RunReport } from '../runs/report.ts';
import { formatNumbers, formatSteps, type Kept } from '../runs/mask.ts';
import { hex, type WorldName } from '../runs/worlds.ts';

/** One line for a run that held, a page for one that did not. */
export function printRun(world: WorldName, report: RunReport, canary: string | undefined, kept?: Kept): void {
  const { seed, failure, hash, events, simulatedMs, operations } = report;
  const work = `${operations.ok} ok, ${operations.fail} failed, ${operations.info} unknown`;
  console.log(
    `seed ${seed}  ${hex(hash)}  ${(simulatedMs / 1000).toFixed(1)} s simulated, ${events} events, ${work}`,
  );
  if (failure === undefined) return;
  console.log(`\nFAILED  ${failure.invariant}\n  ${failure.detail.replaceAll('\n', '\n  ')}`);
  if (failure.lastEvents.length > 0) console.log(`last events\n  ${failure.lastEvents.join('\n  ')}`);
  const planted = canary === undefined ? '' : ` --canary ${canary}`;
  const faults = kept?.faults === undefined ? '' : ` --keep-faults ${formatNumbers(kept.faults)}`;
  const steps = kept?.steps === undefined ? '' : ` --keep-steps ${formatSteps(kept.steps)}`;
  console.log(`replay\n  npm run sim -- --world ${world} --seed ${seed}${planted}${faults}${steps}\n`);
}

/** The table of a batch. Returns the names that should have been seen and were not. */
export function printBatch(world: WorldName, batch: BatchReport, seconds: number): readonly string[] {
  console.log('\ncoverage');
  for (const [name, count] of batch.coverage.entries())
    console.log(`  ${String(count).padStart(9)}  ${name}`);
  const missing =
    batch.seeds < COVERAGE_SEEDS_MIN
      ? []
      : EXPECTED[world].filter((name) => batch.coverage.count(name) === 0);
  for (const name of missing) console.log(`    NEVER SEEN  ${name}`);
  const simulated = batch.simulatedMs / 1000;
  console.log(
    `\n${batch.seeds} seeds, each twice, in ${seconds.toFixed(1)} s: ${(batch.seeds / seconds).toFixed(1)} seeds/s, ` +
      `${((2 * simulated) / seconds).toFixed(0)} simulated seconds per second, ${batch.ok} operations completed, ` +
      `${batch.failures.length} failed`,
  );
  return missing;
}
