import { assert } from '@holdfast/io';

const FREE = 0;
const HELD = 1;
/** Held, and somebody may be asleep. */
const CONTENDED = 2;

/**
 * A lock in shared memory (Drepper, "Futexes Are Tricky", mutex 2). One 32-bit word, 0 at the start. An
 * uncontended lock is one compare-and-swap, an uncontended unlock one exchange; a thread that must wait
 * sleeps in `Atomics.wait`. Not fair and not reentrant.
 *
 * Hold it for a few microseconds and never across an `await`: whoever waits may be a whole thread.
 */
export class SharedMutex {
  readonly #words: Int32Array;
  readonly #index: number;

  /** @param index which word of `words`, an Int32Array over shared memory. */
  constructor(words: Int32Array, index: number) {
    assert(words.buffer instanceof SharedArrayBuffer, 'a mutex lives in shared memory');
    this.#words = words;
    this.#index = index;
  }

  tryLock(): boolean {
    return Atomics.compareExchange(this.#words, this.#index, FREE, HELD) === FREE;
  }

  /** Blocks. Not for the main thread: it would stand still as long as the holder likes. */
  lock(): void {
    if (this.tryLock()) return;
    while (Atomics.exchange(this.#words, this.#index, CONTENDED) !== FREE) {
      Atomics.wait(this.#words, this.#index, CONTENDED);
    }
  }

  /** {@link lock} without blocking. */
  async lockAsync(): Promise<void> {
    if (this.tryLock()) return;
    while (Atomics.exchange(this.#words, this.#index, CONTENDED) !== FREE) {
      await Atomics.waitAsync(this.#words, this.#index, CONTENDED).value;
    }
  }

  unlock(): void {
    const before = Atomics.exchange(this.#words, this.#index, FREE);
    assert(before !== FREE, 'a mutex is unlocked by its holder');
    if (before === CONTENDED) Atomics.notify(this.#words, this.#index, 1);
  }

  /** Runs `critical` alone. */
  run<T>(critical: () => T): T {
    this.lock();
    try {
      return critical();
    } finally {
      this.unlock();
    }
  }
}
