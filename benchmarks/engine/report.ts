import type { JobResult } from './job.ts';
import type { Machine } from './machine.ts';
import { type PeerName } from './names.ts';
import { isLessBetter, type Unit, unitOf, type Workload } from './workload.ts';

/** One line of the table, and of `--json`. */
interface Row {
  readonly workload: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: PeerName;
  /** How many times better ours is; below 1: worse. */
  readonly ratio: number;
  readonly unit: Unit;
}

/** A row with what the page shows besides. */
export interface Comparison {
  readonly row: Row;
  readonly workload: Workload;
  readonly bar: number | undefined;
  readonly oursRange: readonly [number, number];
  readonly peerRange: readonly [number, number];
  /** Microseconds of CPU for each operation, all threads of the process. */
  readonly oursCpuUs: number;
  readonly peerCpuUs: number | undefined;
  readonly oursRssMib: number;
  readonly peerRssMib: number | undefined;
  /** Bytes that ours wrote to tables for each byte flushed; undefined where no compaction had ended. */
  readonly writeAmplification: number | undefined;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function compare(
  workload: Workload,
  peerName: PeerName,
  ours: readonly JobResult[],
  peers: readonly (JobResult | number)[],
): Comparison {
  const figures = ours.map(({ figure }) => figure);
  const peerFigures = peers.map((result) => (typeof result === 'number' ? result : result.figure));
  const own = median(figures);
  const peer = median(peerFigures);
  const ratio = isLessBetter(workload.action) ? peer / own : own / peer;
  const peerResults = peers.filter((result) => typeof result !== 'number');
  return {
    row: { workload: workload.name, ours: own, peer, peerName, ratio, unit: unitOf(workload.action) },
    workload,
    bar: workload.bars[peerName],
    oursRange: [Math.min(...figures), Math.max(...figures)],
    peerRange: [Math.min(...peerFigures), Math.max(...peerFigures)],
    oursCpuUs: median(ours.map(cpuUs)),
    peerCpuUs: peerResults.length === 0 ? undefined : median(peerResults.map(cpuUs)),
    oursRssMib: median(ours.map(rssMib)),
    peerRssMib: peerResults.length === 0 ? undefined : median(peerResults.map(rssMib)),
    writeAmplification: writeAmplificationOf(ours),
  };
}

function writeAmplificationOf(results: readonly JobResult[]): number | undefined {
  const factors = results
    .flatMap(({ facts }) => facts['writeAmplification'] ?? [])
    .filter((factor) => factor > 1);
  return factors.length === 0 ? undefined : median(factors);
}

const cpuUs = ({ cpuSeconds, operations }: JobResult): number => (cpuSeconds * 1e6) / operations;
const rssMib = ({ rssBytesMax }: JobResult): number => rssBytesMax / 2 ** 20;

/** 1234567 as 1,235 k; small figures with what matters. */
export function figure(value: number, unit: Unit): string {
  if (unit !== 'ops/s') return `${value.toFixed(2)} ${unit}`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${Math.round(value / 1e3)} k`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}

export function ratioText(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)} x`;
}

export function verdict({ row: { ratio }, bar }: Comparison): string {
  if (bar === undefined || bar === 0) return '';
  return `${ratio >= bar ? 'met' : 'missed'} (${bar} x)`;
}

export function tableOf(comparisons: readonly Comparison[]): string {
  const lines = [
    '| workload | ours | peer | ratio | bar | CPU us/op ours / peer | memory MiB ours / peer |',
    '| --- | ---: | --- | ---: | --- | --- | --- |',
  ];
  let last = '';
  for (const comparison of comparisons) {
    const { row, oursCpuUs, peerCpuUs, oursRssMib, peerRssMib } = comparison;
    const isFirst = row.workload !== last;
    last = row.workload;
    const cells = [
      isFirst ? row.workload : '',
      isFirst ? figure(row.ours, row.unit) : '',
      `${row.peerName} ${figure(row.peer, row.unit)}`,
      `**${ratioText(row.ratio)}**`,
      verdict(comparison),
      `${oursCpuUs.toFixed(2)} / ${peerCpuUs?.toFixed(2) ?? '-'}`,
      `${oursRssMib.toFixed(0)} / ${peerRssMib?.toFixed(0) ?? '-'}`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

export function machineText(machine: Machine): string {
  const { cpu, cores, memoryGib, kernel, node, loadAverage, directoryType } = machine;
  return `${cpu}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}, ${directoryType}, Node ${node}, load average ${loadAverage.join(' ')}`;
}
