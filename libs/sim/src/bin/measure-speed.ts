/**
 * How much virtual time passes in a second of this machine:
 * `npm run measure:sim-speed -- [--seeds 40] [--from 7200000] [--nodes 3]`.
 * One process, one job; seeds whose cluster begins with another number of nodes are passed over. Each seed runs once,
 * with its own faults and load: running twice is the simulator's check of itself and says nothing about its speed.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { foundersOf } from '../cluster/cluster-run.ts';
import { BatchReport } from '../runs/report.ts';
import { runWatched } from './seed-runner.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    from: { type: 'string', default: '7200000' },
    nodes: { type: 'string', default: '3' },
  },
});
const NODES = wholeNumber('nodes', values.nodes);
const SEEDS = wholeNumber('seeds', values.seeds);
const FROM = wholeNumber('from', values.from);
/** Clusters begin with one of these: any other number would be looked for without end. */
const NODES_KNOWN = [1, 3, 5];
/** In the coverage of a run in which members come and go. */
const CHURN = 'workload: membership';

/** Sums of some of the runs. */
class Measured {
  readonly sum = new BatchReport();
  operations = 0;
  ms = 0;
  cpuMs = 0;

  get line(): string {
    const { seeds, events, simulatedMs } = this.sum;
    if (seeds === 0) return 'none';
    return (
      `${seeds} seeds, ${(simulatedMs / 1000).toFixed(1)} s simulated in ${(this.ms / 1000).toFixed(1)} s ` +
      `(${(this.cpuMs / 1000).toFixed(1)} s of processor time, all threads), ${this.operations} operations, ` +
      `${events} events, ${((this.ms * 1000) / events).toFixed(1)} us each: ` +
      `${(simulatedMs / this.ms).toFixed(0)} simulated seconds per second, ` +
      `${(simulatedMs / this.cpuMs).toFixed(0)} per second of processor time`
    );
  }
}

if (!NODES_KNOWN.includes(NODES)) throw new Error(`--nodes takes one of ${NODES_KNOWN.join(', ')}`);
const all = new Measured();
const laterHalf = new Measured();
const steady = new Measured();
const changing = new Measured();
for (let seed = FROM; all.sum.seeds < SEEDS; seed++) {
  if (foundersOf(seed) !== NODES) continue;
  const start = performance.now();
  const before = process.cpuUsage();
  const report = await runWatched('cluster', seed, {}, 'once');
  const ms = performance.now() - start;
  const cpu = process.cpuUsage(before);
  const parts = [all, report.coverage.some(([name]) => name === CHURN) ? changing : steady];
  if (all.sum.seeds >= SEEDS / 2) parts.push(laterHalf);
  const { ok, fail, info } = report.operations;
  for (const part of parts) {
    part.sum.add(report);
    part.operations += ok + fail + info;
    part.ms += ms;
    part.cpuMs += (cpu.user + cpu.system) / 1000;
  }
}
console.log(`clusters of ${NODES} nodes from seed ${FROM}, each once, one job`);
console.log(`all           ${all.line}`);
console.log(`later half    ${laterHalf.line}`);
console.log(`same members  ${steady.line}`);
console.log(`members change  ${changing.line}`);
console.log(
  `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown processor'}), ` +
    `Node.js ${process.versions.node}, ${process.platform} ${process.arch}`,
);
for (const { seed, failure } of all.sum.failures)
  console.log(`seed ${seed} FAILED: ${failure?.invariant ?? ''}`);
process.exitCode = all.sum.failures.length === 0 ? 0 : 1;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}
