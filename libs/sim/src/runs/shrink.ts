import { type Kept, maskOf, type StepId } from './mask.ts';
import { minimize } from './minimize.ts';
import type { RunOptions, RunReport } from './report.ts';

export interface Shrunk {
  readonly kept: Kept;
  /** Of the reduced run. */
  readonly report: RunReport;
  /** How many runs it took. */
  readonly runs: number;
}

/**
 * Leaves out faults and steps of workers as long as the run breaks the same invariant. Undefined when the run holds.
 *
 * @param run one run of the seed
 * @param runsMax for each of the three reductions: faults, whole workers, single steps
 */
export async function shrink(
  run: (options: RunOptions) => Promise<RunReport>,
  options: RunOptions,
  runsMax: number,
): Promise<Shrunk | undefined> {
  let best = await run(options);
  const { failure, decisions } = best;
  if (failure === undefined) return undefined;
  let runs = 1;
  let kept: Kept = { faults: undefined, steps: undefined };
  const fails = async (candidate: Kept): Promise<boolean> => {
    runs++;
    const report = await run({ ...options, mask: maskOf(candidate) });
    if (report.failure?.invariant !== failure.invariant) return false;
    best = report;
    kept = candidate;
    return true;
  };
  const faults = Array.from({ length: decisions.faults }, (_, i) => i);
  await minimize(faults, (some) => fails({ ...kept, faults: some }), runsMax);
  // Progress is demanded of workers that go on for ever: without them it would not be the same failure.
  const everyStep = decisions.steps.flatMap((count, process) => stepsOf(process, count));
  const isLiveness = failure.invariant.startsWith('liveness');
  if (!isLiveness && (await fails({ ...kept, steps: everyStep }))) {
    const workers = decisions.steps.map((_, process) => process);
    const stepsOfWorkers = (some: readonly number[]): readonly StepId[] =>
      everyStep.filter(({ process }) => some.includes(process));
    await minimize(workers, (some) => fails({ ...kept, steps: stepsOfWorkers(some) }), runsMax);
    await minimize(kept.steps ?? [], (some) => fails({ ...kept, steps: some }), runsMax);
  }
  return { kept, report: best, runs };
}

function stepsOf(process: number, count: number): readonly StepId[] {
  return Array.from({ length: count }, (_, step) => ({ process, step }));
}
