import { type Buggify, neverBuggify, type Random, randomFraction } from '@holdfast/io';
import type { TreeOptions } from '@holdfast/lsm';
import type { WatchLimits } from '../watch/watch-service.ts';
import type { StoreBuggifyPoint } from './buggify.ts';
import type { StoreCanary } from './canary.ts';

/** Milliseconds of one tick: the only unit in which elections and heartbeats count time. */
export const TICK_MS = 50;

export interface NodeSettings {
  /** Ticks without a sign of the leader before a follower asks for an election. */
  readonly electionTicks: number;
  /** Ticks between heartbeats. */
  readonly heartbeatTicks: number;
  /** Ticks without work after which the leader of a range sends it to sleep: no heartbeats until something happens. More than `electionTicks`. */
  readonly quiesceTicks: number;
  /** Bytes of requests in work; more are turned away with `HF_OVERLOADED`. */
  readonly inFlightBytesMax: number;
  /** Old versions of a key stay readable for this long, in milliseconds. */
  readonly retentionMs: number;
  /** Entry bytes kept for followers that lag, per range. */
  readonly logKeepBytes: number;
  /** Above this a lagging member no longer holds back compaction: it will get a snapshot. Per range. */
  readonly logBytesMax: number;
  /** Above this on disk, the ranges whose entries keep the log's oldest segment give them up. Bytes, per node. */
  readonly logDiskBytesKeep: number;
  /** Above this they do so although a member lags. Bytes, per node. */
  readonly logDiskBytesMax: number;
  /**
   * Which voters ask first when a cluster starts. `together`: one node for all ranges, so that their batches,
   * syncs and frames are shared; best while one node can carry the load, and always on one machine. `spread`:
   * in turn, so that several machines share the work of leading.
   */
  readonly leaders: 'together' | 'spread';
  /** Size of the tree's memtables. Default: that of {@link treeOptions}. */
  readonly memtableBytes?: number;
  /** Size of a segment of the node log. Default: the log's. */
  readonly segmentBytes?: number;
  /** Where the ranges of the default keyspace begin, at the first start of a cluster. */
  readonly splits?: readonly string[];
  /** Bounds of what watches may cost. Default: DEFAULT_WATCH_LIMITS. */
  readonly watch?: Partial<WatchLimits>;
  /** What happens before its time, for simulators only. */
  readonly buggify: Buggify<StoreBuggifyPoint>;
  /** A planted bug, for simulators only. */
  readonly canary?: StoreCanary;
}

export const DEFAULT_SETTINGS: NodeSettings = {
  electionTicks: 20,
  heartbeatTicks: 2,
  quiesceTicks: 40,
  inFlightBytesMax: 64 * 1024 * 1024,
  retentionMs: 10 * 60 * 1000,
  logKeepBytes: 4 * 1024 * 1024,
  logBytesMax: 64 * 1024 * 1024,
  logDiskBytesKeep: 64 * 1024 * 1024,
  logDiskBytesMax: 512 * 1024 * 1024,
  leaders: 'together',
  buggify: neverBuggify,
};

/** Memtables are smaller than {@link MEMTABLE_BYTES_MAX} by up to this share. */
const MEMTABLE_JITTER = 0.3;
const MEMTABLE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What a node's tree has instead of the engine's defaults. Log and tables share a disk, and clients wait for the log:
 * larger memtables and wider merges make a byte be rewritten less often, and a merge takes its time while it can.
 *
 * All replicas of a range hold the same writes. With memtables of one size they would all flush at the same moment,
 * and no majority would be left that is not busy with it.
 */
export function treeOptions(random: Random): TreeOptions {
  return {
    memtableBytes: Math.round(MEMTABLE_BYTES_MAX * (1 - MEMTABLE_JITTER * randomFraction(random))),
    level0CompactionTables: 6,
    compactionBytesPerSecond: 64 * 1024 * 1024,
  };
}
