import { existsSync, writeFileSync } from 'node:fs';
import { Prng, pureKernels, randomInteger, utf8 } from '@holdfast/io';
import { FileDisk, SystemClock } from '@holdfast/io-node';
import {
  CompactionAbortedError,
  InlineCompactor,
  REVISION_MAX,
  Tree,
  type TreeEvent,
  verifyDirectory,
  WriteBatch,
} from '@holdfast/lsm';
import { compactorConformance } from '@holdfast/lsm/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TemporaryDirectory, temporaryDirectory } from '../testing/temporary-directory.ts';
import { nodeCodecs } from './codecs.ts';
import { WorkerCompactor } from './worker-compactor.ts';

compactorConformance('WorkerCompactor', async () => {
  const directory = await temporaryDirectory();
  const compactor = new WorkerCompactor();
  return {
    disk: new FileDisk(),
    directory: directory.path,
    codecs: nodeCodecs,
    compactor,
    clock: new SystemClock(),
    async end() {
      await compactor.close();
      await directory.remove();
    },
  };
});

compactorConformance('InlineCompactor on files', async () => {
  const directory = await temporaryDirectory();
  const disk = new FileDisk();
  const clock = new SystemClock();
  const compactor = new InlineCompactor({ disk, kernels: pureKernels, codecs: nodeCodecs, clock });
  return {
    disk,
    directory: directory.path,
    codecs: nodeCodecs,
    compactor,
    clock,
    end: () => directory.remove(),
  };
});

describe('WorkerCompactor whose threads die', { timeout: 60_000 }, () => {
  let directory: TemporaryDirectory;
  let compactor: WorkerCompactor;
  let events: TreeEvent[];
  const disk = new FileDisk();
  beforeEach(async () => {
    directory = await temporaryDirectory();
    compactor = new WorkerCompactor({
      module: { moduleUrl: import.meta.url, name: '../testing/dying-worker' },
    });
    events = [];
  });
  afterEach(async () => {
    await compactor.close();
    await directory.remove();
  });

  const open = (): Promise<Tree> =>
    Tree.open({
      disk,
      directory: `${directory.path}/tree`,
      compactor,
      options: { memtableBytes: 16_384, tableBytes: 4_096, levelBaseBytes: 16_384 },
      onEvent: (event) => events.push(event),
    });
  const dieTimes = (times: number): void => writeFileSync(`${directory.path}/tree.deaths`, String(times));
  const failures = (): unknown[] =>
    events.flatMap((event) => (event.type === 'compaction-failed' ? [event.error] : []));

  it('tries again on a new thread, and loses nothing', async () => {
    dieTimes(2);
    const tree = await open();
    const expected = await fill(tree, 2_000);
    await tree.flush();
    await tree.compactionIdle();
    expect(failures()).toHaveLength(2);
    expect(failures().every((error) => error instanceof CompactionAbortedError)).toBe(true);
    expect(events.some(({ type }) => type === 'compaction-end')).toBe(true);
    expect(events.some(({ type }) => type === 'broken')).toBe(false);
    expect(compactor.stats.jobs).toBeGreaterThan(0);
    expect(compactor.stats.bytesWritten).toBeGreaterThan(0);
    await expectContent(tree, expected);
    await tree.close();
    const report = await verifyDirectory({ disk }, `${directory.path}/tree`);
    expect(report).toMatchObject({ faults: [], orphans: [] });
  });

  it('gives up when no thread lives: the tree takes no more writes, and opens again as it was', async () => {
    dieTimes(3);
    const tree = await open();
    await fill(tree, 2_000).catch((error: unknown) => expect(error).toMatchObject({ code: 'EBROKEN' }));
    await tree.compactionIdle();
    expect(failures()).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({ type: 'broken', error: { name: 'CompactionAbortedError' } });
    expect(() => tree.apply(new WriteBatch())).toThrow(/broken/);
    await tree.close();
    const again = await open();
    await again.compactionIdle();
    // What was not flushed is gone, by contract; what is there is whole.
    for await (const { value } of again.scan())
      expect(Buffer.from(value).toString()).toMatch(/^(value \d+ ){10}$/);
    await again.close();
    const report = await verifyDirectory({ disk }, `${directory.path}/tree`);
    expect(report).toMatchObject({ faults: [], orphans: [] });
  });

  it('writes a memtable on the own thread when that of the compactor died', async () => {
    const tree = await Tree.open({
      disk,
      directory: `${directory.path}/tree`,
      compactor,
      options: { memtableBytes: 2 ** 20, manualCompaction: true },
    });
    const expected = await fill(tree, 4_000);
    dieTimes(1);
    await tree.flush();
    expect(existsSync(`${directory.path}/tree.deaths`)).toBe(false);
    expect(compactor.stats.flushes).toBe(0);
    await fill(tree, 4_000);
    await tree.flush();
    expect(compactor.stats.flushes).toBe(1);
    await expectContent(tree, expected);
    await tree.close();
    const report = await verifyDirectory({ disk }, `${directory.path}/tree`);
    expect(report).toMatchObject({ tables: 2, faults: [], orphans: [] });
  });

  it('fails a manual compaction, which may be asked for again', async () => {
    const tree = await open();
    tree.setHorizon(REVISION_MAX);
    const expected = await fill(tree, 500);
    await tree.flush();
    await tree.compactionIdle();
    dieTimes(1);
    await expect(tree.compactRange()).rejects.toBeInstanceOf(CompactionAbortedError);
    await tree.compactRange();
    await expectContent(tree, expected);
    await tree.close();
  });
});

it('refuses jobs after it was closed', async () => {
  const compactor = new WorkerCompactor();
  await compactor.close();
  const directory = await temporaryDirectory();
  const tree = await Tree.open({
    disk: new FileDisk(),
    directory: directory.path,
    compactor,
    options: { manualCompaction: true },
  });
  await fill(tree, 20);
  await tree.flush();
  await fill(tree, 20);
  await expect(tree.compactRange()).rejects.toBeInstanceOf(CompactionAbortedError);
  await tree.close();
  await directory.remove();
});

async function fill(tree: Tree, writes: number): Promise<Map<string, string>> {
  const random = new Prng(9);
  const expected = new Map<string, string>();
  for (let revision = 1; revision <= writes; revision += 10) {
    const batch = new WriteBatch();
    for (let j = 0; j < 10; j++) {
      const key = `key${randomInteger(random, 0, 999)}`;
      const value = `value ${revision + j} `.repeat(10);
      batch.put(utf8(key), revision + j, utf8(value));
      expected.set(key, value);
    }
    const stall = tree.writable();
    if (stall !== undefined) await stall;
    tree.apply(batch);
  }
  return expected;
}

async function expectContent(tree: Tree, expected: ReadonlyMap<string, string>): Promise<void> {
  for (const [key, value] of expected) {
    const found = await tree.get(utf8(key));
    expect(found === undefined ? undefined : Buffer.from(found.value).toString()).toBe(value);
  }
}
