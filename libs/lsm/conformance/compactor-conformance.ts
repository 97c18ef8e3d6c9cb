import {
  type Clock,
  type Disk,
  joinPath,
  Prng,
  pureKernels,
  randomInteger,
  readWholeFile,
  utf8,
} from '@holdfast/io';
import {
  type BlockCodec,
  CompactionAbortedError,
  type CompactionJob,
  type Compactor,
  CorruptionError,
  InlineCompactor,
  REVISION_MAX,
  Tree,
  type TreeEvent,
  type TreeOptions,
  verifyDirectory,
  WriteBatch,
} from '@holdfast/lsm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Where a compactor works. */
export interface CompactorWorld {
  readonly disk: Disk;
  /** Empty; the world's own. */
  readonly directory: string;
  readonly codecs: readonly BlockCodec[];
  readonly compactor: Compactor;
  /** Needed for the test of the rate limit. */
  readonly clock?: Clock;
  end(): Promise<void>;
}

const TINY: TreeOptions = {
  memtableBytes: 16_384,
  blockBytes: 512,
  tableBytes: 4_096,
  levelBaseBytes: 16_384,
  levelRatio: 3,
  manualCompaction: true,
  level0StallTables: 100_000,
};

/** What a tree expects of a {@link Compactor}: the outputs of {@link InlineCompactor}, errors that keep their type. */
export function compactorConformance(name: string, open: () => Promise<CompactorWorld>): void {
  describe(`${name} as Compactor`, { timeout: 60_000 }, () => {
    let world: CompactorWorld;
    let events: TreeEvent[];
    let begun: PromiseWithResolvers<void>;
    beforeEach(async () => {
      world = await open();
      events = [];
      begun = Promise.withResolvers();
    });
    afterEach(() => world.end());

    const treeIn = (directory: string, compactor: Compactor, options: TreeOptions = {}): Promise<Tree> =>
      Tree.open({
        disk: world.disk,
        directory: joinPath(world.directory, directory),
        compactor,
        options: { ...TINY, codecs: world.codecs, ...options },
        onEvent: (event) => {
          events.push(event);
          if (event.type === 'compaction-begin') begun.resolve();
        },
      });
    const tableFiles = async (directory: string): Promise<Map<string, Uint8Array>> => {
      const path = joinPath(world.directory, directory);
      const names = (await world.disk.list(path)).filter((file) => file.endsWith('.sst'));
      const files = new Map<string, Uint8Array>();
      for (const file of names) files.set(file, await readWholeFile(world.disk, joinPath(path, file)));
      return files;
    };

    it('writes byte for byte the tables of the inline one', async () => {
      const inline = new InlineCompactor({ disk: world.disk, kernels: pureKernels, codecs: world.codecs });
      const compressions = ['none' as const, ...world.codecs.map((codec) => codec.name)];
      for (const compression of compressions) {
        const [ours, theirs] = [`ours-${compression}`, `inline-${compression}`];
        const trees = [await treeIn(ours, world.compactor), await treeIn(theirs, inline)];
        await Promise.all(trees.map((tree) => tree.close()));
        const options = { compression: [compression] };
        const [a, b] = [await treeIn(ours, world.compactor, options), await treeIn(theirs, inline, options)];
        for (const tree of [a, b]) {
          await fill(tree, new Prng(7), 1_500);
          tree.setHorizon(900);
          await tree.compactRange();
          await fill(tree, new Prng(8), 500);
          await tree.deleteRange(utf8('key1'), utf8('key3'), 5_000);
          await tree.deleteRange(utf8('key8'), undefined, 5_001);
          tree.setHorizon(REVISION_MAX);
          await tree.compactRange();
        }
        expect(a.stats().compaction.bytesWritten).toBeGreaterThan(0);
        expect(a.stats().levels.map(({ tables }) => tables)).toEqual(
          b.stats().levels.map(({ tables }) => tables),
        );
        await Promise.all([a.close(), b.close()]);
        const [mine, expected] = [await tableFiles(ours), await tableFiles(theirs)];
        expect([...mine.keys()]).toEqual([...expected.keys()]);
        for (const [file, bytes] of mine) expect(Buffer.compare(bytes, expected.get(file)!), file).toBe(0);
      }
    });

    it('writes memtables as the tree itself does', async () => {
      const options = { memtableBytes: 2 ** 20, blockBytes: 4_096 };
      const inline = new InlineCompactor({ disk: world.disk, kernels: pureKernels, codecs: world.codecs });
      for (const [directory, compactor] of [
        ['ours', world.compactor],
        ['inline', inline],
      ] as const) {
        const tree = await treeIn(directory, compactor, options);
        await fill(tree, new Prng(11), 30_000);
        await tree.deleteRange(utf8('key1'), undefined, 40_000);
        await tree.flush();
        await fill(tree, new Prng(12), 10);
        await tree.flush();
        expect(tree.stats().levels[0]!.tables).toBeGreaterThan(2);
        await tree.close();
      }
      const [mine, expected] = [[...(await tableFiles('ours'))], [...(await tableFiles('inline'))]];
      expect(mine).toHaveLength(expected.length);
      // Numbers may differ, and with them the checksums, which are bound to the file.
      for (const [i, [, bytes]] of mine.entries()) expect(bytes.length).toBe(expected[i]![1].length);
      const ours = await treeIn('ours', world.compactor, options);
      const theirs = await treeIn('inline', inline, options);
      const [a, b] = [ours.iterator(), theirs.iterator()];
      while (b.next() || (await b.load())) {
        expect(a.next() || (await a.load())).toBe(true);
        if (Buffer.compare(a.key, b.key) !== 0 || Buffer.compare(a.value, b.value) !== 0)
          expect.unreachable();
        expect(a.revision).toBe(b.revision);
      }
      expect(a.next() || (await a.load())).toBe(false);
      a.close();
      b.close();
      await Promise.all([ours.close(), theirs.close()]);
    });

    it('goes on while the tree is written and read', async () => {
      const options = { manualCompaction: false, memtableBytes: 32_768 };
      const tree = await treeIn('t', world.compactor, options);
      const random = new Prng(3);
      for (let round = 0; round < 8; round++) {
        await fill(tree, random, 400);
        for (let i = 0; i < 50; i++) await tree.get(keyOf(randomInteger(random, 0, KEYS - 1)));
      }
      await tree.compactionIdle();
      expect(events.some(({ type }) => type === 'compaction-end')).toBe(true);
      expect(events.filter(({ type }) => type === 'broken' || type === 'compaction-failed')).toEqual([]);
      await tree.close();
      const report = await verifyDirectory(world, joinPath(world.directory, 't'));
      expect(report).toMatchObject({ orphans: [], faults: [] });
    });

    it('reports damage with its place, and leaves the inputs as they were', async () => {
      const tree = await treeIn('t', world.compactor, { mmap: false });
      await fill(tree, new Prng(4), 1_000);
      await tree.flush();
      const before = await tableFiles('t');
      const [victim] = [...before.keys()];
      const path = joinPath(world.directory, 't', victim!);
      const file = await world.disk.open(path, 'never');
      await file.write([Uint8Array.of(before.get(victim!)![700]! ^ 1)], 700, false);
      await file.close();
      const error: unknown = await tree.compactRange().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CorruptionError);
      expect(error).toMatchObject({ kind: 'table', path, detail: 'checksum of a block' });
      expect((error as CorruptionError).offset).toBeLessThanOrEqual(700);
      expect([...(await tableFiles('t')).keys()]).toEqual([...before.keys()]);
      expect(events.filter(({ type }) => type === 'broken')).toEqual([]);
      await tree.close();
    });

    it('reports a failure of the disk as one', async () => {
      const job = jobFor(joinPath(world.directory, 'nowhere'), 9);
      await expect(world.compactor.run(job)).rejects.toMatchObject({ name: 'DiskError', code: 'ENOENT' });
    });

    it('ends a job that is cancelled; closing the tree does that', async () => {
      const tree = await treeIn('t', world.compactor, { memtableBytes: 2 ** 18 });
      await fill(tree, new Prng(5), 20_000);
      const compaction = tree.compactRange().then(
        () => 'done',
        (error: unknown) => (error as Error).name,
      );
      await begun.promise;
      await tree.close();
      const outcome = await compaction;
      expect(['done', 'ClosedError']).toContain(outcome);
      const failed = events.find((event) => event.type === 'compaction-failed');
      if (failed !== undefined) expect(failed.error).toBeInstanceOf(CompactionAbortedError);
      expect(await verifyDirectory(world, joinPath(world.directory, 't'))).toMatchObject({
        faults: [],
        orphans: [],
      });
      const again = await treeIn('t', world.compactor);
      await again.compactRange();
      await again.close();
    });

    it('keeps to its rate, and can be cancelled while it waits', async () => {
      const { clock, compactor } = world;
      if (clock === undefined) return;
      const tree = await treeIn('t', compactor, {
        compactionBytesPerSecond: 2 * 2 ** 20,
        memtableBytes: 2 ** 20,
        tableBytes: 2 ** 20,
      });
      await fill(tree, new Prng(6), 24_000);
      await tree.flush();
      const from = clock.monotonicMs();
      await tree.compactRange();
      const seconds = (clock.monotonicMs() - from) / 1_000;
      const { bytesWritten } = tree.stats().compaction;
      expect(bytesWritten).toBeGreaterThan(2 ** 20);
      // A tenth of a second may be caught up, and the last chunk is not waited for.
      expect(seconds).toBeGreaterThan((bytesWritten - 512 * 1_024) / (2 * 2 ** 20) - 0.15);
      await tree.close();
      const slow = await treeIn('t', compactor, { compactionBytesPerSecond: 1_000 });
      begun = Promise.withResolvers();
      const compaction = expect(slow.compactRange()).rejects.toThrow();
      await begun.promise;
      await slow.close();
      await compaction;
    });
  });
}

