import { EMPTY_BYTES, rangeId, utf8 } from '@holdfast/io';
import { Tree, WriteBatch } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { dataKey, expiryKeyOf, readExpiryKey } from '../tree-keys.ts';
import { ExpiryBound } from './expiry-bound.ts';
import { findDue, SWEEP_KEYS_MAX } from './expiry-sweep.ts';

const RANGE = rangeId(3);
const OTHER = rangeId(4);

async function treeWith(entries: readonly (readonly [dueMs: number, name: string])[]): Promise<Tree> {
  const tree = await Tree.open({ disk: new SimDisk({ seed: 1 }), directory: '/tree' });
  const batch = new WriteBatch();
  for (const [i, [dueMs, name]] of entries.entries()) {
    batch.put(expiryKeyOf(RANGE, dueMs, dataKey(1, utf8(name))), 10 + i, EMPTY_BYTES);
  }
  batch.put(expiryKeyOf(OTHER, 1, dataKey(1, utf8('other'))), 9, EMPTY_BYTES);
  tree.apply(batch);
  return tree;
}

describe('findDue', () => {
  it('finds what is due of its own range, by time, and when the next is', async () => {
    const tree = await treeWith([
      [2 ** 40 + 5, 'later'],
      [2 ** 40, 'b'],
      [7, 'a'],
    ]);
    const { due, nextDueMs } = await findDue(tree, RANGE, 0, 2 ** 40);
    expect(due.map(({ expiryKey, revision }) => [readExpiryKey(expiryKey).dueMs, revision])).toEqual([
      [7, 12],
      [2 ** 40, 11],
    ]);
    expect(nextDueMs).toBe(2 ** 40 + 5);
    expect(await findDue(tree, RANGE, 2 ** 41, 2 ** 42)).toEqual({
      due: [],
      nextDueMs: Number.POSITIVE_INFINITY,
    });
    await tree.close();
  });

  it('takes so many at a time, and says that there are more', async () => {
    const tree = await treeWith(Array.from({ length: SWEEP_KEYS_MAX + 1 }, (_, i) => [100 + i, `k${i}`]));
    const { due, nextDueMs } = await findDue(tree, RANGE, 0, 10_000);
    expect(due.length).toBe(SWEEP_KEYS_MAX);
    expect(nextDueMs).toBe(100 + SWEEP_KEYS_MAX);
    await tree.close();
  });
});

describe('ExpiryBound', () => {
  it('only goes down by itself', () => {
    const bound = new ExpiryBound();
    bound.earliestMs = 50;
    bound.lower(70);
    expect(bound.earliestMs).toBe(50);
    bound.lower(20);
    expect(bound.earliestMs).toBe(20);
  });
});
