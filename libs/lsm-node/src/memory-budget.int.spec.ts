import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const BUDGET_MIB = 16;
const LOAD_MIB = 256;
/** Two threads of Node with their heaps, and what V8 lets lie until it collects: they cost this much when idle, too. */
const THREADS_MIB = 180;

interface Report {
  readonly loadedMib: number;
  readonly tableMib: number;
  readonly accountedMib: number;
  readonly residentMib: number;
  readonly found: number;
}

/** The full size is a command in docs/benchmarks/engine-limits.md. */
it('a tree with a memory budget loads sixteen times as much', { timeout: 120_000 }, async () => {
  const script = fileURLToPath(new URL('../testing/memory-load.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      script,
      '--budget',
      String(BUDGET_MIB),
      '--load',
      String(LOAD_MIB),
    ],
    { timeout: 110_000 },
  );
  const report = JSON.parse(stdout) as Report;
  expect(report.loadedMib).toBe(LOAD_MIB);
  expect(report.tableMib).toBeGreaterThan(LOAD_MIB);
  expect(report.found).toBe(1);
  expect(report.accountedMib).toBeGreaterThan(0);
  expect(report.accountedMib).toBeLessThanOrEqual(BUDGET_MIB);
  expect(report.residentMib).toBeLessThan(BUDGET_MIB + THREADS_MIB);
});
