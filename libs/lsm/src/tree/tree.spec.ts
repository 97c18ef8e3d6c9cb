import { Prng, randomInteger, utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { WriteBatch } from '../memtable/write-batch.ts';
import { Tree } from './tree.ts';

const small = {
  memtableBytes: 8_192,
  blockBytes: 256,
  tableBytes: 4_096,
  levelBaseBytes: 16_384,
  level0StallTables: 1_000,
};

async function text(lookup: ReturnType<Tree['get']>): Promise<string | undefined> {
  const found = await lookup;
  return found === undefined ? undefined : new TextDecoder().decode(found.value);
}

describe('Tree', () => {
  it('finds what was applied, in memory, in tables and after opening again', async () => {
    const disk = new SimDisk({ seed: 1 });
    const batch = new WriteBatch();
    let tree = await Tree.open({ disk, directory: '/t', options: small });
    batch.put(utf8('a'), 1, utf8('one'));
    batch.put(utf8('b'), 2, utf8('two'));
    batch.mark(7, utf8('m1'));
    tree.apply(batch);
    expect(await text(tree.get(utf8('a')))).toBe('one');
    expect(tree.durableMark(7)).toBeUndefined();
    await tree.flush();
    expect(await text(tree.get(utf8('a')))).toBe('one');
    expect(tree.durableMark(7)).toEqual(utf8('m1'));
    batch.clear();
    batch.delete(utf8('a'), 3);
    batch.put(utf8('c'), 4, utf8('three'));
    batch.mark(7, utf8('m2'));
    tree.apply(batch);
    expect(await text(tree.get(utf8('a')))).toBeUndefined();
    expect(await text(tree.get(utf8('a'), 2))).toBe('one');
    expect(await tree.latest(utf8('a'))).toEqual({ kind: 'delete', revision: 3 });
    await tree.close();
    tree = await Tree.open({ disk, directory: '/t', options: small });
    expect(tree.mark(7)).toEqual(utf8('m1'));
    expect(await text(tree.get(utf8('a')))).toBe('one');
    expect(await text(tree.get(utf8('c')))).toBeUndefined();
    await tree.close();
    expect(disk.openFiles).toBe(0);
  });

  it('passes over the versions of keys that are written often, in memory, in tables and at any revision', async () => {
    const random = new Prng(9);
    const tree = await Tree.open({ disk: new SimDisk({ seed: 3 }), directory: '/t', options: small });
    tree.setHorizon(0);
    const batch = new WriteBatch();
    const last = new Map<string, number>();
    const halfway = new Map<string, number>();
    for (let revision = 1; revision <= 4_000; revision++) {
      const key = `k${randomInteger(random, 0, 12)}`;
      batch.put(utf8(key), revision, utf8(String(revision)));
      last.set(key, revision);
      if (revision <= 2_000) halfway.set(key, revision);
      if (revision % 10 === 0) {
        await tree.writable();
        tree.apply(batch);
        batch.clear();
      }
    }
    for (const [revision, model] of [
      [4_000, last],
      [2_000, halfway],
    ] as const) {
      const rows: [string, number][] = [];
      const cursor = tree.iterator({ revision });
      while (cursor.next() || (await cursor.load())) {
        rows.push([new TextDecoder().decode(cursor.key), cursor.revision]);
      }
      cursor.close();
      expect(rows).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
    }
    await tree.close();
  });

  it('agrees with a sorted map over many flushes, forwards and backwards', async () => {
    const disk = new SimDisk({ seed: 2 });
    const random = new Prng(5);
    const tree = await Tree.open({ disk, directory: '/t', options: small });
    const model = new Map<string, { value: string; revision: number }[]>();
    const batch = new WriteBatch();
    for (let revision = 1; revision <= 6_000; revision++) {
      const key = `key${randomInteger(random, 0, 400)}`;
      const versions = model.get(key) ?? [];
      model.set(key, versions);
      if (randomInteger(random, 0, 4) === 0) {
        batch.delete(utf8(key), revision);
        versions.unshift({ value: '', revision });
      } else {
        const value = `v${revision}${'x'.repeat(revision % 50)}`;
        batch.put(utf8(key), revision, utf8(value));
        versions.unshift({ value, revision });
      }
      if (revision % 7 === 0) {
        tree.apply(batch);
        batch.clear();
        await tree.writable();
      }
    }
    tree.apply(batch);
    for (const at of [1, 100, 3_000, 5_999, 6_000]) {
      const expected: string[] = [];
      for (const key of [...model.keys()].sort()) {
        const version = model.get(key)!.find(({ revision }) => revision <= at);
        expect(await text(tree.get(utf8(key), at))).toBe(version?.value === '' ? undefined : version?.value);
        if (version !== undefined && version.value !== '') expected.push(`${key}=${version.value}`);
      }
      const decoder = new TextDecoder();
      for (const reverse of [false, true]) {
        const found: string[] = [];
        for await (const { key, value } of tree.scan({ revision: at, reverse })) {
          found.push(`${decoder.decode(key)}=${decoder.decode(value)}`);
        }
        if (reverse) found.reverse();
        expect(found).toEqual(expected);
      }
    }
    await tree.close();
  });
});
