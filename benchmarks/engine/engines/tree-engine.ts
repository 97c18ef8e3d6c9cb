import { REVISION_MAX, type Tree, WriteBatch } from '@holdfast/lsm';
import { type OpenedTree, openTree } from '@holdfast/lsm-node';
import { KEY_BYTES, makeValues, valueOf, writeAnyKey, writeKey } from '../keys.ts';
import { type Engine, type EngineOptions, sink, type WriteShape } from './engine.ts';

/** Our tree, by its own interface, with its write-ahead log. */
export class TreeEngine implements Engine {
  #opened!: OpenedTree;
  #values: readonly Buffer[] = [];
  readonly #key = new Uint8Array(KEY_BYTES);
  readonly #batch = new WriteBatch();
  #revision = 1;

  get #tree(): Tree {
    return this.#opened.tree;
  }

  async open(directory: string, { cacheBytes, valueBytes, tree, sync }: EngineOptions): Promise<void> {
    this.#values = makeValues(valueBytes);
    this.#opened = await openTree(directory, {
      wal: true,
      // The benchmark serves nobody while it waits for the disk.
      logWrites: sync ? 'caller' : 'thread',
      options: { blockCacheBytes: cacheBytes, syncReads: true, ...tree },
    });
    this.#tree.setHorizon(REVISION_MAX);
    // Later than everything in the directory: the workloads that open a filled one write less than this.
    this.#revision = Date.now() * 4_096;
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  put(numbers: Uint32Array, shape: WriteShape): Promise<void> {
    return this.#write(numbers, shape, (batch, key, number) => {
      batch.put(key, this.#revision++, valueOf(this.#values, number));
    });
  }

  delete(numbers: Uint32Array, shape: WriteShape): Promise<void> {
    return this.#write(numbers, shape, (batch, key) => batch.delete(key, this.#revision++));
  }

  async #write(
    numbers: Uint32Array,
    { batch: batchSize, inFlight, sync, pause }: WriteShape,
    add: (batch: WriteBatch, key: Uint8Array, number: number) => void,
  ): Promise<void> {
    const tree = this.#tree;
    const batch = this.#batch;
    const key = this.#key;
    const options = { sync };
    let waiting: Promise<void>[] = [];
    for (let from = 0; from < numbers.length; from += batchSize) {
      const to = Math.min(from + batchSize, numbers.length);
      batch.clear();
      for (let i = from; i < to; i++) {
        writeKey(key, numbers[i]);
        add(batch, key, numbers[i]);
      }
      waiting.push(tree.write(batch, options));
      if (waiting.length < inFlight) continue;
      await Promise.all(waiting);
      waiting = [];
      if (pause !== undefined) await pause();
    }
    await Promise.all(waiting);
  }

  async get(numbers: Uint32Array): Promise<number> {
    const tree = this.#tree;
    const key = this.#key;
    let count = 0;
    let sum = 0;
    for (let i = 0; i < numbers.length; i++) {
      writeAnyKey(key, numbers[i]);
      let found = tree.find(key);
      if (found instanceof Promise) found = await found;
      if (found === undefined) continue;
      sum += found.value[found.valueStart] + found.value[found.valueEnd - 1];
      count++;
    }
    sink.sum += sum;
    return count;
  }

  async getAwaited(numbers: Uint32Array, inFlight: number): Promise<number> {
    let count = 0;
    const one = async (number: number): Promise<void> => {
      const key = new Uint8Array(KEY_BYTES);
      writeAnyKey(key, number);
      const found = await this.#tree.get(key);
      if (found !== undefined) count++;
    };
    for (let from = 0; from < numbers.length; from += inFlight) {
      const waiting: Promise<void>[] = [];
      for (let i = from; i < Math.min(from + inFlight, numbers.length); i++) waiting.push(one(numbers[i]));
      await Promise.all(waiting);
    }
    return count;
  }

  async getMany(numbers: Uint32Array, batch: number): Promise<number> {
    const tree = this.#tree;
    const keys = Array.from({ length: batch }, () => new Uint8Array(KEY_BYTES));
    let count = 0;
    for (let from = 0; from + batch <= numbers.length; from += batch) {
      for (let i = 0; i < batch; i++) writeAnyKey(keys[i], numbers[from + i]);
      let found = tree.multiGet(keys);
      if (found instanceof Promise) found = await found;
      for (const lookup of found) {
        if (lookup === undefined) continue;
        sink.sum += lookup.value[0];
        count++;
      }
    }
    return count;
  }

  async ranges(starts: Uint32Array, length: number): Promise<number> {
    const tree = this.#tree;
    let count = 0;
    for (const number of starts) {
      const start = new Uint8Array(KEY_BYTES);
      writeKey(start, number);
      const cursor = tree.iterator({ start });
      let sum = 0;
      for (let i = 0; i < length; i++) {
        if (!cursor.next() && !(await cursor.load())) break;
        const { key, keyStart, value, valueStart } = cursor.entry;
        sum += key[keyStart] + value[valueStart];
        count++;
      }
      cursor.close();
      sink.sum += sum;
    }
    return count;
  }

  async scan(reverse: boolean): Promise<number> {
    const cursor = this.#tree.iterator({ reverse });
    let count = 0;
    let sum = 0;
    while (cursor.next() || (await cursor.load())) {
      const { key, keyStart, value, valueStart } = cursor.entry;
      sum += key[keyStart] + value[valueStart];
      count++;
    }
    cursor.close();
    sink.sum += sum;
    return count;
  }

  async mixed(numbers: Uint32Array, inFlight: number): Promise<number> {
    const tree = this.#tree;
    const key = this.#key;
    const batch = this.#batch;
    const options = { sync: false };
    let waiting: Promise<void>[] = [];
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      writeKey(key, number);
      if ((i & 1) === 0) {
        let found = tree.find(key);
        if (found instanceof Promise) found = await found;
        if (found !== undefined) sink.sum += found.value[found.valueStart];
        continue;
      }
      batch.clear();
      batch.put(key, this.#revision++, valueOf(this.#values, number));
      waiting.push(tree.write(batch, options));
      if (waiting.length < inFlight) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    await Promise.all(waiting);
    return numbers.length;
  }

  async settle(): Promise<void> {
    await this.#tree.compactRange();
    await this.#tree.compactionIdle();
  }

  facts(): Readonly<Record<string, number>> {
    const { writeAmplification, spaceAmplification, compaction } = this.#tree.stats();
    return { writeAmplification, spaceAmplification, compactions: compaction.compactions };
  }
}
