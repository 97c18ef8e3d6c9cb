import {
  compareBytes,
  type Disk,
  Prng,
  type Random,
  randomChance,
  randomInteger,
  randomPick,
  utf8,
} from '@holdfast/io';
import type { Reads, Snapshot } from '../src/tree/snapshot.ts';
import type { TreeOptions } from '../src/tree/options.ts';
import { Tree } from '../src/tree/tree.ts';
import { WriteBatch } from '../src/memtable/write-batch.ts';
import { nameOf, TreeModel } from './tree-model.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly steps: number;
  readonly disk: Disk;
  readonly directory?: string;
  readonly tree?: TreeOptions;
  readonly wal?: boolean;
  /** Keys in use. Default 300. */
  readonly keys?: number;
  /** Move the horizon: old versions may go. Default true. */
  readonly horizon?: boolean;
  readonly rangeDeletes?: boolean;
  /** Flushes and compactions are started and not awaited. For disks that take time. */
  readonly concurrent?: boolean;
}

/** Counts, so that a test can demand that the history was not boring. */
export interface HistoryReport {
  writes: number;
  reads: number;
  scanned: number;
  flushes: number;
  compactions: number;
  reopenings: number;
  snapshots: number;
  transfers: number;
}

interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly model: TreeModel;
  readonly revision: number;
  readonly horizon: number;
}

/** Does the same random operations to a tree and to a {@link TreeModel} and throws where they differ. */
export class TreeHistory {
  readonly #options: HistoryOptions;
  readonly #random: Random;
  readonly #keys: readonly Uint8Array[];
  readonly #batch = new WriteBatch();
  #model = new TreeModel();
  #held: HeldSnapshot[] = [];
  #background: Promise<void>[] = [];
  #tree!: Tree;
  #revision = 10;
  #horizon = 0;
  #copies = 0;
  readonly report: HistoryReport = {
    writes: 0,
    reads: 0,
    scanned: 0,
    flushes: 0,
    compactions: 0,
    reopenings: 0,
    snapshots: 0,
    transfers: 0,
  };

  constructor(options: HistoryOptions) {
    this.#options = options;
    const random = new Prng(options.seed);
    this.#random = random;
    this.#keys = Array.from({ length: options.keys ?? 300 }, () => randomKey(random));
  }

  async run(): Promise<HistoryReport> {
    this.#tree = await this.#open(this.#directory);
    for (let step = 0; step < this.#options.steps; step++) {
      await this.#step();
      const stall = this.#tree.writable();
      if (stall !== undefined) await stall;
    }
    await this.#settle();
    await this.#check(this.#tree, this.#model, this.#revision, this.#horizon, true);
    for (const held of this.#held.splice(0)) await this.#checkHeld(held);
    await this.#tree.close();
    return this.report;
  }

  get #directory(): string {
    return this.#options.directory ?? '/tree';
  }

