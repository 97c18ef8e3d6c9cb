import { utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { CorruptionError } from '../errors.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import { checkTree } from '../tools/check-tree.ts';
import { REVISION_MAX } from '../limits.ts';
import type { TreeEvent } from './events.ts';
import type { TreeOpenOptions } from './open-options.ts';
import { Tree } from './tree.ts';

const options = {
  memtableBytes: 65_536,
  blockBytes: 256,
  tableBytes: 4_096,
  levelBaseBytes: 65_536,
  mmap: false,
  blockCacheBytes: 0,
};
const KEYS = 1_000;

const keyAt = (i: number): Uint8Array => utf8(`key${String(i).padStart(4, '0')}`);

/** Keys 0 .. 999 in many tables of the deepest level. */
async function treeOn(disk: SimDisk): Promise<void> {
  const tree = await Tree.open({ disk, directory: '/t', options });
  const batch = new WriteBatch();
  for (let i = 0; i < KEYS; i++) batch.put(keyAt(i), i + 1, utf8(`value ${i}`));
  tree.apply(batch);
  await tree.compactRange();
  await tree.close();
}

async function textAt(tree: Tree, i: number): Promise<string | undefined> {
  const found = await tree.get(keyAt(i));
  return found === undefined ? undefined : new TextDecoder().decode(found.value);
}

async function unreadable(tree: Tree): Promise<number[]> {
  const failed: number[] = [];
  for (let i = 0; i < KEYS; i++) {
    try {
      expect(await textAt(tree, i)).toBe(`value ${i}`);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      failed.push(i);
    }
  }
  return failed;
}

function damage(disk: SimDisk, path: string, at = 300): void {
  disk
    .files()
    .find((file) => file.path === path)!
    .inode.flipBit(at, 2);
}

function tablesOn(disk: SimDisk): readonly string[] {
  return disk
    .files()
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.sst') && path.startsWith('/t/'))
    .sort();
}

async function open(disk: SimDisk, more: Partial<TreeOpenOptions> = {}): Promise<[Tree, TreeEvent[]]> {
  const events: TreeEvent[] = [];
  const onEvent = (event: TreeEvent): number => events.push(event);
  return [await Tree.open({ disk, directory: '/t', options, onEvent, ...more }), events];
}

describe('a damaged table', () => {
  it('is named by an event with its span, and only its own keys fail', async () => {
    const disk = new SimDisk({ seed: 1 });
    await treeOn(disk);
    const path = tablesOn(disk)[3]!;
    damage(disk, path);
    const [tree, events] = await open(disk);
    const failed = await unreadable(tree);
    expect(failed.length).toBeGreaterThan(0);
    const event = events.find(({ type }) => type === 'corruption');
    if (event?.type !== 'corruption' || event.table === undefined) throw new Error('an event with a table');
    expect(event.error.path).toBe(path);
    expect(path).toContain(String(event.table.table).padStart(6, '0'));

    await tree.quarantine(event.table.table);
    expect(tree.damagedSpans()).toEqual([event.table]);
    const lost = await unreadable(tree);
    expect(lost).toEqual(expect.arrayContaining(failed));
    expect(lost.length).toBeLessThan(KEYS / 4);
    const first = lost[0]!;
    const beside = tree.iterator({ start: keyAt(0), end: keyAt(first) });
    let seen = 0;
    while (beside.next() || (await beside.load())) seen++;
    beside.close();
    expect(seen).toBe(first);
    expect(() => tree.iterator()).toThrow(CorruptionError);
    expect(() => tree.multiGet([keyAt(first)])).toThrow(CorruptionError);
    await expect(tree.exportRange('/out')).rejects.toThrow(CorruptionError);
    // Compaction no longer stands behind it.
    await tree.compactRange();
    await tree.close();

    const [again] = await open(disk);
    expect(await unreadable(again)).toEqual(lost);
    await again.close();
    expect((await checkTree({ disk }, '/t')).faults).toMatchObject([{ path: '/t/MANIFEST' }]);
  });

  it('is repaired from another tree, part by part', async () => {
    const disk = new SimDisk({ seed: 2 });
    await treeOn(disk);
    const [healthy] = await open(disk);
    await healthy.checkpoint('/peer');
    await healthy.close();
    const path = tablesOn(disk)[2]!;
    // The checkpoint shares the file: damage a copy of it only.
    const bytes = disk.files().find((file) => file.path === path)!.inode;
    const peer = await Tree.open({ disk, directory: '/peer', options });
    const exported = await peer.exportRange('/copy-all');
    expect(exported.tables.length).toBeGreaterThan(3);
    bytes.flipBit(300, 1);
    const [tree, events] = await open(disk);
    expect((await unreadable(tree)).length).toBeGreaterThan(0);
    const event = events.find(({ type }) => type === 'corruption');
    if (event?.type !== 'corruption' || event.table === undefined) throw new Error('an event with a table');
    await tree.quarantine(event.table.table);
    const [span] = tree.damagedSpans();
    const lost = await unreadable(tree);
    const middle = keyAt(lost[lost.length >> 1]!);
    // A peer that is healthy: the whole content, written anew before the damage.
    const healthyPeer = await Tree.open({ disk, directory: '/healthy', options });
    await healthyPeer.ingest(
      exported.tables.map((table) => table.path),
      {},
    );
    for (const [i, [start, end]] of [
      [span!.start, middle],
      [middle, span!.end],
    ].entries()) {
      const { tables } = await healthyPeer.exportRange(`/piece-${i}`, start, end);
      await tree.ingest(
        tables.map((table) => table.path),
        { replace: [{ start, end }] },
      );
      expect(tree.damagedSpans().length).toBe(1 - i);
      expect((await unreadable(tree)).length).toBe(i === 1 ? 0 : lost.length - (lost.length >> 1));
    }
    for (const open of [tree, peer, healthyPeer]) await open.close();
    const [again] = await open(disk);
    expect(await unreadable(again)).toEqual([]);
    await again.close();
    expect((await checkTree({ disk }, '/t')).faults).toEqual([]);
  });

  it('that sticks out of what is to be replaced is named, and nothing changes', async () => {
    const disk = new SimDisk({ seed: 1 });
    await treeOn(disk);
    const path = tablesOn(disk)[1]!;
    damage(disk, path);
    const [tree, events] = await open(disk);
    const before = await unreadable(tree);
    const span = events.find((event) => event.type === 'corruption')!.table!;
    events.length = 0;
    const replace = [{ start: new Uint8Array([...span.start, 0]), end: span.end }];
    await expect(tree.ingest([], { replace })).rejects.toThrow(CorruptionError);
    const named = events.find((event) => event.type === 'corruption');
    expect(named?.table).toEqual(span);
    expect(await unreadable(tree)).toEqual(before);
    await tree.close();
  });

  it('that is missing or cut keeps a tree closed, or is taken out when asked', async () => {
    const disk = new SimDisk({ seed: 3 });
    await treeOn(disk);
    const [first, , third] = tablesOn(disk);
    await disk.remove(first!);
    const file = await disk.open(third!, 'never');
    await file.truncate(100);
    await file.close();
    await expect(open(disk)).rejects.toThrow(/missing/);
    const [tree, events] = await open(disk, { onLostTable: 'quarantine' });
    expect(tree.damagedSpans().length).toBe(2);
    expect(events.filter(({ type }) => type === 'corruption').length).toBe(2);
    const lost = await unreadable(tree);
    expect(lost[0]).toBe(0);
    expect(lost.length).toBeLessThan(KEYS / 2);
    await tree.close();
    const [again] = await open(disk);
    expect(await unreadable(again)).toEqual(lost);
    expect(disk.files().some(({ path }) => path === `${third}.damaged`)).toBe(true);
    await again.close();
  });

  it('found by compaction is reported, stays readable elsewhere, and does not stall writes for ever', async () => {
    const disk = new SimDisk({ seed: 4 });
    const small = { ...options, level0CompactionTables: 2, level0StallTables: 4, manualCompaction: true };
    let tree = await Tree.open({ disk, directory: '/t', options: small });
    const batch = new WriteBatch();
    const writeTable = async (revision: number): Promise<void> => {
      batch.clear();
      for (let i = 0; i < 50; i++) batch.put(keyAt(i), revision, utf8(`value ${i}`));
      const stall = tree.writable();
      if (stall !== undefined) await stall;
      tree.apply(batch);
      await tree.flush();
    };
    await writeTable(1);
    await writeTable(2);
    await tree.close();
    damage(disk, tablesOn(disk)[0]!, 100);
    const events: TreeEvent[] = [];
    tree = await Tree.open({
      disk,
      directory: '/t',
      options: { ...small, manualCompaction: false },
      onEvent: (event) => events.push(event),
    });
    for (let revision = 3; revision < 12; revision++) await writeTable(revision);
    const event = events.find(({ type }) => type === 'corruption');
    if (event?.type !== 'corruption' || event.table === undefined) throw new Error('an event with a table');
    await expect(tree.compactRange()).rejects.toThrow(CorruptionError);
    expect(tree.stats().levels[0]!.tables).toBeGreaterThan(5);
    expect(events.map(({ type }) => type)).not.toContain('broken');
    // Everything it had is in newer tables; what it hid nobody knows, so its span is gone until replaced.
    await tree.quarantine(event.table.table);
    await tree.compactionIdle();
    expect(tree.stats().levels[0]!.tables).toBeLessThan(4);
    tree.setHorizon(REVISION_MAX);
    await tree.close();
  });
});
