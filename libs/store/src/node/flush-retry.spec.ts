import { DiskError, utf8 } from '@holdfast/io';
import { Tree, type TreeEvent, WriteBatch } from '@holdfast/lsm';
import { SimDisk } from '@holdfast/sim';
import { expect, it } from 'vitest';
import { FlushRetry } from './flush-retry.ts';

it('tries a compaction again that a full disk has stopped, although nothing is written meanwhile', async () => {
  const disk = new SimDisk({ seed: 1 });
  let nowMs = 0;
  const relay: { hear: (event: TreeEvent) => void } = { hear: () => undefined };
  const failures: unknown[] = [];
  const tree = await Tree.open({
    disk,
    directory: '/t',
    onEvent: (event) => relay.hear(event),
    options: { level0CompactionTables: 2 },
  });
  const clock = {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    schedule: () => () => undefined,
    defer: () => undefined,
  };
  const retry = new FlushRetry(clock, tree);
  relay.hear = (event) => {
    retry.heard(event);
    if (event.type === 'compaction-failed') failures.push(event.error);
  };
  const batch = new WriteBatch();
  for (let revision = 1; failures.length === 0; revision++) {
    expect(revision).toBeLessThan(20);
    batch.put(utf8('k'), revision, new Uint8Array(1000));
    tree.apply(batch);
    batch.clear();
    await tree.flush();
    // Room for what is there, none for what a compaction makes of it.
    disk.faults.capacityBytes = disk.usedBytes;
    await tree.compactionIdle();
    if (failures.length === 0) disk.faults.capacityBytes = Number.MAX_SAFE_INTEGER;
  }
  expect(failures[0]).toBeInstanceOf(DiskError);
  expect(tree.stats().compaction.compactions).toBe(0);
  disk.faults.capacityBytes = Number.MAX_SAFE_INTEGER;
  nowMs = 2_000;
  retry.tick();
  await tree.compactionIdle();
  expect(tree.stats().compaction.compactions).toBe(1);
});
