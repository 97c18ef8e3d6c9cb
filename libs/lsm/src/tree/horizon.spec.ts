import { utf8 } from '@holdfast/io';
import { exploreCrashes, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { WriteBatch } from '../memtable/write-batch.ts';
import { Tree } from './tree.ts';

const KEY = utf8('k');
const open = (disk: SimDisk, directory = '/t'): Promise<Tree> =>
  Tree.open({ disk, directory, options: { manualCompaction: true } });

/** A tree with the versions 1, 5 and 9 of one key, in memory. */
async function treeOn(disk: SimDisk): Promise<Tree> {
  const tree = await open(disk);
  const batch = new WriteBatch();
  for (const revision of [1, 5, 9]) batch.put(KEY, revision, utf8(`v${revision}`));
  tree.apply(batch);
  return tree;
}

describe('the horizon of a tree', () => {
  it('is known after a restart when a flush has dropped versions by it', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await treeOn(disk);
    tree.setHorizon(6);
    await tree.flush();
    await tree.close();
    const again = await open(disk);
    // The hole that a reader below the horizon would see.
    expect(await again.get(KEY, 3)).toBeUndefined();
    expect(await again.get(KEY, 6)).toMatchObject({ revision: 5 });
    expect(again.horizon).toBe(6);
    again.setHorizon(2);
    expect(again.horizon).toBe(6);
    await again.close();
  });

  it('is known after a restart when a compaction has dropped versions by it', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await treeOn(disk);
    await tree.flush();
    tree.setHorizon(7);
    await tree.compactRange();
    await tree.close();
    const again = await open(disk);
    expect(await again.get(KEY, 3)).toBeUndefined();
    expect(again.horizon).toBe(7);
    await again.close();
  });

  it('is known after a restart when a range deletion has come into force by it', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await treeOn(disk);
    await tree.flush();
    await tree.deleteRange(KEY, undefined, 12);
    await tree.flush();
    tree.setHorizon(12);
    await tree.compactionIdle();
    await tree.close();
    // From here on compactions leave out what it covers, although this life allows nothing to go.
    const again = await open(disk);
    await again.compactRange();
    expect(await again.get(KEY, 9)).toBeUndefined();
    expect(again.horizon).toBe(12);
    await again.close();
  });

  it('is forgotten with the life in which nothing was dropped by it', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await treeOn(disk);
    await tree.flush();
    tree.setHorizon(7);
    await tree.close();
    const again = await open(disk);
    expect(again.horizon).toBe(0);
    expect(await again.get(KEY, 3)).toMatchObject({ revision: 1 });
    // Nothing goes by what an earlier life had allowed.
    await again.compactRange();
    expect(await again.get(KEY, 3)).toMatchObject({ revision: 1 });
    await again.close();
  });

  it('goes along with exports and checkpoints', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await treeOn(disk);
    tree.setHorizon(6);
    await tree.flush();
    const { tables, horizon } = await tree.exportRange('/copy');
    expect(horizon).toBe(6);
    await tree.checkpoint('/twin');
    await tree.close();
    const other = await open(disk, '/other');
    await other.ingest(
      tables.map(({ path }) => path),
      { horizon, replace: [{ start: undefined, end: undefined }] },
    );
    expect(other.horizon).toBe(6);
    await other.close();
    for (const directory of ['/other', '/twin']) {
      const again = await open(disk, directory);
      expect(again.horizon).toBe(6);
      await again.close();
    }
  });

  it('is there whenever versions are not, wherever the power fails', async () => {
    let holes = 0;
    const points = await exploreCrashes({
      seed: 3,
      script: async (disk) => {
        const tree = await treeOn(disk);
        await tree.flush();
        tree.setHorizon(7);
        await tree.compactRange();
        await tree.close();
      },
      verify: async (disk) => {
        const tree = await open(disk);
        const isEmpty = (await tree.get(KEY)) === undefined;
        if (!isEmpty && (await tree.get(KEY, 3)) === undefined) {
          holes++;
          expect(tree.horizon).toBe(7);
        }
        await tree.close();
      },
    });
    expect(points).toBeGreaterThan(10);
    expect(holes).toBeGreaterThan(0);
  });
});
