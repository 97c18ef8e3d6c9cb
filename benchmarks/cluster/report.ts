import type { Measurement } from './measure.ts';
import { COMPARISONS } from './systems/all-systems.ts';
import { type Point, WORKLOADS } from './workloads.ts';

/** The medians of a point's rounds. */
export interface Summary extends Point {
  readonly system: string;
  readonly rounds: number;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerThousand: Readonly<Record<string, number>>;
  readonly cpuPerThousandTotal: number;
  readonly loadCpuShare: number;
  readonly writeAmplification: number | undefined;
  readonly errors: number;
}

/** One summary per system and point, in the order of the first round. */
export function summarize(measurements: readonly Measurement[]): readonly Summary[] {
  const groups = new Map<string, Measurement[]>();
  for (const measurement of measurements) {
    const key = `${measurement.workload} ${measurement.clients} ${measurement.system}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [measurement]);
    else group.push(measurement);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    const of = (value: (measurement: Measurement) => number): number => median(group.map(value));
    const amplifications = group
      .map(({ writeAmplification }) => writeAmplification)
      .filter((value) => value !== undefined);
    return {
      system: first.system,
      workload: first.workload,
      clients: first.clients,
      rounds: group.length,
      opsPerSecond: of(({ opsPerSecond }) => opsPerSecond),
      p50Ms: of(({ p50Ms }) => p50Ms),
      p99Ms: of(({ p99Ms }) => p99Ms),
      cpuPerThousand: Object.fromEntries(
        Object.keys(first.cpuPerThousand).map((name) => [
          name,
          of(({ cpuPerThousand }) => cpuPerThousand[name] ?? 0),
        ]),
      ),
      cpuPerThousandTotal: of(({ cpuPerThousandTotal }) => cpuPerThousandTotal),
      loadCpuShare: of(({ loadCpuShare }) => loadCpuShare),
      writeAmplification: amplifications.length === 0 ? undefined : median(amplifications),
      errors: group.reduce((sum, { errors }) => sum + errors, 0),
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The measurements as Markdown, one table per workload. */
export function measurementTables(summaries: readonly Summary[]): string {
  const sections: string[] = [];
  for (const workload of new Set(summaries.map((summary) => summary.workload))) {
    const rows = summaries
      .filter((summary) => summary.workload === workload)
      .sort((a, b) => a.clients - b.clients)
      .map((summary) => [
        summary.system,
        String(summary.clients),
        Math.round(summary.opsPerSecond).toLocaleString('en'),
        summary.p50Ms.toFixed(2),
        summary.p99Ms.toFixed(2),
        (summary.cpuPerThousandTotal * 1000).toFixed(1),
        Object.entries(summary.cpuPerThousand)
          .map(([name, perThousand]) => `${name} ${(perThousand * 1000).toFixed(1)}`)
          .join(', '),
        summary.loadCpuShare.toFixed(2),
        summary.writeAmplification?.toFixed(2) ?? '-',
        String(summary.errors),
      ]);
    const head = [
      'system',
      'clients',
      'ops/s',
      'p50 ms',
      'p99 ms',
      'CPU us/op',
      'of which',
      'load generator, cores',
      'disk bytes / payload',
      'errors',
    ];
    sections.push(`### ${WORKLOADS[workload].about}\n\n${table(head, rows)}`);
  }
  return sections.join('\n\n');
}

/** Ours over the peer's, for every pair and point that both have. */
export function ratioTable(summaries: readonly Summary[]): string {
  const rows: string[][] = [];
  for (const { ours, peer } of COMPARISONS) {
    for (const mine of summaries) {
      if (mine.system !== ours) continue;
      const theirs = summaries.find(
        ({ system, workload, clients }) =>
          system === peer && workload === mine.workload && clients === mine.clients,
      );
      if (theirs === undefined) continue;
      rows.push([
        `${ours} / ${peer}`,
        WORKLOADS[mine.workload].about,
        String(mine.clients),
        `${(mine.opsPerSecond / theirs.opsPerSecond).toFixed(2)} x`,
        (mine.p50Ms / theirs.p50Ms).toFixed(2),
        (mine.p99Ms / theirs.p99Ms).toFixed(2),
        (mine.cpuPerThousandTotal / theirs.cpuPerThousandTotal).toFixed(2),
      ]);
    }
  }
  return table(['ratio of', 'operations', 'clients', 'ops/s', 'p50', 'p99', 'CPU per op'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
