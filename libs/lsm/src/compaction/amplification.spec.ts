import { type Clock, Prng, randomInteger, utf8 } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { REVISION_MAX } from '../limits.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { TreeOptions } from '../tree/options.ts';
import { Tree } from '../tree/tree.ts';

const options: TreeOptions = {
  memtableBytes: 32_768,
  blockBytes: 512,
  tableBytes: 8_192,
  levelBaseBytes: 65_536,
  level0CompactionTables: 2,
};
const KEYS = 4_000;

async function overwrite(tree: Tree, writes: number): Promise<void> {
  const random = new Prng(1);
  const batch = new WriteBatch();
  for (let i = 1; i <= writes; i++) {
    const key = `key${String(randomInteger(random, 0, KEYS - 1)).padStart(6, '0')}`;
    batch.put(utf8(key), i, utf8('v'.repeat(80)));
    if (i % 50 > 0) continue;
    const stall = tree.writable();
    if (stall !== undefined) await stall;
    tree.apply(batch);
    batch.clear();
  }
  await tree.flush();
  await tree.compactionIdle();
}

function bytesOf(tree: Tree): number {
  return tree.stats().levels.reduce((sum, { bytes }) => sum + bytes, 0);
}

describe('amplification', () => {
  it('of space stays under 1.3 while all keys are written over and over, and under 1.01 after compactRange', async () => {
    const disk = new SimDisk({ seed: 1 });
    const tree = await Tree.open({ disk, directory: '/t', options });
    tree.setHorizon(REVISION_MAX);
    await overwrite(tree, 10 * KEYS);
    const compacted = bytesOf(tree);
    await tree.compactRange();
    const whole = bytesOf(tree);
    expect(compacted / whole).toBeLessThan(1.3);
    await tree.compactRange();
    expect(bytesOf(tree) / whole).toBeLessThan(1.01);
    expect(tree.stats().spaceAmplification).toBe(1);
    // Nothing on the disk but the tables and the manifest: what was obsolete is gone.
    await tree.close();
    expect(disk.usedBytes / whole).toBeLessThan(1.05);
  });

  it('of writes is what was written to tables for each byte flushed', async () => {
    const disk = new SimDisk({ seed: 2 });
    let tableBytes = 0;
    const tree = await Tree.open({
      disk,
      directory: '/t',
      options,
      onEvent: (event) => {
        if (event.type === 'flush-end') tableBytes += event.fileBytes;
        if (event.type === 'compaction-end') tableBytes += event.bytesWritten;
      },
    });
    tree.setHorizon(REVISION_MAX);
    await overwrite(tree, 3 * KEYS);
    const { writeAmplification, flushedBytes } = tree.stats();
    expect(writeAmplification).toBeCloseTo(tableBytes / flushedBytes, 6);
    expect(writeAmplification).toBeGreaterThan(1.5);
    expect(writeAmplification).toBeLessThan(20);
    await tree.close();
  });
});

describe('the rate limit of compaction', () => {
  it('is kept, measured by the clock', async () => {
    const clock = new StepClock();
    const disk = new SimDisk({ seed: 3 });
    const rate = 100_000;
    const tree = await Tree.open({
      disk,
      directory: '/t',
      clock,
      // Far from a stall: in front of one, compaction may write as fast as it can.
      options: { ...options, compactionBytesPerSecond: rate, level0StallTables: 1_000 },
    });
    await overwrite(tree, 2 * KEYS);
    const { bytesWritten } = tree.stats().compaction;
    expect(bytesWritten).toBeGreaterThan(rate);
    // What was not used for 100 ms may be caught up.
    expect(clock.monotonicMs() + 100).toBeGreaterThanOrEqual((bytesWritten / rate) * 1_000);
    await tree.close();
  });
});

describe('the horizon', () => {
  it('keeps every version that a reader at or above it, or an older snapshot, can see', async () => {
    const disk = new SimDisk({ seed: 4 });
    const tree = await Tree.open({ disk, directory: '/t', options });
    const batch = new WriteBatch();
    for (let revision = 1; revision <= 10; revision++) {
      batch.clear();
      batch.put(utf8('key'), revision, utf8(`v${revision}`));
      tree.apply(batch);
      await tree.flush();
    }
    const versions = async (reads: Pick<Tree, 'iterator'>): Promise<number[]> => {
      const cursor = reads.iterator({ allVersions: true });
      const found: number[] = [];
      while (cursor.next() || (await cursor.load())) found.push(cursor.revision);
      cursor.close();
      return found;
    };
    await tree.compactRange();
    expect(await versions(tree)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    const snapshot = tree.snapshot();
    tree.setHorizon(6);
    await tree.compactRange();
    expect(await versions(tree)).toEqual([10, 9, 8, 7, 6]);
    expect(await versions(snapshot)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    snapshot.release();
    tree.setHorizon(REVISION_MAX);
    await tree.compactRange();
    expect(await versions(tree)).toEqual([10]);
    await tree.close();
  });
});

/** Time passes when somebody waits for it. */
class StepClock implements Clock {
  #now = 0;

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  schedule(delayMs: number, task: () => void): () => void {
    this.#now += delayMs;
    queueMicrotask(task);
    return () => undefined;
  }

  defer(task: () => void): void {
    queueMicrotask(task);
  }
}
