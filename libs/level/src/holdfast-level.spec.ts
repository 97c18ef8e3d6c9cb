import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { HoldfastLevel } from './holdfast-level.ts';

const tree = {
  memtableBytes: 16_384,
  blockBytes: 256,
  tableBytes: 8_192,
  levelBaseBytes: 32_768,
  walSegmentBytes: 16_384,
  blockCacheBytes: 65_536,
};

const levelOn = (disk: SimDisk): HoldfastLevel => new HoldfastLevel('/level', { disk, tree });
const keyOf = (n: number): string => `key${String(n).padStart(5, '0')}`;

async function fill(db: HoldfastLevel, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const batch = Array.from(
      { length: 100 },
      (_, i) => ({ type: 'put', key: keyOf(from + i), value: `v${from + i}` }) as const,
    );
    await db.batch(batch);
  }
}

describe('HoldfastLevel', () => {
  it('keeps what was written when it is closed and opened', async () => {
    const disk = new SimDisk({ seed: 1 });
    const db = levelOn(disk);
    await fill(db, 2_000);
    await db.del(keyOf(7));
    await db.close();
    await db.open();
    expect(await db.get(keyOf(6))).toBe('v6');
    expect(await db.get(keyOf(7))).toBeUndefined();
    expect(await db.keys().all()).toHaveLength(1_999);
    await db.close();
    expect(disk.openFiles).toBe(0);
  });

  it('has every synced write, and a prefix of the others, after a power loss', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new SimDisk({ seed });
      const db = levelOn(disk);
      await db.open();
      for (let i = 0; i < 300; i++) await db.put(keyOf(i), 'x', i === 199 ? ({ sync: true } as object) : {});
      const back = levelOn(disk.crash({ seed }));
      const keys = await back.keys().all();
      expect(keys.length).toBeGreaterThanOrEqual(200);
      expect(keys).toEqual(Array.from(keys, (_, i) => keyOf(i)));
      await back.close();
    }
  });

  it('clears large ranges with one deletion, and forgets nothing of it', async () => {
    const disk = new SimDisk({ seed: 3 });
    const db = levelOn(disk);
    await fill(db, 5_000);
    const before = db.snapshot();
    await db.clear({ gte: keyOf(1_000), lt: keyOf(4_000) });
    expect(db.stats().rangeTombstones).toBe(1);
    await db.put(keyOf(2_000), 'again');
    const expectCleared = async (): Promise<void> => {
      expect(await db.keys().all()).toHaveLength(2_001);
      expect(await db.getMany([keyOf(999), keyOf(1_000), keyOf(2_000), keyOf(3_999), keyOf(4_000)])).toEqual([
        'v999',
        undefined,
        'again',
        undefined,
        'v4000',
      ]);
    };
    await expectCleared();
    expect(await db.keys({ snapshot: before }).all()).toHaveLength(5_000);
    await before.close();
    await db.close();
    await db.open();
    await expectCleared();
    await db.compactRange();
    await expectCleared();
    expect(db.stats().rangeTombstones).toBe(0);
    await db.clear();
    await db.put('a', 'b');
    expect(await db.iterator().all()).toEqual([['a', 'b']]);
    await db.close();
  });

  it('clears small ranges key by key', async () => {
    const db = levelOn(new SimDisk({ seed: 4 }));
    await fill(db, 500);
    await db.clear({ gte: keyOf(100), lt: keyOf(200) });
    expect(db.stats().rangeTombstones).toBe(0);
    expect(await db.keys().all()).toHaveLength(400);
    await db.close();
  });

  it('takes the empty key and keys of zeros, and orders them first', async () => {
    const db = new HoldfastLevel<Uint8Array, string>('/level', {
      disk: new SimDisk({ seed: 5 }),
      tree,
      keyEncoding: 'view',
    });
    const keys = [[], [0], [0, 0], [0, 0, 1], [0, 1], [1]].map((bytes) => new Uint8Array(bytes));
    for (const [i, key] of [...keys.entries()].toReversed()) await db.put(key, String(i));
    await db.compactRange();
    expect(await db.keys().all()).toEqual(keys);
    expect(await db.keys({ gt: keys[1], lte: keys[4] }).all()).toEqual(keys.slice(2, 5));
    expect(db.getSync(keys[0])).toBe('0');
    await db.del(keys[0]);
    expect(await db.has(keys[0])).toBe(false);
    expect(await db.has(keys[1])).toBe(true);
    await db.close();
  });

  it('reads tables synchronously', async () => {
    const db = levelOn(new SimDisk({ seed: 6, map: 'none' }));
    await fill(db, 3_000);
    await db.compactRange();
    // The first read of a table opens it.
    for (let i = 0; i < 3_000; i += 10) await db.get(keyOf(i));
    for (let i = 0; i < 3_000; i++) expect(db.getSync(keyOf(i))).toBe(`v${i}`);
    await db.close();
  });

  it('gives values of every encoding and length back as they were', async () => {
    const db = levelOn(new SimDisk({ seed: 7 }));
    for (const length of [0, 1, 63, 64, 65, 300, 1_023, 1_024, 5_000, 70_000]) {
      const text = 'ä𝄞x'.repeat(length).slice(0, length).toWellFormed();
      await db.put(`text ${text.slice(0, 100)}`, text);
      expect(await db.get(`text ${text.slice(0, 100)}`)).toBe(text);
      const bytes = utf8(text);
      await db.put('bytes', bytes, { valueEncoding: 'view' });
      expect(await db.get<string, Uint8Array>('bytes', { valueEncoding: 'view' })).toEqual(bytes);
      expect(db.getSync<string, Buffer>('bytes', { valueEncoding: 'buffer' })).toEqual(Buffer.from(bytes));
    }
    await db.close();
  });

  it('refuses keys that are too long, and a directory in use', async () => {
    const disk = new SimDisk({ seed: 8 });
    const db = levelOn(disk);
    await expect(db.put('x'.repeat(65_536), '')).rejects.toMatchObject({ code: 'LEVEL_INVALID_KEY' });
    await expect(levelOn(disk).open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } });
    await db.close();
  });

  it('says when bytes on the disk have changed', async () => {
    const disk = new SimDisk({ seed: 9 });
    const db = levelOn(disk);
    await fill(db, 1_000);
    await db.compactRange();
    await db.close();
    for (const { path, inode } of disk.files()) if (path.endsWith('.sst')) inode.flipBit(100, 0);
    await db.open();
    await expect(db.values().all()).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' });
    await db.close();
  });

  it('works with threads on the disk of the machine', async () => {
    const root = mkdtempSync(join(tmpdir(), 'holdfast-level-'));
    const db = new HoldfastLevel(join(root, 'db'), { tree });
    await fill(db, 3_000);
    await db.put('last', 'one', { sync: true } as object);
    await db.compactRange();
    await db.close();
    await db.open();
    expect(await db.get('last')).toBe('one');
    expect(await db.keys().all()).toHaveLength(3_001);
    await db.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('makes a checkpoint that is a database of its own', async () => {
    const disk = new SimDisk({ seed: 10 });
    const db = levelOn(disk);
    await fill(db, 1_000);
    await db.checkpoint('/copy');
    await db.clear();
    const copy = new HoldfastLevel('/copy', { disk, tree });
    expect(await copy.keys().all()).toHaveLength(1_000);
    await copy.close();
    await db.close();
  });
});