  #open(directory: string): Promise<Tree> {
    const { disk, tree, wal } = this.#options;
    return Tree.open({
      disk,
      directory,
      ...(tree === undefined ? {} : { options: tree }),
      ...(wal === undefined ? {} : { wal }),
      onEvent: ({ type }) => {
        if (type === 'flush-end') this.report.flushes++;
        if (type === 'compaction-end') this.report.compactions++;
        if (type === 'broken' || type === 'corruption') throw new Error(`event ${type}`);
      },
    });
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const dice = randomInteger(random, 0, 999);
    if (dice < 500) return this.#write();
    if (dice < 800) return this.#read(this.#tree, this.#model, this.#someRevision());
    if (dice < 920) return this.#scan(this.#tree, this.#model, this.#someRevision());
    if (dice < 940) return this.#inBackground(this.#tree.flush());
    if (dice < 955) return this.#takeSnapshot();
    if (dice < 970) {
      const held = this.#held.shift();
      return held === undefined ? undefined : this.#checkHeld(held);
    }
    if (dice < 978) return this.#moveHorizon();
    if (dice < 984) return this.#compact();
    if (dice < 988) return this.#deleteRange();
    if (dice < 994) return this.#reopen();
    return this.#transfer();
  }

  async #write(): Promise<void> {
    const random = this.#random;
    const batch = this.#batch;
    batch.clear();
    for (let i = randomInteger(random, 1, 30); i > 0; i--) {
      const key = randomPick(random, this.#keys);
      this.#revision += randomInteger(random, 0, 2);
      if (randomChance(random, 0.25)) {
        batch.delete(key, this.#revision);
        this.#model.put(key, this.#revision, undefined);
      } else {
        const value = randomValue(random);
        batch.put(key, this.#revision, value);
        this.#model.put(key, this.#revision, value);
      }
      this.report.writes++;
    }
    const group = randomInteger(random, 1, 3);
    const mark = `mark ${this.#revision}`;
    batch.mark(group, utf8(mark));
    this.#model.marks.set(group, mark);
    if (this.#options.wal === true) await this.#tree.write(batch, { sync: randomChance(random, 0.3) });
    else this.#tree.apply(batch);
  }

  async #deleteRange(): Promise<void> {
    if (this.#options.rangeDeletes === false) return;
    const { start, end } = this.#someBounds();
    this.#revision++;
    await this.#tree.deleteRange(start, end, this.#revision);
    this.#model.deleteRange(start, end, this.#revision);
  }

  async #read(reads: Reads, model: TreeModel, revision: number): Promise<void> {
    const random = this.#random;
    const keys = Array.from({ length: randomInteger(random, 1, 10) }, () =>
      randomChance(random, 0.9) ? randomPick(random, this.#keys) : randomKey(random),
    );
    const many = randomChance(random, 0.3) ? await reads.multiGet(keys, revision) : undefined;
    for (const [i, key] of keys.entries()) {
      const expected = model.get(key, revision);
      const found = many === undefined ? await readOne(reads, key, revision, i % 2 === 1) : many[i];
      const isSame =
        found === undefined
          ? expected === undefined
          : expected !== undefined &&
            found.revision === expected.revision &&
            compareBytes(found.value, expected.value!) === 0;
      if (!isSame) {
        throw new Error(
          `get ${nameOf(key)} at ${revision}: found ${describe(found)}, expected ${describe(expected)} (horizon ${this.#horizon})`,
        );
      }
      this.report.reads++;
    }
  }

  async #scan(reads: Reads, model: TreeModel, revision: number, whole = false): Promise<void> {
    const random = this.#random;
    const { start, end } = whole ? NO_BOUNDS : this.#someBounds();
    const reverse = randomChance(random, 0.5);
    const seekKey = !whole && randomChance(random, 0.3) ? randomPick(random, this.#keys) : undefined;
    const limit =
      !whole && randomChance(random, 0.5) ? randomInteger(random, 1, 30) : Number.POSITIVE_INFINITY;
    let expected = model.scan(start, end, revision, reverse);
    if (seekKey !== undefined) {
      expected = expected.filter(({ key }) =>
        reverse ? compareBytes(key, seekKey) <= 0 : compareBytes(key, seekKey) >= 0,
      );
    }
    const cursor = reads.iterator({
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      reverse,
      revision,
    });
    try {
      if (seekKey !== undefined) cursor.seek(seekKey);
      let count = 0;
      while (count < limit && (cursor.next() || (await cursor.load()))) {
        const entry = expected[count++];
        const isSame =
          entry !== undefined &&
          compareBytes(entry.key, cursor.key) === 0 &&
          entry.revision === cursor.revision &&
          compareBytes(entry.value!, cursor.value) === 0;
        if (!isSame) {
          throw new Error(
            `scan at ${revision}, reverse ${reverse}: entry ${count} is ${nameOf(cursor.key)}@${cursor.revision}, expected ${describe(entry)} ${entry === undefined ? '' : nameOf(entry.key)}`,
          );
        }
        this.report.scanned++;
        // A write in the middle of a scan does not show.
        if (reads === this.#tree && randomChance(random, 0.01)) await this.#write();
      }
      if (count < Math.min(limit, expected.length))
        throw new Error(`scan ended after ${count} of ${expected.length}`);
    } finally {
      cursor.close();
    }
  }

  #takeSnapshot(): void {
    this.report.snapshots++;
    this.#held.push({
      snapshot: this.#tree.snapshot(),
      model: this.#model.fork(),
      revision: this.#revision,
      horizon: this.#horizon,
    });
    if (this.#held.length > 4) this.#held.shift()!.snapshot.release();
  }

  async #checkHeld({ snapshot, model, revision, horizon }: HeldSnapshot): Promise<void> {
    await this.#check(snapshot, model, revision, horizon, false);
    snapshot.release();
  }

  async #check(
    reads: Reads,
    model: TreeModel,
    revision: number,
    horizon: number,
    isLive: boolean,
  ): Promise<void> {
    await this.#scan(reads, model, revision, true);
    await this.#scan(reads, model, randomInteger(this.#random, horizon, revision), true);
    for (let i = 0; i < 5; i++)
      await this.#read(reads, model, randomInteger(this.#random, horizon, revision));
    if (!isLive) return;
    for (const [group, mark] of model.marks) {
      const found = this.#tree.mark(group);
      if (found === undefined || nameOf(found) !== mark) throw new Error(`mark of group ${group}`);
    }
  }

  #moveHorizon(): void {
    if (this.#options.horizon === false) return;
    this.#horizon = Math.max(this.#horizon, this.#revision - randomInteger(this.#random, 0, 1_000));
    this.#tree.setHorizon(this.#horizon);
  }

  async #compact(): Promise<void> {
    const { start, end } = randomChance(this.#random, 0.3) ? NO_BOUNDS : this.#someBounds();
    await this.#inBackground(this.#tree.compactRange(start, end));
  }

  async #inBackground(work: Promise<void>): Promise<void> {
    if (this.#options.concurrent === true) this.#background.push(work);
    else await work;
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#background.splice(0));
  }

  async #reopen(): Promise<void> {
    await this.#settle();
    for (const { snapshot } of this.#held.splice(0)) snapshot.release();
    if (this.#options.wal !== true) await this.#tree.flush();
    await this.#tree.close();
    this.#tree = await this.#open(this.#directory);
    this.#tree.setHorizon(this.#horizon);
    this.report.reopenings++;
    await this.#check(this.#tree, this.#model, this.#revision, this.#horizon, true);
  }

  /** Moves a range, or the whole tree, through files and reads it from there. */
  async #transfer(): Promise<void> {
    const directory = `/copy-${this.#copies++}`;
    this.report.transfers++;
    await this.#settle();
    if (randomChance(this.#random, 0.5)) {
      await this.#tree.checkpoint(directory);
      const copy = await this.#open(directory);
      await this.#check(copy, this.#model, this.#revision, this.#horizon, false);
      await copy.close();
      return;
    }
    const { start, end } = this.#someBounds();
    const { tables, rangeTombstones, horizon } = await this.#tree.exportRange(directory, start, end);
    const paths = tables.map(({ path }) => path);
    const marks = new Map([[1, utf8(this.#model.marks.get(1) ?? 'none')]]);
    this.#model.marks.set(1, this.#model.marks.get(1) ?? 'none');
    await this.#tree.ingest(paths, { rangeTombstones, horizon, marks, replace: [{ start, end }] });
    await this.#check(this.#tree, this.#model, this.#revision, this.#horizon, true);
  }

  #someRevision(): number {
    const random = this.#random;
    return randomChance(random, 0.5) ? this.#revision : randomInteger(random, this.#horizon, this.#revision);
  }

  #someBounds(): { readonly start: Uint8Array | undefined; readonly end: Uint8Array | undefined } {
    const random = this.#random;
    let start = randomChance(random, 0.2) ? undefined : randomPick(random, this.#keys);
    let end = randomChance(random, 0.2) ? undefined : randomPick(random, this.#keys);
    if (start !== undefined && end !== undefined && compareBytes(start, end) > 0) [start, end] = [end, start];
    return { start, end };
  }
}

const NO_BOUNDS = { start: undefined, end: undefined };

/** Keys that are prefixes of each other, share long prefixes, and have bytes at both ends of the range. */
function randomKey(random: Random): Uint8Array {
  const shape = randomInteger(random, 0, 3);
  const length = shape === 0 ? randomInteger(random, 1, 3) : randomInteger(random, 1, 24);
  const key = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    if (shape === 1) key[i] = randomPick(random, [0, 0, 0xff, 0x61]);
    else if (shape === 2) key[i] = i < 12 ? 0x62 : randomInteger(random, 0x30, 0x32);
    else key[i] = randomInteger(random, 0, 255);
  }
  return key;
}

function randomValue(random: Random): Uint8Array {
  const length = randomChance(random, 0.02) ? randomInteger(random, 0, 3_000) : randomInteger(random, 0, 60);
  const value = new Uint8Array(length);
  for (let i = 0; i < length; i++) value[i] = random.nextU32();
  return value;
}

function describe(
  entry: { readonly revision: number; readonly value: Uint8Array | undefined } | undefined,
): string {
  return entry === undefined ? 'nothing' : `revision ${entry.revision} of ${entry.value?.length} bytes`;
}

/** One key by `get` or by `find`; what they point at is copied before anything is awaited. */
async function readOne(
  reads: Reads,
  key: Uint8Array,
  revision: number,
  isFind: boolean,
): Promise<{ readonly value: Uint8Array; readonly revision: number } | undefined> {
  if (!isFind) {
    const lookup = reads.get(key, revision);
    const found = lookup instanceof Promise ? await lookup : lookup;
    return found === undefined ? undefined : { value: found.value.slice(), revision: found.revision };
  }
  const lookup = reads.find(key, revision);
  const found = lookup instanceof Promise ? await lookup : lookup;
  if (found === undefined) return undefined;
  return { value: found.value.slice(found.valueStart, found.valueEnd), revision: found.revision };
}
