import { utf8 } from '@holdfast/io';
import { noDiskFaults, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { CorruptionError } from '../errors.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import { Tree } from './tree.ts';

const options = { memtableBytes: 16_384, walSegmentBytes: 65_536, manualCompaction: true };

function open(disk: SimDisk): Promise<Tree> {
  return Tree.open({ disk, directory: '/t', options, wal: true });
}

async function put(tree: Tree, revision: number): Promise<void> {
  const batch = new WriteBatch();
  batch.put(utf8(`key${revision}`), revision, utf8('x'.repeat(100)));
  await tree.write(batch, { sync: true });
}

async function count(tree: Tree): Promise<number> {
  let entries = 0;
  for await (const { revision } of tree.scan()) if (revision > 0) entries++;
  return entries;
}

/** Bytes of an empty memtable: what a tree has in memory when nothing was replayed. */
async function emptyBytes(): Promise<number> {
  const tree = await open(new SimDisk({ seed: 9 }));
  const { memtableBytes } = tree.stats();
  await tree.close();
  return memtableBytes;
}

describe('the write-ahead log of a tree', () => {
  it('has nothing to replay after a clean close, whatever is in its segments', async () => {
    const disk = new SimDisk({ seed: 1 });
    let tree = await open(disk);
    for (let revision = 1; revision <= 30; revision++) await put(tree, revision);
    await tree.close();
    tree = await open(disk);
    expect(tree.stats().memtableBytes).toBe(await emptyBytes());
    expect(await count(tree)).toBe(30);
    await put(tree, 31);
    await tree.close();
    tree = await open(disk);
    expect(await count(tree)).toBe(31);
    await tree.close();
  });

  it('has nothing to replay either when a flush met writes that were on their way to the log', async () => {
    const disk = new SimDisk({ seed: 1 });
    let tree = await open(disk);
    const batch = new WriteBatch();
    for (let revision = 1; revision <= 30; revision++) {
      batch.clear();
      batch.put(utf8(`key${revision}`), revision, utf8('value'));
      await tree.write(batch, { sync: false });
    }
    await tree.flush();
    await tree.close();
    tree = await open(disk);
    expect(tree.stats().memtableBytes).toBe(await emptyBytes());
    expect(await count(tree)).toBe(30);
    await tree.close();
  });

  it('replays after a kill only what no table has', async () => {
    const disk = new SimDisk({ seed: 2 });
    const tree = await open(disk);
    for (let revision = 1; revision <= 30; revision++) await put(tree, revision);
    await tree.flush();
    for (let revision = 31; revision <= 33; revision++) await put(tree, revision);
    const bytes = tree.stats().memtableBytes;
    const after = disk.kill();
    const again = await open(after);
    expect(again.stats().memtableBytes).toBe(bytes);
    expect(await count(again)).toBe(33);
    await again.close();
  });

  it('makes unsynced writes wait for half of what is not on disk, not for all of it', async () => {
    const disk = new SimDisk({ seed: 4 });
    const large = { memtableBytes: 2 ** 25, walSegmentBytes: 2 ** 25 };
    const tree = await Tree.open({ disk, directory: '/t', options: large, wal: true });
    const batch = new WriteBatch();
    // 9 MB in one turn; the log lets 8 MiB of them be on their way.
    const answers = Array.from({ length: 90 }, (_, i) => {
      batch.clear();
      batch.put(utf8(`key${i}`), i + 1, new Uint8Array(100_000));
      return tree.write(batch, { sync: false });
    });
    expect(tree.latest(utf8('key89'))).toMatchObject({ revision: 90 });
    await answers.at(-1);
    const survivor = await Tree.open({ disk: disk.kill(), directory: '/t', options: large, wal: true });
    const onDisk = await count(survivor);
    expect(onDisk).toBeGreaterThan(45);
    expect(onDisk).toBeLessThan(90);
    await survivor.close();
  });

  it('is refused when the segment is missing in which a replay begins', async () => {
    const disk = new SimDisk({ seed: 3 });
    const tree = await open(disk);
    for (let revision = 1; revision <= 1_000; revision++) await put(tree, revision);
    await tree.close();
    const segments = disk.files('/t/wal').filter(({ path }) => /\/\d+\.log$/.test(path));
    for (const { path } of segments) await disk.remove(path);
    await expect(open(disk)).rejects.toThrow(CorruptionError);
  });

  it('may be full: a write is refused whole, reads go on, and writes go on when there is room', async () => {
    const faults = noDiskFaults();
    const disk = new SimDisk({ seed: 4, faults });
    let tree = await open(disk);
    await put(tree, 1);
    faults.capacityBytes = disk.usedBytes;
    const acknowledged = [1];
    const refused: number[] = [];
    for (let revision = 2; revision <= 2_000; revision++) {
      try {
        await put(tree, revision);
        acknowledged.push(revision);
      } catch (error) {
        expect(error).toMatchObject({ name: 'DiskError', code: 'ENOSPC' });
        refused.push(revision);
      }
    }
    // The space of the segments is there before it is needed, so many writes still succeed.
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(refused.length).toBeGreaterThan(100);
    for (const revision of refused) expect(tree.get(utf8(`key${revision}`))).toBeUndefined();
    expect(await count(tree)).toBe(acknowledged.length);
    faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    // The first write may still be refused: it is what tries the flush again.
    await put(tree, 3_000).catch(() => undefined);
    await tree.flush();
    await put(tree, 3_001);
    await tree.close();
    tree = await open(disk);
    for (const revision of refused) expect(await tree.get(utf8(`key${revision}`))).toBeUndefined();
    for (const revision of acknowledged) expect(await tree.get(utf8(`key${revision}`))).toBeDefined();
    expect(await tree.get(utf8('key3001'))).toBeDefined();
    await tree.close();
  });
});