const KEYS = 2_000;

function keyOf(i: number): Uint8Array {
  return utf8(`key${i}`);
}

/** Versions of random keys, a tenth of them tombstones. */
async function fill(tree: Tree, random: Prng, writes: number): Promise<void> {
  const batch = new WriteBatch();
  let revision = nextRevision.get(tree) ?? 1;
  for (let i = 0; i < writes; i += 20) {
    batch.clear();
    for (let j = 0; j < 20; j++, revision++) {
      const key = keyOf(randomInteger(random, 0, KEYS - 1));
      if (randomInteger(random, 0, 9) === 0) batch.delete(key, revision);
      else batch.put(key, revision, utf8(`value ${revision} `.repeat(randomInteger(random, 1, 8))));
    }
    const stall = tree.writable();
    if (stall !== undefined) await stall;
    tree.apply(batch);
  }
  nextRevision.set(tree, revision);
}

const nextRevision = new WeakMap<Tree, number>();

/** One input that does not exist. */
function jobFor(directory: string, number: number): CompactionJob {
  const key = utf8('key');
  const meta = {
    number,
    binding: number,
    fileBytes: 1_000,
    entries: 1,
    tombstones: 0,
    rawBytes: 10,
    revisionMin: 1,
    revisionMax: 1,
    smallestKey: key,
    largestKey: key,
  };
  return {
    directory,
    runs: [[meta]],
    horizon: 0,
    rangeTombstones: [],
    deeper: [],
    tableBytes: 4_096,
    blockBytes: 512,
    restartInterval: 8,
    bloomBitsPerKey: 10,
    compression: 'none',
    numberFirst: number + 1,
    numberCount: 10,
    bindingBase: 0,
    bytesPerSecond: 0,
  };
}
