import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type DiskTimer, SimDisk, ssdDelayMs } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { TreeHistory } from '../../testing/tree-history.ts';
import type { BlockCodec } from '../table/codec.ts';
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

/** Any codec will do: what is asked is whether blocks come back, mixed levels included. */
const codec: BlockCodec = {
  name: 'zstd',
  compress: (input, bytesMax) => {
    const packed = deflateRawSync(input);
    return packed.length < bytesMax ? packed : undefined;
  },
  decompress: (input, output) => {
    const bytes = inflateRawSync(input);
    output.set(bytes);
    return bytes.length === output.length;
  },
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
  'compression by level': { tree: { ...tiny, codecs: [codec], compression: ['none', 'none', 'zstd'] } },
  'compression, cached reads': { tree: { ...tiny, codecs: [codec], compression: ['zstd'] }, map: 'none' },
  'few open tables, small memory': {
    tree: { ...tiny, openTablesMax: 2, tableMemoryBytes: 1_024 },
    map: 'none',
  },
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

  for (const map of ['copy', 'none'] as const) {
    it(`agrees while everything takes time and overtakes, map ${map}`, { timeout: 60_000 }, async () => {
      for (const seed of [3, 4, 5]) {
        const disk = new SimDisk({ seed, map, timer: virtualTimer(), delayMs: ssdDelayMs });
        const tree = { ...tiny, level0CompactionTables: 2 };
        const report = await new TreeHistory({ seed, steps: 300, disk, tree, concurrent: true }).run();
        expect(report.compactions).toBeGreaterThan(5);
        expect(disk.openFiles).toBe(0);
      }
    });
  }
});

/** Virtual time: whenever the loop is idle, the task that is due first runs. */
function virtualTimer(): DiskTimer {
  const tasks: { readonly at: number; readonly task: () => void }[] = [];
  let now = 0;
  const turn = (): void => {
    tasks.sort((a, b) => a.at - b.at);
    const next = tasks.shift()!;
    now = next.at;
    next.task();
    if (tasks.length > 0) setImmediate(turn);
  };
  return {
    schedule: (delayMs, task) => {
      tasks.push({ at: now + delayMs, task });
      if (tasks.length === 1) setImmediate(turn);
    },
  };
}
