import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { TreeHistory } from '../../testing/tree-history.ts';
import type { TreeOptions } from './options.ts';

const tiny: TreeOptions = {
  memtableBytes: 8_192,
  blockBytes: 256,
  restartInterval: 4,
  tableBytes: 2_048,
  levelBaseBytes: 8_192,
  levelRatio: 3,
  blockCacheBytes: 32_768,
  openTablesMax: 8,
};

/** The same operations must give the same answers under all of these. */
const optionSets: Readonly<Record<string, { tree: TreeOptions; wal?: boolean; map?: 'none' }>> = {
  mapped: { tree: tiny },
  'cached reads': { tree: tiny, map: 'none' },
  'synchronous reads': { tree: { ...tiny, syncReads: true }, map: 'none' },
  'no filter, one entry a restart': { tree: { ...tiny, bloomBitsPerKey: 0, restartInterval: 1 } },
  'large blocks': { tree: { ...tiny, blockBytes: 8_192, tableBytes: 32_768 }, map: 'none' },
  'no automatic compaction': { tree: { ...tiny, manualCompaction: true, level0StallTables: 100_000 } },
  'everything in memory': { tree: { memtableBytes: 16 * 2 ** 20 } },
  WAL: { tree: { ...tiny, walSegmentBytes: 65_536 }, wal: true },
};

describe('a tree against a sorted map', () => {
  for (const [name, { tree, wal, map }] of Object.entries(optionSets)) {
    it(`agrees: ${name}`, { timeout: 60_000 }, async () => {
      for (const seed of [1, 2]) {
        const disk = new SimDisk({ seed, ...(map === undefined ? {} : { map }) });
        const options = { seed, steps: 400, disk, tree, ...(wal === undefined ? {} : { wal }) };
        const report = await new TreeHistory(options).run();
        expect(report.writes).toBeGreaterThan(1_500);
        expect(report.reopenings).toBeGreaterThan(0);
        expect(disk.openFiles).toBe(0);
      }
    });
  }
});
