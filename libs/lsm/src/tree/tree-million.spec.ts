import { SimDisk } from '@holdfast/sim';
import { afterAll, describe, expect, it } from 'vitest';
import { type HistoryReport, TreeHistory } from '../../testing/tree-history.ts';
import type { TreeOptions } from './options.ts';

/** Large enough that a history is not mostly flushes, small enough that all levels have tables. */
const medium: TreeOptions = {
  memtableBytes: 32_768,
  blockBytes: 512,
  restartInterval: 4,
  tableBytes: 8_192,
  levelBaseBytes: 32_768,
  levelRatio: 3,
  blockCacheBytes: 32_768,
  openTablesMax: 16,
  walSegmentBytes: 262_144,
};

interface Run {
  readonly seed: number;
  readonly keys: number;
  readonly tree?: TreeOptions;
  readonly map?: 'none';
  readonly wal?: true;
}

const runs: readonly Run[] = [
  { seed: 1, keys: 600 },
  { seed: 2, keys: 1_000, map: 'none' },
  { seed: 3, keys: 600, wal: true },
  { seed: 4, keys: 2_000, tree: { blockBytes: 4_096, tableBytes: 65_536 } },
  { seed: 5, keys: 1_000, map: 'none', tree: { syncReads: true, bloomBitsPerKey: 0, restartInterval: 1 } },
  { seed: 6, keys: 300, wal: true, map: 'none', tree: { memtableBytes: 65_536, level0CompactionTables: 2 } },
];
const STEPS = 6_000;

/** The same operations on a tree and on a sorted map: a million of them, in histories that each repeat by seed. */
describe('a million operations', () => {
  const total: HistoryReport = {
    writes: 0,
    reads: 0,
    scanned: 0,
    flushes: 0,
    compactions: 0,
    reopenings: 0,
    snapshots: 0,
    transfers: 0,
  };

  for (const { seed, keys, tree, map, wal } of runs) {
    it(`agree with a sorted map, seed ${seed}`, { timeout: 120_000 }, async () => {
      const disk = new SimDisk({ seed, ...(map === undefined ? {} : { map }) });
      const options = { seed, steps: STEPS, disk, keys, tree: { ...medium, ...tree } };
      const report = await new TreeHistory(wal === undefined ? options : { ...options, wal }).run();
      for (const name of Object.keys(total) as (keyof HistoryReport)[]) total[name] += report[name];
      expect(disk.openFiles).toBe(0);
    });
  }

  afterAll(() => {
    // Puts and deletes, point reads, and steps of iterators; the rest has to have happened between them.
    expect(total.writes + total.reads + total.scanned).toBeGreaterThan(1_000_000);
    expect(total.writes).toBeGreaterThan(300_000);
    expect(total.reads).toBeGreaterThan(50_000);
    for (const rare of ['flushes', 'compactions', 'reopenings', 'snapshots', 'transfers'] as const)
      expect(total[rare], rare).toBeGreaterThan(100);
  });
});
