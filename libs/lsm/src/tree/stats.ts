import type { CacheStats } from '../cache/block-cache.ts';
import type { CompactionTotals } from '../compaction/compaction-driver.ts';
import type { View } from '../read/view.ts';
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
  /** All of the above: what the tree itself holds. Threads that compact have buffers of their own. */
  readonly memoryBytes: number;
  readonly reads: Readonly<PointReadStats>;
  readonly compaction: Readonly<CompactionTotals>;
  readonly flushedBytes: number;
  readonly rangeTombstones: number;
  /** Parts of the key space that cannot be read, see `Tree.quarantine`. */
  readonly damagedSpans: number;
  /** Bytes written to tables for each byte flushed: 1 when nothing was compacted. */
  readonly writeAmplification: number;
  /** Bytes of all tables over those of the deepest level that has any: about what obsolete data cost. */
  readonly spaceAmplification: number;
}

/** Where the figures come from. */
export interface StatsSources {
  readonly version: Version;
  readonly memtables: { readonly bytes: number; readonly fullCount: number; readonly view: View };
  readonly tables: { readonly bytes: number; readonly openCount: number };
  readonly blockCache: CacheStats;
  readonly reads: Readonly<PointReadStats>;
  readonly compaction: Readonly<CompactionTotals>;
  readonly flushedBytes: number;
}

export function treeStats(sources: StatsSources): TreeStats {
  const { version, memtables, tables, compaction, flushedBytes } = sources;
  const levels = levelStats(version);
  return {
    levels,
    memtableBytes: memtables.bytes,
    memtablesWaiting: memtables.fullCount,
    tableMemoryBytes: tables.bytes,
    tablesOpen: tables.openCount,
    blockCache: sources.blockCache,
    memoryBytes: memtables.bytes + tables.bytes + sources.blockCache.bytes,
    reads: { ...sources.reads },
    compaction: { ...compaction },
    flushedBytes,
    rangeTombstones: memtables.view.rangeTombstones.length,
    damagedSpans: version.damagedSpans.length,
    writeAmplification: flushedBytes === 0 ? 1 : (flushedBytes + compaction.bytesWritten) / flushedBytes,
    spaceAmplification: spaceAmplification(levels),
  };
}

function levelStats(version: Version): readonly LevelStats[] {
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
