import { utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { beforeEach, describe, expect, it } from 'vitest';
import { REVISION_MAX } from '../limits.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { Cursor } from '../read/cursor.ts';
import { Tree } from '../tree/tree.ts';

const KEYS = 400;
const keyAt = (i: number): Uint8Array => utf8(`key-${String(i).padStart(4, '0')}`);

let disk: SimDisk;
let tree: Tree;
beforeEach(async () => {
  disk = new SimDisk({ seed: 1, map: 'none' });
  tree = await Tree.open({
    disk,
    directory: '/t',
    // Blocks are read from their files while the cursor goes on: nothing of what it needs is in memory.
    options: { manualCompaction: true, blockBytes: 256, tableBytes: 2_048, blockCacheBytes: 1_024 },
  });
  await writeAll(1);
});

async function writeAll(revision: number): Promise<void> {
  const batch = new WriteBatch();
  for (let i = 0; i < KEYS; i++) batch.put(keyAt(i), revision, utf8(`value ${i} of ${revision}`));
  tree.apply(batch);
  await tree.flush();
}

const files = async (): Promise<string[]> =>
  (await disk.list('/t')).filter((name) => name.endsWith('.sst')).toSorted();

/** All keys again, and everything rewritten: no table of before is left in the current version. */
async function rewriteAll(revision: number): Promise<void> {
  await writeAll(revision);
  tree.setHorizon(REVISION_MAX);
  await tree.compactRange();
}

async function expectRest(cursor: Cursor, from: number, revision: number): Promise<void> {
  let i = from;
  while (cursor.next() || (await cursor.load())) {
    expect(new TextDecoder().decode(cursor.value)).toBe(`value ${i++} of ${revision}`);
  }
  expect(i).toBe(KEYS);
}

const live = (): number => tree.stats().levels.reduce((sum, { tables }) => sum + tables, 0);

/** Files go in the background. */
const expectFiles = (count: number): Promise<void> =>
  expect.poll(async () => (await files()).length).toBe(count);

describe('the files of a version', () => {
  it('stay while a cursor reads them, through compactions, and go with it', async () => {
    const before = await files();
    const cursor = tree.iterator();
    expect(cursor.next() || (await cursor.load())).toBe(true);
    await rewriteAll(2);
    await rewriteAll(3);
    // What only versions in between had goes without waiting for the reader.
    await expectFiles(before.length + live());
    expect(await files()).toEqual(expect.arrayContaining(before));
    await expectRest(cursor, 1, 1);
    expect(await files()).toEqual(expect.arrayContaining(before));
    cursor.close();
    await expectFiles(live());
    expect((await files()).filter((name) => before.includes(name))).toEqual([]);
    await tree.close();
  });

  it('stay until the last of several readers has gone', async () => {
    const before = await files();
    const snapshot = tree.snapshot();
    const cursor = snapshot.iterator();
    await rewriteAll(2);
    snapshot.release();
    await expectFiles(before.length + live());
    await expectRest(cursor, 0, 1);
    expect(await files()).toEqual(expect.arrayContaining(before));
    cursor.close();
    await expectFiles(live());
    expect((await files()).filter((name) => before.includes(name))).toEqual([]);
    await tree.close();
  });

  it('go by themselves when nobody reads', async () => {
    const before = await files();
    await rewriteAll(2);
    await expectFiles(live());
    expect((await files()).filter((name) => before.includes(name))).toEqual([]);
    await tree.close();
  });
});
