import type { EngineName, PeerName } from './names.ts';

/** What one process does between opening a database and closing it; the time of this is what is measured. */
export type Action =
  | {
      readonly kind: 'put';
      readonly order: 'sequential' | 'random';
      readonly batch: number;
      readonly inFlight: number;
      readonly sync: boolean;
    }
  | { readonly kind: 'delete'; readonly batch: number; readonly inFlight: number }
  | { readonly kind: 'get'; readonly missing: boolean }
  | { readonly kind: 'get-awaited'; readonly inFlight: number }
  | { readonly kind: 'get-many'; readonly batch: number }
  | { readonly kind: 'ranges'; readonly length: number }
  | { readonly kind: 'scan'; readonly reverse: boolean }
  | { readonly kind: 'mixed'; readonly inFlight: number }
  /** Random batches of 100 with the loop given back in between: how long is it held at a time? */
  | { readonly kind: 'stalls' }
  /** Random batches of 100, then the compaction of everything: what do the bytes amount to? */
  | { readonly kind: 'amplification' };

export interface Workload {
  readonly name: string;
  readonly action: Action;
  /** `new`: an empty directory. `filled`: all entries, compacted, not written to. `copy`: a copy of that. */
  readonly start: 'new' | 'filled' | 'copy';
  readonly ours: EngineName;
  readonly peers: readonly PeerName[];
  /** Entries in the database, in units of the run's own number (1: as many). */
  readonly entries: number;
  /** Operations measured, in the same unit. */
  readonly operations: number;
  /** However small the run is: fewer say nothing. */
  readonly operationsMin: number;
  /** What it writes is the filled database of so many entries for the workloads behind it. */
  readonly fills: boolean;
  readonly valueBytes: number;
  readonly cacheBytes: number;
  /** What the ratio to these peers should be at least. */
  readonly bars: Readonly<Partial<Record<PeerName, number>>>;
  /** Left out of quick runs. */
  readonly isLong: boolean;
}

export type Unit = 'ops/s' | 'ms' | 'x';

export function unitOf({ kind }: Action): Unit {
  if (kind === 'stalls') return 'ms';
  return kind === 'amplification' ? 'x' : 'ops/s';
}

/** A longer time or a larger factor is worse. */
export function isLessBetter(action: Action): boolean {
  return unitOf(action) !== 'ops/s';
}
