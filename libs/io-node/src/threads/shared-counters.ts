import { assert, shareable, type Shareable } from '@holdfast/io';

/** Two cells of 32 bits make one counter: adding carries by hand, which costs no BigInt. */
const CELL_WORDS = 2;

/** Memory for `count` counters. */
export function allocateCounters(count: number): Shareable<SharedArrayBuffer> {
  return shareable(new SharedArrayBuffer(count * CELL_WORDS * 4));
}

/**
 * Counters that any thread adds to and any thread reads, 53 bits each, without locks.
 */
export class SharedCounters {
  readonly #words: Int32Array;

  constructor(memory: Shareable<SharedArrayBuffer>) {
    this.#words = new Int32Array(memory);
  }

  get length(): number {
    return this.#words.length / CELL_WORDS;
  }

  /** @param amount 0 .. 2^31 - 1 */
  add(counter: number, amount: number): void {
    assert(amount >= 0 && amount < 2 ** 31, 'a counter grows by less than 2^31 at a time');
    const low = counter * CELL_WORDS;
    const before = Atomics.add(this.#words, low, amount) >>> 0;
    if (before + amount >= 2 ** 32) Atomics.add(this.#words, low + 1, 1);
  }

  /** The count. Between the two halves of a carry it may be 2^32 behind, never ahead. */
  read(counter: number): number {
    const low = counter * CELL_WORDS;
    for (;;) {
      const high = Atomics.load(this.#words, low + 1);
      const value = (high >>> 0) * 2 ** 32 + (Atomics.load(this.#words, low) >>> 0);
      if (Atomics.load(this.#words, low + 1) === high) return value;
    }
  }
}
