import { Prng, randomChance, randomInteger, utf8 } from '@holdfast/io';
import { exploreCrashes, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../testing/tree-model.ts';
import { CorruptionError } from '../errors.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { Canary, TreeOptions } from './options.ts';
import { Tree } from './tree.ts';

const tiny: TreeOptions = {
  memtableBytes: 4_096,
  blockBytes: 256,
  tableBytes: 1_024,
  levelBaseBytes: 4_096,
  levelRatio: 2,
  level0CompactionTables: 2,
  walSegmentBytes: 4_096,
};
const GROUPS = [1, 2];
const HISTORY_BATCHES = 40;

/** Batch number `index` of a group: always the same operations, so that a mark says what must be there. */
function fill(batch: WriteBatch, group: number, index: number): void {
  const random = new Prng(group * 1_000 + index);
  batch.clear();
  for (let i = 0; i < 6; i++) {
    const key = utf8(`g${group}-${randomInteger(random, 0, 30)}`);
    const revision = index * 10 + i + 1;
    if (randomChance(random, 0.2)) batch.delete(key, revision);
    else batch.put(key, revision, utf8(`${group}.${index}.${i}${'#'.repeat(randomInteger(random, 0, 60))}`));
  }
  if (index % 17 === 16) batch.deleteRange(utf8(`g${group}-1`), utf8(`g${group}-2`), index * 10 + 9);
  batch.mark(group, utf8(String(index)));
}

async function contentOf(tree: Tree, group: number): Promise<readonly string[]> {
  const rows: string[] = [];
  for await (const { key, value, revision } of tree.scan({
    start: utf8(`g${group}`),
    end: utf8(`g${group + 1}`),
  })) {
    rows.push(`${nameOf(key)}@${revision}=${nameOf(value)}`);
  }
  return rows;
}

const expectedContents = new Map<string, Promise<readonly string[]>>();

/** What a group's data look like after batches 1 .. `index`. */
function expectedContent(group: number, index: number): Promise<readonly string[]> {
  const name = `${group}/${index}`;
  const known = expectedContents.get(name) ?? makeExpectedContent(group, index);
  expectedContents.set(name, known);
  return known;
}

async function makeExpectedContent(group: number, index: number): Promise<readonly string[]> {
  const tree = await Tree.open({ disk: new SimDisk({ seed: 1 }), directory: '/model' });
  const batch = new WriteBatch();
  for (let i = 1; i <= index; i++) {
    fill(batch, group, i);
    tree.apply(batch);
  }
  const rows = await contentOf(tree, group);
  await tree.close();
  return rows;
}

function markOf(tree: Tree, group: number): number {
  const mark = tree.mark(group);
  return mark === undefined ? 0 : Number(nameOf(mark));
}

type Durable = readonly number[];

async function script(disk: SimDisk, acknowledge: (state: Durable) => void, canary?: Canary): Promise<void> {
  const tree = await Tree.open({ disk, directory: '/t', options: { ...tiny, ...(canary && { canary }) } });
  const batch = new WriteBatch();
  const tell = (): void =>
    acknowledge(GROUPS.map((group) => Number(nameOf(tree.durableMark(group) ?? utf8('0')))));
  for (let index = 1; index <= HISTORY_BATCHES; index++) {
    for (const group of GROUPS) {
      fill(batch, group, index);
      tree.apply(batch);
      const stall = tree.writable();
      if (stall !== undefined) await stall;
      tell();
    }
    if (index === 12) tree.setHorizon(150);
    if (index === 20) await tree.flush();
    if (index === 28) await tree.compactRange();
    tell();
  }
  await tree.flush();
  tell();
  await tree.close();
}

async function verify(disk: SimDisk, durable: Durable | undefined): Promise<void> {
  const tree = await Tree.open({ disk, directory: '/t', options: { ...tiny, manualCompaction: true } });
  for (const [i, group] of GROUPS.entries()) {
    const mark = markOf(tree, group);
    if (mark < (durable?.[i] ?? 0))
      throw new Error(`mark ${mark} of group ${group} is older than ${durable?.[i]}`);
    expect(await contentOf(tree, group)).toEqual(await expectedContent(group, mark));
  }
  const names = await disk.list('/t');
  const live = tree.stats().levels.reduce((sum, { tables }) => sum + tables, 0);
  expect(names.filter((name) => name.endsWith('.sst')).length).toBe(live);
  // Life goes on.
  const batch = new WriteBatch();
  batch.put(utf8('later'), 9_999, utf8('yes'));
  tree.apply(batch);
  await tree.flush();
  expect(await tree.get(utf8('later'))).toMatchObject({ revision: 9_999 });
  await tree.close();
}

describe('a power loss at any disk operation', () => {
  it('leaves exactly what the marks say', { timeout: 60_000 }, async () => {
    const points = await exploreCrashes<Durable>({ seed: 7, script, verify, outcomes: 1 });
    expect(points).toBeGreaterThan(100);
  });

  it('is found out when directories are not synced', { timeout: 60_000 }, async () => {
    const careless = exploreCrashes<Durable>({
      seed: 7,
      script: (disk, acknowledge) => script(disk, acknowledge, 'directory-not-synced'),
      verify,
    });
    await expect(careless).rejects.toThrow('after a power loss');
  });

  it('loses nothing that the WAL has acknowledged', { timeout: 60_000 }, async () => {
    const points = await exploreCrashes<number>({
      seed: 9,
      outcomes: 1,
      script: async (disk, acknowledge) => {
        let tree = await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
        const batch = new WriteBatch();
        for (let index = 1; index <= HISTORY_BATCHES; index++) {
          fill(batch, 1, index);
          await tree.write(batch, { sync: true });
          acknowledge(index);
          if (index % 15 !== 0) continue;
          // Closed with everything in tables: the log is left behind.
          await tree.flush();
          await tree.close();
          tree = await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
        }
        await tree.close();
      },
      verify: async (disk, acknowledged = 0) => {
        const tree = await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
        const mark = markOf(tree, 1);
        expect(mark).toBeGreaterThanOrEqual(acknowledged);
        expect(await contentOf(tree, 1)).toEqual(await expectedContent(1, mark));
        const later = new WriteBatch();
        later.put(utf8('later'), 9_999, utf8('yes'));
        await tree.write(later, { sync: true });
        await tree.close();
        const again = await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
        expect(await again.get(utf8('later'))).toMatchObject({ revision: 9_999 });
        await again.close();
      },
    });
    expect(points).toBeGreaterThan(100);
  });
});

describe('a wrong bit', () => {
  it(
    'in any byte of a tree is detected or does not matter; no read is ever wrong',
    { timeout: 60_000 },
    async () => {
      const make = async (): Promise<SimDisk> => {
        const disk = new SimDisk({ seed: 3, map: 'none' });
        const tree = await Tree.open({ disk, directory: '/t', options: { ...tiny, manualCompaction: true } });
        const batch = new WriteBatch();
        for (let index = 1; index <= 12; index++) {
          fill(batch, 1, index);
          tree.apply(batch);
        }
        await tree.flush();
        await tree.close();
        return disk;
      };
      const expected = await expectedContent(1, 12);
      const detected = { opening: 0, reading: 0 };
      let undetected = 0;
      const files = [...(await make()).files()].map(({ path, inode }) => ({ path, size: inode.size }));
      const disk = await make();
      for (const { path, size } of files) {
        for (let offset = 0; offset < size; offset++) {
          const file = [...disk.files()].find((other) => other.path === path)!;
          file.inode.flipBit(offset, offset % 8);
          let tree: Tree | undefined;
          try {
            tree = await Tree.open({ disk, directory: '/t', options: { ...tiny, manualCompaction: true } });
            expect(await contentOf(tree, 1)).toEqual(expected);
            undetected++;
          } catch (error) {
            if (!(error instanceof CorruptionError)) throw error;
            if (tree === undefined) detected.opening++;
            else detected.reading++;
          }
          await tree?.close();
          [...disk.files()].find((other) => other.path === path)!.inode.flipBit(offset, offset % 8);
        }
      }
      expect(detected.opening).toBeGreaterThan(100);
      expect(detected.reading).toBeGreaterThan(100);
      // Only bytes that this read does not use may pass: none in these files.
      expect(undetected).toBe(0);
    },
  );
});
