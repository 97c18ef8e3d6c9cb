import { Prng, randomChance, randomInteger, utf8 } from '@holdfast/io';
import { PowerLoss, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../testing/tree-model.ts';
import { REVISION_MAX } from '../limits.ts';
import { WriteBatch } from '../memtable/write-batch.ts';
import type { TreeOptions } from './options.ts';
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
const GROUP = 1;
const STEPS = 60;
const SEEDS = 40;
const CRASHES_PER_SEED = 12;

type Content = ReadonlyMap<string, string>;

/** Everything a history does follows from its seed; so does what the tree must hold after each of its batches. */
class History {
  readonly #random: Prng;
  readonly #contents: Content[] = [new Map()];
  /** Batches known to be durable. */
  acknowledged = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  contentAfter(batches: number): Content {
    const content = this.#contents[batches];
    if (content === undefined) throw new Error(`batch ${batches} was never written`);
    return content;
  }

  async run(disk: SimDisk): Promise<void> {
    const random = this.#random;
    let tree = await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
    for (let step = 0; step < STEPS; step++) {
      const dice = randomInteger(random, 0, 99);
      if (dice < 80) await this.#write(tree);
      else if (dice < 85) await this.#durably(tree, () => tree.flush());
      else if (dice < 89) await this.#durably(tree, () => tree.compactRange());
      else if (dice < 92) tree.setHorizon(REVISION_MAX);
      else if (dice < 94) await this.#durably(tree, () => tree.checkpoint(`/copy-${step}`));
      else if (dice < 97) {
        const [start, end] = [utf8('key3'), utf8('key7')];
        const { tables, rangeTombstones } = await tree.exportRange(`/export-${step}`, start, end);
        const paths = tables.map(({ path }) => path);
        await tree.ingest(paths, { rangeTombstones, replace: [{ start, end }] });
      } else {
        await this.#durably(tree, () => tree.close());
        tree = await Tree.open({ disk, directory: '/t', options: tiny, wal: true });
      }
    }
    await this.#durably(tree, () => tree.close());
  }

  async #write(tree: Tree): Promise<void> {
    const random = this.#random;
    const index = this.#contents.length;
    const content = new Map(this.#contents.at(-1));
    const batch = new WriteBatch();
    for (let i = 0; i < randomInteger(random, 1, 8); i++) {
      const key = `key${randomInteger(random, 0, 9)}${randomInteger(random, 0, 9)}`;
      if (randomChance(random, 0.2)) {
        batch.delete(utf8(key), index * 100 + i);
        content.delete(key);
      } else {
        const value = `${index}.${i}${'#'.repeat(randomInteger(random, 0, 80))}`;
        batch.put(utf8(key), index * 100 + i, utf8(value));
        content.set(key, value);
      }
    }
    if (randomChance(random, 0.05)) {
      const [start, end] = ['key4', 'key6'];
      batch.deleteRange(utf8(start), utf8(end), index * 100 + 99);
      for (const key of content.keys()) if (key >= start && key < end) content.delete(key);
    }
    batch.mark(GROUP, utf8(String(index)));
    this.#contents.push(content);
    const sync = randomChance(random, 0.5);
    await tree.write(batch, { sync });
    if (sync) this.acknowledged = index;
  }

  async #durably(tree: Tree, work: () => Promise<void>): Promise<void> {
    const written = Number(nameOf(tree.mark(GROUP) ?? utf8('0')));
    await work();
    this.acknowledged = Math.max(this.acknowledged, written);
  }
}

async function contentOf(tree: Tree): Promise<Content> {
  const rows: [string, string][] = [];
  for await (const { key, value } of tree.scan()) rows.push([nameOf(key), nameOf(value)]);
  return new Map(rows);
}

function sorted(content: Content): Content {
  return new Map([...content].sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('a power loss at random moments of random histories', () => {
  it('leaves a prefix of the batches that has every acknowledged one', { timeout: 120_000 }, async () => {
    let crashes = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const whole = new SimDisk({ seed });
      await new History(seed).run(whole);
      const random = new Prng(seed * 7_919);
      for (let i = 0; i < CRASHES_PER_SEED; i++) {
        const crashAfter = randomInteger(random, 0, whole.mutations - 1);
        const disk = new SimDisk({ seed, crashAfter });
        const history = new History(seed);
        try {
          await history.run(disk);
        } catch (error) {
          if (!(error instanceof PowerLoss) && !disk.crashed) throw error;
        }
        const keep = i % 3 === 0 ? 'none' : 'random';
        const point = `seed ${seed}, crash after ${crashAfter}, keep ${keep}`;
        const after = disk.crash({ keep, seed: i });
        const tree = await Tree.open({ disk: after, directory: '/t', options: tiny, wal: true });
        const mark = Number(nameOf(tree.mark(GROUP) ?? utf8('0')));
        expect(mark, point).toBeGreaterThanOrEqual(history.acknowledged);
        expect(await contentOf(tree), point).toEqual(sorted(history.contentAfter(mark)));
        await tree.close();
        crashes++;
      }
    }
    expect(crashes).toBe(SEEDS * CRASHES_PER_SEED);
  });
});
