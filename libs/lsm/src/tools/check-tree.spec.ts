import { Prng, pureKernels, randomInteger, readWholeFile, replaceFile, utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { WriteBatch } from '../memtable/write-batch.ts';
import { Tree } from '../tree/tree.ts';
import { decodeManifest, encodeManifest, MANIFEST_NAME } from '../version/manifest.ts';
import { checkTree, type TreeReport } from './check-tree.ts';
import { directoryStats } from './directory-stats.ts';

const options = {
  memtableBytes: 8_192,
  blockBytes: 256,
  tableBytes: 4_096,
  levelBaseBytes: 16_384,
  walSegmentBytes: 8_192,
};

/** A tree with tables in several places, and batches that are in the log only. */
async function treeOn(disk: SimDisk): Promise<void> {
  const tree = await Tree.open({ disk, directory: '/t', wal: true, options });
  const batch = new WriteBatch();
  for (let i = 0; i < 1_000; i++) {
    batch.clear();
    batch.put(utf8(`key${(i * 7_919) % 1_000}`), i, utf8('x'.repeat(i % 40)));
    await tree.write(batch, { sync: i % 50 === 49 });
    if (i === 900) await tree.compactRange();
  }
  await tree.close();
}

const check = (disk: SimDisk): Promise<TreeReport> => checkTree({ disk }, '/t');

describe('checkTree', () => {
  it('finds nothing wrong with a tree that was closed or killed, and changes nothing', async () => {
    const disk = new SimDisk({ seed: 1 });
    await treeOn(disk);
    const before = disk.mutations;
    const report = await check(disk);
    expect(report).toMatchObject({ faults: [], orphans: [] });
    expect(report.tables).toBeGreaterThan(1);
    expect(report.walBatches).toBeGreaterThanOrEqual(50);
    expect(disk.mutations).toBe(before);
    expect(disk.openFiles).toBe(0);
  });

  it('takes the torn end of a log for what it is', async () => {
    let torn = 0;
    for (let crashAfter = 20; crashAfter < 200; crashAfter += 3) {
      const disk = new SimDisk({ seed: crashAfter, crashAfter });
      await treeOn(disk).catch(() => undefined);
      const report = await check(disk.crash({ seed: crashAfter }));
      // Before the first manifest there is no tree, and that is what is said.
      expect(report.faults.filter(({ detail }) => !detail.startsWith('no manifest'))).toEqual([]);
      if (report.walIsTorn) torn++;
    }
    expect(torn).toBeGreaterThan(0);
  });

  it('finds every flipped bit of every table and of the manifest', async () => {
    const disk = new SimDisk({ seed: 2 });
    await treeOn(disk);
    const random = new Prng(3);
    for (const { path, inode } of disk.files()) {
      if (!path.endsWith('.sst') && !path.endsWith(MANIFEST_NAME)) continue;
      for (let i = 0; i < 60; i++) {
        const offset = randomInteger(random, 0, inode.size - 1);
        const bit = randomInteger(random, 0, 7);
        inode.flipBit(offset, bit);
        const { faults } = await check(disk);
        expect(
          faults.map((fault) => fault.path),
          `${path} byte ${offset} bit ${bit}`,
        ).toContain(path);
        inode.flipBit(offset, bit);
      }
    }
    expect((await check(disk)).faults).toEqual([]);
  });

  it('finds damage in the middle of the log', async () => {
    const disk = new SimDisk({ seed: 4 });
    await treeOn(disk);
    const [first] = [...disk.files()]
      .filter(({ path }) => /wal\/\d+/.test(path))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    expect(first).toBeDefined();
    first?.inode.flipBit(100, 3);
    expect((await check(disk)).faults).toHaveLength(1);
  });

  it('finds tables that are missing, left over, or in each other’s way', async () => {
    const disk = new SimDisk({ seed: 5 });
    await treeOn(disk);
    const state = decodeManifest(await readWholeFile(disk, `/t/${MANIFEST_NAME}`), pureKernels);
    if (typeof state === 'string') throw new Error(state);
    const { levels } = state;
    const level = levels.findIndex((tables, i) => i > 0 && tables.length > 1);
    const [a, b] = levels[level] ?? [];
    if (a === undefined || b === undefined) throw new Error('a level with two tables');
    const swapped = levels.map((tables, i) => (i === level ? [b, a, ...tables.slice(2)] : tables));
    await replaceFile(
      disk,
      `/t/${MANIFEST_NAME}`,
      encodeManifest({ ...state, levels: swapped }, pureKernels),
    );
    expect((await check(disk)).faults.map(({ detail }) => detail)).toContainEqual(
      expect.stringContaining('overlaps'),
    );
    const without = levels.map((tables) => tables.filter((table) => table !== a));
    await replaceFile(
      disk,
      `/t/${MANIFEST_NAME}`,
      encodeManifest({ ...state, levels: without }, pureKernels),
    );
    expect((await check(disk)).orphans).toHaveLength(1);
    await replaceFile(disk, `/t/${MANIFEST_NAME}`, encodeManifest(state, pureKernels));
    await disk.remove(`/t/${String(a.number).padStart(6, '0')}.sst`);
    expect((await check(disk)).faults).toMatchObject([
      { detail: expect.stringContaining('missing') as string },
    ]);
  });
});

describe('directoryStats', () => {
  it('adds up what the manifest says', async () => {
    const disk = new SimDisk({ seed: 6 });
    await treeOn(disk);
    const stats = await directoryStats({ disk }, '/t');
    const entries = stats.levels.reduce((sum, level) => sum + level.entries, 0);
    const report = await check(disk);
    expect(entries).toBe(report.entries);
    expect(stats.levels.reduce((sum, level) => sum + level.bytes, 0)).toBe(report.bytes);
    expect(stats).toMatchObject({ marks: 0, rangeTombstones: 0, walSegments: report.walSegments });
    await expect(directoryStats({ disk }, '/')).rejects.toMatchObject({ code: 'ECORRUPT' });
  });
});
