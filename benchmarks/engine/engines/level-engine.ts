import { HoldfastLevel } from '@holdfast/level';
import type { AbstractLevel } from 'abstract-level';
import { ClassicLevel } from 'classic-level';
import { KEY_BYTES, makeValues, valueOf, writeAnyKey, writeKey } from '../keys.ts';
import { type Engine, type EngineOptions, sink, type WriteShape } from './engine.ts';

type Level = AbstractLevel<string | Buffer | Uint8Array, Buffer, Buffer> & {
  compactRange(start: Buffer, end: Buffer): Promise<void>;
};

const LAST_KEY = Buffer.alloc(KEY_BYTES, 0xff);
const FIRST_KEY = Buffer.alloc(1);

/** Any database of the Level ecosystem, with Buffers: its fastest encoding. */
export class LevelEngine implements Engine {
  readonly #create: (directory: string, options: EngineOptions) => Level;
  #db!: Level;
  #values: readonly Buffer[] = [];

  private constructor(create: (directory: string, options: EngineOptions) => Level) {
    this.#create = create;
  }

  /** LevelDB, compiled: no compression, a bloom filter of 10 bits as it always has. */
  static classic(): LevelEngine {
    return new LevelEngine((directory, { cacheBytes }) => {
      const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' };
      const sizes = {
        cacheSize: cacheBytes,
        writeBufferSize: 32 * 1024 * 1024,
        maxFileSize: 8 * 1024 * 1024,
      };
      return new ClassicLevel<Buffer, Buffer>(directory, { ...encodings, ...sizes, compression: false });
    });
  }

  static holdfast(): LevelEngine {
    return new LevelEngine((directory, { cacheBytes, tree }) => {
      const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' };
      const options = { blockCacheBytes: cacheBytes, ...tree };
      return new HoldfastLevel<Buffer, Buffer>(directory, { ...encodings, tree: options });
    });
  }

  async open(directory: string, options: EngineOptions): Promise<void> {
    this.#values = makeValues(options.valueBytes);
    this.#db = this.#create(directory, options);
    await this.#db.open();
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async put(numbers: Uint32Array, shape: WriteShape): Promise<void> {
    const { batch, inFlight, sync } = shape;
    const options: object = { sync };
    // Keys are read after the call has returned: each one that is in flight has its own.
    const keys = Array.from({ length: batch * inFlight }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    await this.#write(numbers, shape, (from, to, slot) => {
      if (batch === 1) {
        const key = keys[slot];
        writeKey(key, numbers[from]);
        return this.#db.put(key, valueOf(this.#values, numbers[from]), options);
      }
      const operations: { type: 'put'; key: Buffer; value: Buffer }[] = [];
      for (let i = from; i < to; i++) {
        const key = keys[slot * batch + i - from];
        writeKey(key, numbers[i]);
        operations.push({ type: 'put', key, value: valueOf(this.#values, numbers[i]) });
      }
      return this.#db.batch(operations, options);
    });
  }

  async delete(numbers: Uint32Array, shape: WriteShape): Promise<void> {
    const { batch, inFlight, sync } = shape;
    const options: object = { sync };
    const keys = Array.from({ length: batch * inFlight }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    await this.#write(numbers, shape, (from, to, slot) => {
      const operations: { type: 'del'; key: Buffer }[] = [];
      for (let i = from; i < to; i++) {
        const key = keys[slot * batch + i - from];
        writeKey(key, numbers[i]);
        operations.push({ type: 'del', key });
      }
      return this.#db.batch(operations, options);
    });
  }

  async #write(
    numbers: Uint32Array,
    { batch, inFlight, pause }: WriteShape,
    write: (from: number, to: number, slot: number) => Promise<void>,
  ): Promise<void> {
    let waiting: Promise<void>[] = [];
    for (let from = 0; from < numbers.length; from += batch) {
      waiting.push(write(from, Math.min(from + batch, numbers.length), waiting.length));
      if (waiting.length < inFlight) continue;
      await Promise.all(waiting);
      waiting = [];
      if (pause !== undefined) await pause();
    }
    await Promise.all(waiting);
  }

  get(numbers: Uint32Array): number {
    const key = Buffer.allocUnsafeSlow(KEY_BYTES);
    let count = 0;
    let sum = 0;
    for (let i = 0; i < numbers.length; i++) {
      writeAnyKey(key, numbers[i]);
      const value = this.#db.getSync(key);
      if (value === undefined) continue;
      sum += value[0] + value[value.length - 1];
      count++;
    }
    sink.sum += sum;
    return count;
  }

  async getAwaited(numbers: Uint32Array, inFlight: number): Promise<number> {
    const keys = Array.from({ length: inFlight }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    let count = 0;
    const use = (value: Buffer | undefined): void => {
      if (value === undefined) return;
      sink.sum += value[0];
      count++;
    };
    if (inFlight === 1) {
      for (let i = 0; i < numbers.length; i++) {
        writeAnyKey(keys[0], numbers[i]);
        use(await this.#db.get(keys[0]));
      }
      return count;
    }
    for (let from = 0; from + inFlight <= numbers.length; from += inFlight) {
      for (let i = 0; i < inFlight; i++) writeAnyKey(keys[i], numbers[from + i]);
      for (const value of await Promise.all(keys.map((key) => this.#db.get(key)))) use(value);
    }
    return count;
  }

  async getMany(numbers: Uint32Array, batch: number): Promise<number> {
    const keys = Array.from({ length: batch }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    let count = 0;
    for (let from = 0; from + batch <= numbers.length; from += batch) {
      for (let i = 0; i < batch; i++) writeAnyKey(keys[i], numbers[from + i]);
      for (const value of await this.#db.getMany(keys)) {
        if (value === undefined) continue;
        sink.sum += value[0];
        count++;
      }
    }
    return count;
  }

  async ranges(starts: Uint32Array, length: number): Promise<number> {
    let count = 0;
    for (const number of starts) {
      const start = Buffer.allocUnsafe(KEY_BYTES);
      writeKey(start, number);
      const iterator = this.#db.iterator({ gte: start, limit: length });
      for (const [key, value] of await iterator.nextv(length)) {
        sink.sum += key[0] + value[0];
        count++;
      }
      await iterator.close();
    }
    return count;
  }

  async scan(reverse: boolean): Promise<number> {
    const iterator = this.#db.iterator({ reverse });
    let count = 0;
    for (;;) {
      const entries = await iterator.nextv(1_000);
      if (entries.length === 0) break;
      for (const [key, value] of entries) sink.sum += key[0] + value[0];
      count += entries.length;
    }
    await iterator.close();
    return count;
  }

  async mixed(numbers: Uint32Array, inFlight: number): Promise<number> {
    const keys = Array.from({ length: inFlight + 1 }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    let waiting: Promise<void>[] = [];
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      const key = keys[(i & 1) === 0 ? inFlight : waiting.length];
      writeKey(key, number);
      if ((i & 1) === 0) {
        const value = this.#db.getSync(key);
        if (value !== undefined) sink.sum += value[0];
        continue;
      }
      waiting.push(this.#db.put(key, valueOf(this.#values, number)));
      if (waiting.length < inFlight) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    await Promise.all(waiting);
    return numbers.length;
  }

  settle(): Promise<void> {
    return this.#db.compactRange(FIRST_KEY, LAST_KEY);
  }

  facts(): Readonly<Record<string, number>> {
    return {};
  }
}
