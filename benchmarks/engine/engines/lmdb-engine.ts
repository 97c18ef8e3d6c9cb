import { open, type RootDatabase } from 'lmdb';
import { KEY_BYTES, makeValues, valueOf, writeAnyKey, writeKey } from '../keys.ts';
import { type Engine, type EngineOptions, sink, type WriteShape } from './engine.ts';

/** lmdb: a copy-on-write B+tree in a memory map, with binary keys and values. */
export class LmdbEngine implements Engine {
  #db!: RootDatabase<Buffer, Buffer>;
  #values: readonly Buffer[] = [];

  open(directory: string, { valueBytes, sync }: EngineOptions): Promise<void> {
    this.#values = makeValues(valueBytes);
    this.#db = open<Buffer, Buffer>({
      path: directory,
      encoding: 'binary',
      keyEncoding: 'binary',
      compression: false,
      noSync: !sync,
      mapSize: 8 * 2 ** 30,
    });
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  put(numbers: Uint32Array, shape: WriteShape): Promise<void> {
    return this.#write(numbers, shape, (key, number) => this.#db.put(key, valueOf(this.#values, number)));
  }

  delete(numbers: Uint32Array, shape: WriteShape): Promise<void> {
    return this.#write(numbers, shape, (key) => this.#db.remove(key));
  }

  /** Batches are transactions; single writes go into the transaction that lmdb makes of a turn. */
  async #write(
    numbers: Uint32Array,
    { batch, inFlight, pause }: WriteShape,
    write: (key: Buffer, number: number) => Promise<boolean>,
  ): Promise<void> {
    const keys = Array.from({ length: batch * inFlight }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    let waiting: Promise<unknown>[] = [];
    for (let from = 0; from < numbers.length; from += batch) {
      const slot = waiting.length;
      const to = Math.min(from + batch, numbers.length);
      const one = (): Promise<boolean> => {
        let last: Promise<boolean> = Promise.resolve(true);
        for (let i = from; i < to; i++) {
          const key = keys[slot * batch + i - from];
          writeKey(key, numbers[i]);
          last = write(key, numbers[i]);
        }
        return last;
      };
      waiting.push(batch === 1 ? one() : this.#db.transaction(() => void one()));
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
      const value = this.#db.getBinaryFast(key);
      if (value === undefined) continue;
      sum += value[0] + value[value.length - 1];
      count++;
    }
    sink.sum += sum;
    return count;
  }

  /** It has no reads by promise that are worth their name: the synchronous ones are measured. */
  getAwaited(numbers: Uint32Array): Promise<number> {
    return Promise.resolve(this.get(numbers));
  }

  async getMany(numbers: Uint32Array, batch: number): Promise<number> {
    const keys = Array.from({ length: batch }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    let count = 0;
    for (let from = 0; from + batch <= numbers.length; from += batch) {
      for (let i = 0; i < batch; i++) writeAnyKey(keys[i], numbers[from + i]);
      for (const key of keys) {
        const value = this.#db.getBinary(key);
        if (value === undefined) continue;
        sink.sum += value[0];
        count++;
      }
    }
    return count;
  }

  async ranges(starts: Uint32Array, length: number): Promise<number> {
    let count = 0;
    const start = Buffer.allocUnsafeSlow(KEY_BYTES);
    for (const number of starts) {
      writeKey(start, number);
      for (const { key, value } of this.#db.getRange({ start, limit: length })) {
        sink.sum += key[0] + value[0];
        count++;
      }
    }
    return count;
  }

  async scan(reverse: boolean): Promise<number> {
    let count = 0;
    for (const { key, value } of this.#db.getRange({ reverse })) {
      sink.sum += key[0] + value[0];
      count++;
    }
    return count;
  }

  async mixed(numbers: Uint32Array, inFlight: number): Promise<number> {
    const keys = Array.from({ length: inFlight + 1 }, () => Buffer.allocUnsafeSlow(KEY_BYTES));
    let waiting: Promise<boolean>[] = [];
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      const key = keys[(i & 1) === 0 ? inFlight : waiting.length];
      writeKey(key, number);
      if ((i & 1) === 0) {
        const value = this.#db.getBinaryFast(key);
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

  async settle(): Promise<void> {
    await this.#db.flushed;
  }

  facts(): Readonly<Record<string, number>> {
    return {};
  }
}
