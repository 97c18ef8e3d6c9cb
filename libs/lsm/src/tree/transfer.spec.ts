import { utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { WriteBatch } from '../memtable/write-batch.ts';
import { Tree } from './tree.ts';

describe('replacing a range', () => {
  it('does not bring back what a range deletion hides in the rest of a table', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await Tree.open({ disk, directory: '/t', options: { manualCompaction: true } });
    const batch = new WriteBatch();
    for (const key of ['a', 'b', 'c', 'z']) batch.put(utf8(key), 1, utf8(`old ${key}`));
    tree.apply(batch);
    await tree.flush();
    await tree.deleteRange(utf8('a'), utf8('d'), 5);
    await tree.flush();
    // The deletion comes into force: from now on no new table holds what it hides.
    tree.setHorizon(10);
    await tree.compactionIdle();
    // The table sticks out on both sides, so it is written anew.
    await tree.ingest([], { replace: [{ start: utf8('b'), end: utf8('c') }] });
    tree.setHorizon(11);
    await tree.compactionIdle();
    for (const key of ['a', 'b', 'c']) expect(await tree.get(utf8(key))).toBeUndefined();
    expect(await tree.get(utf8('z'))).toMatchObject({ revision: 1 });
    await tree.close();
  });

  it('that fails leaves no files behind and changes nothing', async () => {
    const disk = new SimDisk({ seed: 2 });
    const options = { manualCompaction: true, tableBytes: 1_024, blockBytes: 128 };
    const tree = await Tree.open({ disk, directory: '/t', options });
    const batch = new WriteBatch();
    for (let i = 0; i < 200; i++) batch.put(utf8(`key${i}`), 1, utf8(`value ${i}`));
    tree.apply(batch);
    await tree.flush();
    const { tables } = await tree.exportRange('/copy', utf8('key1'), utf8('key2'));
    const paths = tables.map(({ path }) => path);
    const before = await disk.list('/t');
    disk.faults.capacityBytes = disk.usedBytes;
    await expect(
      tree.ingest(paths, { replace: [{ start: utf8('key1'), end: utf8('key2') }] }),
    ).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    disk.faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    expect((await disk.list('/t')).filter((name) => name.endsWith('.sst'))).toEqual(
      before.filter((name) => name.endsWith('.sst')),
    );
    expect(await tree.get(utf8('key17'))).toMatchObject({ revision: 1 });
    await tree.ingest(paths, { replace: [{ start: utf8('key1'), end: utf8('key2') }] });
    expect(await tree.get(utf8('key17'))).toMatchObject({ revision: 1 });
    await tree.close();
  });
});
