import { DiskError, Prng, randomInteger, utf8 } from '@holdfast/io';
import { noDiskFaults, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../testing/tree-model.ts';
import { BrokenError, CorruptionError } from '../errors.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { TreeEvent } from './events.ts';
import type { TreeOptions } from './options.ts';
import { Tree } from './tree.ts';
import { verifyDirectory } from './inspect.ts';

const tiny: TreeOptions = {
  memtableBytes: 8_192,
  blockBytes: 256,
  tableBytes: 2_048,
  levelBaseBytes: 8_192,
  levelRatio: 3,
  blockCacheBytes: 8_192,
};
const KEYS = 200;

function isExpected(error: unknown): boolean {
  return error instanceof CorruptionError || error instanceof BrokenError || error instanceof DiskError;
}

/** The value of a key at a revision: always the same, so that a read can be judged by itself. */
function valueOf(key: string, revision: number): string {
  return `${key}/${revision}/${'*'.repeat(revision % 40)}`;
}

async function readAll(tree: Tree): Promise<number> {
  let failed = 0;
  for (let i = 0; i < KEYS; i++) {
    const key = `key${i}`;
    try {
      const lookup = tree.get(utf8(key));
      const found = lookup instanceof Promise ? await lookup : lookup;
      if (found !== undefined) expect(nameOf(found.value)).toBe(valueOf(key, found.revision));
    } catch (error) {
      if (!isExpected(error)) throw error;
      failed++;
    }
  }
  try {
    for await (const { key, value, revision } of tree.scan()) {
      expect(nameOf(value)).toBe(valueOf(nameOf(key), revision));
    }
  } catch (error) {
    if (!isExpected(error)) throw error;
    failed++;
  }
  return failed;
}

async function write(tree: Tree, random: Prng, batches: number, from: number): Promise<void> {
  const batch = new WriteBatch();
  for (let i = 0; i < batches; i++) {
    batch.clear();
    for (let j = 0; j < 10; j++) {
      const key = `key${randomInteger(random, 0, KEYS - 1)}`;
      const revision = from + i * 10 + j;
      batch.put(utf8(key), revision, utf8(valueOf(key, revision)));
    }
    const stall = tree.writable();
    if (stall !== undefined) await stall;
    tree.apply(batch);
  }
  await tree.flush();
}

describe('a disk that lies', () => {
  const kinds = ['readErrors', 'readFlips', 'writeFlips', 'lostWrites', 'writeErrors'] as const;
  for (const kind of kinds) {
    it(`${kind}: a read is right or fails with a typed error`, { timeout: 30_000 }, async () => {
      let failures = 0;
      for (let seed = 1; seed <= 12; seed++) {
        const faults = noDiskFaults();
        const disk = new SimDisk({ seed, faults, map: 'none' });
        const random = new Prng(seed);
        try {
          const tree = await Tree.open({ disk, directory: '/t', options: tiny });
          await write(tree, random, 60, 1);
          faults[kind] = 0.02;
          await write(tree, random, 60, 601).catch((error: unknown) => {
            failures++;
            if (!isExpected(error)) throw error;
          });
          failures += await readAll(tree);
          await tree.close();
          const again = await Tree.open({ disk, directory: '/t', options: tiny });
          failures += await readAll(again);
          await again.close();
        } catch (error) {
          if (!isExpected(error)) throw error;
          failures++;
        }
      }
      expect(failures).toBeGreaterThan(0);
    });
  }

  it('breaks for good when a sync fails, and goes on reading', async () => {
    const faults = noDiskFaults();
    const disk = new SimDisk({ seed: 1, faults });
    const events: TreeEvent['type'][] = [];
    const tree = await Tree.open({
      disk,
      directory: '/t',
      options: tiny,
      onEvent: ({ type }) => events.push(type),
    });
    await write(tree, new Prng(1), 20, 1);
    faults.syncErrors = 1;
    await expect(write(tree, new Prng(2), 20, 1_000)).rejects.toThrow(BrokenError);
    faults.syncErrors = 0;
    expect(events).toContain('broken');
    expect(() => tree.apply(new WriteBatch())).toThrow(BrokenError);
    expect(await readAll(tree)).toBe(0);
    await tree.close();
    const again = await Tree.open({ disk, directory: '/t', options: tiny });
    expect(await readAll(again)).toBe(0);
    await again.close();
  });

  it('keeps every table that a manifest may name when a sync fails', { timeout: 30_000 }, async () => {
    let failures = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const faults = noDiskFaults();
      const disk = new SimDisk({ seed, faults });
      const tree = await Tree.open({ disk, directory: '/t', options: tiny });
      await write(tree, new Prng(seed), 60, 1);
      faults.syncErrors = 0.02;
      await write(tree, new Prng(seed), 60, 1_000).catch(() => failures++);
      await tree.compactionIdle().catch(() => failures++);
      faults.syncErrors = 0;
      await tree.close();
      const again = await Tree.open({ disk, directory: '/t', options: tiny });
      expect(await readAll(again), `seed ${seed}`).toBe(0);
      await again.close();
    }
    expect(failures).toBeGreaterThan(10);
  });

  it('says so when the disk is full, loses nothing, and goes on when there is room', async () => {
    const faults = noDiskFaults();
    const disk = new SimDisk({ seed: 1, faults });
    const events: TreeEvent['type'][] = [];
    let tree = await Tree.open({
      disk,
      directory: '/t',
      options: tiny,
      onEvent: ({ type }) => events.push(type),
    });
    await write(tree, new Prng(1), 40, 1);
    await tree.compactionIdle();
    faults.capacityBytes = disk.usedBytes + 3_000;
    await expect(write(tree, new Prng(2), 20, 1_000)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(events).toContain('disk-full');
    expect(await readAll(tree)).toBe(0);
    const newest = 1_199;
    const before = await tree.scan().next();
    faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    await tree.flush();
    expect(events).not.toContain('broken');
    await tree.close();
    tree = await Tree.open({ disk, directory: '/t', options: tiny });
    expect(await readAll(tree)).toBe(0);
    expect(await tree.scan().next()).toEqual(before);
    let found = 0;
    for await (const { revision } of tree.scan()) found = Math.max(found, revision);
    expect(found).toBe(newest);
    await tree.close();
  });
});

describe('a directory', () => {
  it('is used by one tree at a time', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await Tree.open({ disk, directory: '/t' });
    await expect(Tree.open({ disk, directory: '/t' })).rejects.toMatchObject({ code: 'ELOCKED' });
    await tree.close();
    await (await Tree.open({ disk, directory: '/t' })).close();
  });

  it('with tables and no manifest is refused, never taken for empty', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await Tree.open({ disk, directory: '/t', options: tiny });
    await write(tree, new Prng(1), 40, 1);
    await tree.close();
    await disk.remove('/t/MANIFEST');
    await expect(Tree.open({ disk, directory: '/t' })).rejects.toThrow(CorruptionError);
  });

  it('is verified offline: clean, then with a missing and a damaged table', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await Tree.open({ disk, directory: '/t', options: tiny });
    await write(tree, new Prng(1), 100, 1);
    await tree.compactionIdle();
    await tree.close();
    const clean = await verifyDirectory({ disk }, '/t');
    expect(clean.faults).toEqual([]);
    expect(clean.tables).toBeGreaterThan(3);
    const tables = [...disk.files()].filter(({ path }) => path.endsWith('.sst'));
    await disk.remove(tables[0]!.path);
    tables[1]!.inode.flipBit(100, 3);
    const damaged = await verifyDirectory({ disk }, '/t');
    expect(damaged.faults.map(({ path }) => path).sort()).toEqual([tables[0]!.path, tables[1]!.path].sort());
    await expect(Tree.open({ disk, directory: '/t', options: tiny })).rejects.toThrow(/missing/);
  });
});
