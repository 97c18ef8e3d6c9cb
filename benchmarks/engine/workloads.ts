import type { EngineName, PeerName } from './names.ts';
import type { Action, Workload } from './workload.ts';

const MIB = 2 ** 20;
/** Everything fits. */
const HOT_CACHE_BYTES = 1024 * MIB;
const SMALL_CACHE_BYTES = 8 * MIB;

const NODE_PEERS: readonly PeerName[] = ['classic-level', 'lmdb'];
const ALL_PEERS: readonly PeerName[] = [...NODE_PEERS, 'rocksdb-db_bench', 'leveldb-db_bench'];

interface Details {
  readonly start?: Workload['start'];
  readonly ours?: EngineName;
  readonly peers?: readonly PeerName[];
  readonly entries?: number;
  readonly operations?: number;
  readonly operationsMin?: number;
  readonly fills?: boolean;
  readonly valueBytes?: number;
  readonly cacheBytes?: number;
  readonly bars?: Workload['bars'];
  readonly isLong?: boolean;
}

function workload(name: string, action: Action, details: Details = {}): Workload {
  const isWrite = action.kind === 'put' || action.kind === 'stalls' || action.kind === 'amplification';
  return {
    name,
    action,
    start: isWrite ? 'new' : 'filled',
    ours: 'holdfast',
    peers: NODE_PEERS,
    entries: 1,
    operations: 1,
    operationsMin: 1_000,
    fills: false,
    valueBytes: 100,
    cacheBytes: HOT_CACHE_BYTES,
    isLong: false,
    ...details,
    bars: { 'classic-level': 1.5, ...details.bars },
  };
}

const put = (order: 'sequential' | 'random', batch: number, inFlight: number, sync: boolean): Action => ({
  kind: 'put',
  order,
  batch,
  inFlight,
  sync,
});
const get = (missing: boolean): Action => ({ kind: 'get', missing });
const level = { ours: 'holdfast-level', peers: ['classic-level'] } as const;

export const WORKLOADS: readonly Workload[] = [
  workload('fillseq', put('sequential', 1, 64, false), { peers: ALL_PEERS, operations: 0.5 }),
  workload('fillrandom', put('random', 1, 64, false), { peers: ALL_PEERS, operations: 0.5 }),
  workload('fillrandom, awaited one by one', put('random', 1, 1, false), { ...level, operations: 0.05 }),
  workload('fillrandom, batch 100', put('random', 100, 1, false), {
    peers: ALL_PEERS,
    bars: { 'rocksdb-db_bench': 0.9 },
  }),
  workload('fillrandom, batch 100, through level', put('random', 100, 1, false), {
    ...level,
    operations: 0.5,
    // Nothing warms it up: of 50,000 the most part would run before it is compiled.
    operationsMin: 250_000,
  }),
  workload('fillrandom, batch 100, 256 B', put('random', 100, 1, false), {
    peers: ALL_PEERS,
    valueBytes: 256,
    operations: 0.5,
  }),
  workload('fillrandom, sync', put('random', 1, 1, true), {
    peers: ALL_PEERS,
    operations: 0.004,
    operationsMin: 3_000,
  }),
  workload('fillrandom, sync, 64 in flight', put('random', 1, 64, true), {
    operations: 0.05,
    bars: { 'classic-level': 6 },
  }),
  workload('fillrandom, sync, batch 100', put('random', 100, 1, true), { operations: 0.5 }),
  workload('overwrite, batch 100', put('random', 100, 1, false), {
    start: 'copy',
    peers: ALL_PEERS,
    operations: 0.5,
  }),
  workload(
    'deleterandom, batch 100',
    { kind: 'delete', batch: 100, inFlight: 1 },
    { start: 'copy', operations: 0.5 },
  ),
  workload('readrandom', get(false), { peers: ALL_PEERS }),
  workload('readrandom, through level', get(false), { ...level, operations: 0.5 }),
  workload('readrandom, 256 B', get(false), { valueBytes: 256, operations: 0.5 }),
  workload('readrandom, cache 8 MiB', get(false), {
    cacheBytes: SMALL_CACHE_BYTES,
    peers: ALL_PEERS,
    operations: 0.5,
  }),
  workload('readmissing', get(true), { peers: ALL_PEERS, operations: 0.5 }),
  workload(
    'get, awaited one by one',
    { kind: 'get-awaited', inFlight: 1 },
    {
      ...level,
      operations: 0.05,
      bars: { 'classic-level': 8 },
    },
  ),
  workload('get, 64 awaited together', { kind: 'get-awaited', inFlight: 64 }, { ...level, operations: 0.2 }),
  workload(
    'multiGet 100',
    { kind: 'get-many', batch: 100 },
    { operations: 0.5, bars: { 'classic-level': 2.5 } },
  ),
  workload('multiGet 100, through level', { kind: 'get-many', batch: 100 }, { ...level, operations: 0.5 }),
  workload(
    'seekrandom, 100 next',
    { kind: 'ranges', length: 100 },
    {
      peers: ALL_PEERS,
      operations: 0.01,
      bars: { 'classic-level': 10 },
    },
  ),
  workload(
    'seekrandom, 100 next, through level',
    { kind: 'ranges', length: 100 },
    { ...level, operations: 0.01 },
  ),
  workload('full scan', { kind: 'scan', reverse: false }, { peers: ALL_PEERS, bars: { 'classic-level': 3 } }),
  workload(
    'full scan, 256 B',
    { kind: 'scan', reverse: false },
    { valueBytes: 256, bars: { 'classic-level': 3 } },
  ),
  workload(
    'full scan, reverse',
    { kind: 'scan', reverse: true },
    { peers: ALL_PEERS, bars: { 'classic-level': 3 } },
  ),
  workload('full scan, through level', { kind: 'scan', reverse: false }, level),
  workload('mixed 50/50', { kind: 'mixed', inFlight: 64 }, { start: 'copy', operations: 0.5 }),
  workload('load of 10 x, batch 100', put('random', 100, 1, false), {
    entries: 10,
    operations: 10,
    fills: true,
    peers: ['classic-level', 'rocksdb-db_bench', 'leveldb-db_bench'],
    isLong: true,
  }),
  workload('readrandom of 10 x', get(false), {
    entries: 10,
    operations: 0.5,
    peers: ['classic-level'],
    isLong: true,
  }),
  workload(
    'event loop held at p99.9, flush and compaction',
    { kind: 'stalls' },
    {
      // Some flushes, some compactions, and some thousand turns of the loop.
      operationsMin: 1_000_000,
      peers: ['classic-level', 'bar'],
      bars: { 'classic-level': 0, bar: 1 },
    },
  ),
  workload(
    'space amplification after compaction',
    { kind: 'amplification' },
    { peers: ['bar'], bars: { bar: 1 } },
  ),
];

/** What `bar` stands for. */
export const BAR_FIGURES: Readonly<Record<string, number>> = {
  'event loop held at p99.9, flush and compaction': 5,
  'space amplification after compaction': 1.3,
};
