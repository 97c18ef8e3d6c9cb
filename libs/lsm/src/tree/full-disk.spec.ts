import { DiskError, Prng, randomChance, randomInteger, utf8 } from '@holdfast/io';
import { noDiskFaults, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../testing/tree-model.ts';
import { REVISION_MAX } from '../limits.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import { RESERVE_NAME } from './disk-reserve.ts';
import type { TreeOptions } from './options.ts';
import { Tree } from './tree.ts';

const tiny: TreeOptions = {
  memtableBytes: 8_192,
  blockBytes: 256,
  tableBytes: 2_048,
  levelBaseBytes: 8_192,
  levelRatio: 3,
  level0CompactionTables: 2,
  walSegmentBytes: 8_192,
};
const KEYS = 60;
const BATCHES = 60;

function isFull(error: unknown): boolean {
  return error instanceof DiskError && error.code === 'ENOSPC';
}

async function contentOf(tree: Tree): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  for await (const { key, value } of tree.scan()) rows.set(nameOf(key), nameOf(value));
  return rows;
}

/**
 * Writes random batches while the disk is full from mutation `fullAt` on, for `length` mutations. Every write
 * is acknowledged or refused with `ENOSPC`; after each the tree holds exactly what was acknowledged.
 */
async function surviveFullDisk(
  seed: number,
  fullAt: number,
  length: number,
  sync: boolean,
): Promise<{ readonly refused: number; readonly mutations: number }> {
  const faults = noDiskFaults();
  let wasFull = false;
  let isOver = false;
  const disk: SimDisk = new SimDisk({
    seed,
    faults,
    onOperation: () => {
      const mutations = disk.mutations;
      const isFullNow = !isOver && mutations >= fullAt && mutations < fullAt + length;
      if (isFullNow === wasFull) return;
      wasFull = isFullNow;
      faults.capacityBytes = isFullNow ? disk.usedBytes : Number.MAX_SAFE_INTEGER;
    },
  });
  const random = new Prng(seed);
  const model = new Map<string, string>();
  let refused = 0;
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (!isFull(error)) throw error;
      refused++;
      return false;
    }
  };
  let tree: Tree | undefined;
  const open = async (): Promise<Tree> => {
    // A full disk may keep a tree closed; it must open when there is room.
    for (let i = 0; ; i++) {
      try {
        return await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
      } catch (error) {
        if (!isFull(error) || i > 2 * length) throw error;
        refused++;
      }
    }
  };
  tree = await open();
  tree.setHorizon(REVISION_MAX);
  const batch = new WriteBatch();
  for (let index = 1; index <= BATCHES; index++) {
    batch.clear();
    const changes = new Map<string, string | undefined>();
    for (let i = 0; i < 8; i++) {
      const key = `key${randomInteger(random, 0, KEYS - 1)}`;
      const value = randomChance(random, 0.2) ? undefined : `${index}.${i}${'#'.repeat(i * 9)}`;
      changes.set(key, value);
      if (value === undefined) batch.delete(utf8(key), index * 10 + i);
      else batch.put(utf8(key), index * 10 + i, utf8(value));
    }
    if (await attempt(() => tree!.write(batch, { sync }))) {
      for (const [key, value] of changes) {
        if (value === undefined) model.delete(key);
        else model.set(key, value);
      }
    }
    if (index % 10 === 0) expect(await contentOf(tree)).toEqual(sorted(model));
    if (index === 20) await attempt(() => tree!.flush());
    if (index === 30) await attempt(() => tree!.compactRange());
    if (index === 40) {
      await tree.close();
      tree = await open();
      tree.setHorizon(REVISION_MAX);
    }
  }
  isOver = true;
  faults.capacityBytes = Number.MAX_SAFE_INTEGER;
  await attempt(() => tree!.flush());
  await tree.flush();
  await tree.compactRange();
  expect(await contentOf(tree)).toEqual(sorted(model));
  // What failed halfway has left nothing behind: the room is what was missing.
  await new Promise((resolve) => setImmediate(resolve));
  const files = disk.files().filter(({ path }) => path.endsWith('.sst'));
  expect(files).toHaveLength(tree.stats().levels.reduce((sum, level) => sum + level.tables, 0));
  await tree.close();
  tree = await open();
  expect(await contentOf(tree)).toEqual(sorted(model));
  await tree.close();
  expect(disk.openFiles).toBe(0);
  return { refused, mutations: disk.mutations };
}

function sorted(model: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('a disk that is full', () => {
  for (const sync of [true, false]) {
    it(
      `from any operation on refuses writes whole and loses nothing, sync ${sync}`,
      { timeout: 60_000 },
      async () => {
        let refusals = 0;
        let points = 0;
        for (let fullAt = 0; ; fullAt++) {
          const { refused, mutations } = await surviveFullDisk(7, fullAt, fullAt % 2 === 0 ? 3 : 60, sync);
          refusals += refused;
          points++;
          if (mutations < fullAt) break;
        }
        expect(points).toBeGreaterThan(100);
        expect(refusals).toBeGreaterThan(100);
      },
    );
  }

  it('is given the reserve, so that what was deleted frees its space', async () => {
    const faults = noDiskFaults();
    const disk = new SimDisk({ seed: 1, faults });
    const options = { ...tiny, memtableBytes: 32_768, reserveBytes: 262_144, manualCompaction: true };
    const tree = await Tree.open({ disk, directory: '/t', options });
    const batch = new WriteBatch();
    for (let i = 0; i < 1_000; i++) batch.put(utf8(`key${i}`), i + 1, utf8('x'.repeat(60)));
    for (let round = 0; round < 2; round++) {
      const stall = tree.writable();
      if (stall !== undefined) await stall;
      tree.apply(batch);
      await tree.flush();
    }
    const hasReserve = (): boolean => disk.files('/t').some(({ path }) => path.endsWith(RESERVE_NAME));
    expect(hasReserve()).toBe(true);
    faults.capacityBytes = disk.usedBytes;
    tree.setHorizon(REVISION_MAX);
    await tree.deleteRange(undefined, undefined, 5_000);
    batch.clear();
    for (let i = 0; i < 200; i++) batch.put(utf8(`new${i}`), 6_000 + i, utf8('y'));
    tree.apply(batch);
    const before = disk.usedBytes;
    await tree.compactRange();
    await tree.compactionIdle();
    expect(disk.usedBytes).toBeLessThan(before);
    expect((await contentOf(tree)).size).toBe(200);
    tree.apply(batch);
    await tree.flush();
    await tree.close();
    expect(hasReserve()).toBe(true);
  });
});
