import type { CacheStats } from '../cache/block-cache.ts';
import type { CompactionTotals } from '../compaction/compaction-driver.ts';
import type { PointReadStats } from '../read/point-read.ts';
import type { Version } from '../version/version.ts';

export interface LevelStats {
  readonly tables: number;
  readonly bytes: number;
  readonly entries: number;
  readonly tombstones: number;
}

/** Figures of a tree, counted since it was opened. */
export interface TreeStats {
  readonly levels: readonly LevelStats[];
  /** Bytes of records and index in memtables, of which so many are full and wait. */
  readonly memtableBytes: number;
  readonly memtablesWaiting: number;
  /** Bytes of indexes and filters of open tables that are not mapped. */
  readonly tableMemoryBytes: number;
  readonly tablesOpen: number;
  readonly blockCache: CacheStats;
  readonly reads: Readonly<PointReadStats>;
  readonly compaction: Readonly<CompactionTotals>;
  readonly flushedBytes: number;
  readonly rangeTombstones: number;
  /** Bytes written to tables for each byte flushed: 1 when nothing was compacted. */
  readonly writeAmplification: number;
  /** Bytes of all tables over those of the deepest level that has any: about what obsolete data cost. */
  readonly spaceAmplification: number;
}

export function levelStats(version: Version): readonly LevelStats[] {
  return version.levels.map((level) => {
    const stats = { tables: level.length, bytes: 0, entries: 0, tombstones: 0 };
    for (const { meta } of level) {
      stats.bytes += meta.fileBytes;
      stats.entries += meta.entries;
      stats.tombstones += meta.tombstones;
    }
    return stats;
  });
}

export function spaceAmplification(levels: readonly LevelStats[]): number {
  const total = levels.reduce((sum, { bytes }) => sum + bytes, 0);
  const deepest = levels.findLast(({ bytes }) => bytes > 0)?.bytes ?? 0;
  return deepest === 0 ? 1 : total / deepest;
}
