/**
 * `npm test`: every stage in order, each to its end even when an earlier one failed, then the table of what took how
 * long and one line with the sum. `node scripts/test.ts lint types` runs the named stages only.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const reports = join(root, '.holdfast', 'test');
const simulator = 'libs/sim/src/bin/sim.ts';
const SIMULATED_SEEDS = 200;
const GATE_FLAGS = ['--conditions=source', '--disable-warning=ExperimentalWarning'];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of Vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

const stages: Readonly<Record<string, () => Outcome>> = {
  format: () => command(['oxfmt', '--check', '.']),
  lint: () => command(['oxlint', '--type-aware', '--deny-warnings', '.']),
  types: () => command(['tsc', '-b']),
  layering: () => vitest('layering', ['--project', 'layering']),
  unit: () => vitest('unit', ['--project', 'unit']),
  sim: () =>
    sum([
      simulate('--seeds', String(SIMULATED_SEEDS)),
      simulate('--world', 'raft', '--seeds', String(SIMULATED_SEEDS)),
    ]),
  canaries: () => simulate('--canaries'),
  integration: () => vitest('integration', ['--project', 'integration', '--passWithNoTests']),
  // Last: every process of the stages before is gone, so that the ratios are those of an idle machine.
  gate: () => command([process.execPath, ...GATE_FLAGS, 'benchmarks/cluster/gate/gate.ts']),
};

/** The simulator, on both cores. */
function simulate(...args: readonly string[]): Outcome {
  return command([process.execPath, '--conditions=source', simulator, ...args, '--jobs', '2']);
}

function sum(outcomes: readonly Outcome[]): Outcome {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of outcomes) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/** A stage that is one program: passed when it exits with 0. */
function command([program, ...args]: readonly string[]): Outcome {
  const passed = exitsWithZero(program, args);
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/** A stage that is a run of Vitest: counts its tests, and a file that did not load as one failure. */
function vitest(stage: string, args: readonly string[]): Outcome {
  const file = join(reports, `${stage}.json`);
  rmSync(file, { force: true });
  const ok = exitsWithZero('vitest', [
    'run',
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const filesThatDidNotLoad = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + filesThatDidNotLoad;
  return {
    passed: report.numPassedTests,
    // A run can fail without a failed test or file: a rejection nobody handled, a worker that died.
    failed: failed === 0 && !ok ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function exitsWithZero(program: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) console.error(`${program}: ${error.message}`);
  return status === 0;
}

function main(names: readonly string[]): number {
  const unknown = names.filter((name) => !Object.hasOwn(stages, name));
  if (unknown.length > 0) {
    console.error(`no stage ${unknown.join(', ')}; there are ${Object.keys(stages).join(', ')}`);
    return 2;
  }
  mkdirSync(reports, { recursive: true });
  const rows: ({ readonly stage: string; readonly seconds: number } & Outcome)[] = [];
  for (const stage of names.length > 0 ? names : Object.keys(stages)) {
    console.log(`\n== ${stage}`);
    const startedMs = performance.now();
    const outcome = stages[stage]();
    rows.push({ stage, seconds: (performance.now() - startedMs) / 1000, ...outcome });
  }
  console.log('\nstage         seconds   passed   failed  skipped');
  for (const { stage, seconds, passed, failed, skipped } of rows) {
    console.log(
      stage.padEnd(12) +
        seconds.toFixed(1).padStart(9) +
        [passed, failed, skipped].map((count) => String(count).padStart(9)).join(''),
    );
  }
  const passed = rows.reduce((sum, row) => sum + row.passed, 0);
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
