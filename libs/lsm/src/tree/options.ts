import { assert, type Buggify, neverBuggify } from '@holdfast/io';
import type { LsmBuggifyPoint } from '../buggify.ts';
import type { BlockCodec, Compression } from '../table/codec.ts';
import { LEVEL_COUNT } from '../limits.ts';

/** A planted bug, for tests of the tests: the simulator must find each of them. */
export type Canary = 'forget-sync' | 'directory-not-synced' | 'truncate-on-middle-damage';

export interface TreeOptions {
  /** Bytes of records in a memtable before it is flushed. Default 32 MiB. */
  readonly memtableBytes?: number;
  /** Full memtables that may wait for their flush before writes stall. Default 2. */
  readonly memtableQueueMax?: number;
  /** Bytes of blocks kept in memory (mapped tables do not use it). Default 64 MiB. */
  readonly blockCacheBytes?: number;
  /** Tables kept open: one file each, and its index and filter in memory. Default 1000. */
  readonly openTablesMax?: number;
  /** Bytes of indexes and filters of open tables in memory; the least recently used table is closed above. Default 1 GiB. */
  readonly tableMemoryBytes?: number;
  /** Bytes of a data block before compression. Default 4 KiB. */
  readonly blockBytes?: number;
  /** Entries between restart points. Default 4. */
  readonly restartInterval?: number;
  /** Bloom filter bits for each key; 0 for none. Default 10: about 1 % false positives. */
  readonly bloomBitsPerKey?: number;
  /** Compression of each level, the last one for all deeper levels too. Default none. */
  readonly compression?: readonly Compression[];
  /** What the world can compress with; must have all of `compression`, and all that existing tables use. */
  readonly codecs?: readonly BlockCodec[];
  /** Bytes of a table that compaction writes. Default 8 MiB. */
  readonly tableBytes?: number;
  /** Tables in level 0 that start a compaction. Default 4. */
  readonly level0CompactionTables?: number;
  /** Tables in level 0 at which writes stall. Default 20. */
  readonly level0StallTables?: number;
  /** Bytes of level 1 when it is the base level. Default 64 MiB. */
  readonly levelBaseBytes?: number;
  /** Each level is this much larger than the one above. Default 10. */
  readonly levelRatio?: number;
  /**
   * Bytes a second that a compaction may write; 0 for no limit. Lifted while level 0 holds more than half of the
   * tables at which writes stall. Needs `clock`. Default 0.
   */
  readonly compactionBytesPerSecond?: number;
  /** Bytes read at once in a scan of blocks that are not in memory. Default 128 KiB. */
  readonly readAheadBytes?: number;
  /** Map tables into memory where the world can, for reads (merges read ahead instead). Default true. */
  readonly mmap?: boolean;
  /** Read missing blocks on the calling thread: reads then never return a promise. Default false. */
  readonly syncReads?: boolean;
  /** Makes the blocks of different trees tell apart: 0 .. 2^21-1. Used when the tree is made. Default 0. */
  readonly treeId?: number;
  /** No compaction unless asked for. Default false. */
  readonly manualCompaction?: boolean;
  /** Bytes of a WAL segment. Default 16 MiB. */
  readonly walSegmentBytes?: number;
  /**
   * Bytes of a file that is given up when the disk is full, so that flushes and compaction can finish. Made
   * in the background; 0 for none. Default 0.
   */
  readonly reserveBytes?: number;
  /** What happens before its time, for simulators only. */
  readonly buggify?: Buggify<LsmBuggifyPoint>;
  readonly canary?: Canary;
}

export type ResolvedOptions = Required<Omit<TreeOptions, 'canary'>> & Pick<TreeOptions, 'canary'>;

const MIB = 2 ** 20;

/** Fills in the defaults. Assertion failure on values that make no sense. */
export function resolveOptions(options: TreeOptions = {}): ResolvedOptions {
  const resolved: ResolvedOptions = {
    memtableBytes: 32 * MIB,
    memtableQueueMax: 2,
    blockCacheBytes: 64 * MIB,
    openTablesMax: 1_000,
    tableMemoryBytes: 1024 * MIB,
    blockBytes: 4_096,
    restartInterval: 4,
    bloomBitsPerKey: 10,
    compression: ['none'],
    codecs: [],
    tableBytes: 8 * MIB,
    level0CompactionTables: 4,
    level0StallTables: 20,
    levelBaseBytes: 64 * MIB,
    levelRatio: 10,
    compactionBytesPerSecond: 0,
    readAheadBytes: 128 * 1024,
    mmap: true,
    syncReads: false,
    treeId: 0,
    manualCompaction: false,
    walSegmentBytes: 16 * MIB,
    reserveBytes: 0,
    buggify: neverBuggify,
    ...options,
  };
  assert(
    resolved.memtableBytes >= 4_096 && resolved.memtableBytes <= 2 ** 31,
    'memtableBytes is 4 KiB .. 2 GiB',
  );
  assert(resolved.blockBytes >= 64 && resolved.blockBytes <= MIB, 'blockBytes is 64 B .. 1 MiB');
  assert(resolved.restartInterval >= 1 && resolved.restartInterval <= 1_024, 'restartInterval is 1 .. 1024');
  assert(resolved.bloomBitsPerKey >= 0 && resolved.bloomBitsPerKey <= 32, 'bloomBitsPerKey is 0 .. 32');
  assert(resolved.tableBytes >= 1_024 && resolved.tableBytes <= 2 ** 30, 'tableBytes is 1 KiB .. 1 GiB');
  assert(resolved.levelRatio >= 2, 'levelRatio is at least 2');
  assert(resolved.level0CompactionTables >= 1, 'level 0 is compacted from one table on');
  assert(
    resolved.level0StallTables > resolved.level0CompactionTables,
    'writes stall after compaction has begun',
  );
  assert(resolved.treeId >= 0 && resolved.treeId < 2 ** 21, 'treeId has 21 bits');
  for (const name of resolved.compression) {
    const isKnown = name === 'none' || resolved.codecs.some((codec) => codec.name === name);
    assert(isKnown, `compression ${name} has a codec`);
  }
  return resolved;
}

export function codecOfLevel(options: ResolvedOptions, level: number): BlockCodec | undefined {
  assert(level < LEVEL_COUNT, 'a level exists');
  const { compression, codecs } = options;
  const name = compression[Math.min(level, compression.length - 1)] ?? 'none';
  return codecs.find((codec) => codec.name === name);
}
