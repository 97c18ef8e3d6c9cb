import { Arena, ARENA_START } from './arena.ts';
import { Memtable } from './memtable.ts';

/**
 * Memtables for reuse: fresh memory costs 1 to 7 us a page at first touch, more than the writes that fill it.
 */
export class MemtablePool {
  readonly #capacity: number;
  readonly #spareMax: number;
  readonly #isShared: boolean;
  readonly #spare: Memtable[] = [];

  /**
   * @param capacity bytes of an ordinary arena.
   * @param isShared arenas are memory that other threads may read.
   */
  constructor(capacity: number, spareMax: number, isShared: boolean) {
    this.#capacity = capacity;
    this.#spareMax = spareMax;
    this.#isShared = isShared;
  }

  /** An empty memtable with room for a batch of `bytes`, however large that is. */
  take(bytes: number): Memtable {
    const capacity = Math.max(this.#capacity, bytes + ARENA_START);
    const spare = capacity === this.#capacity ? this.#spare.pop() : undefined;
    return spare ?? new Memtable(new Arena(capacity, this.#isShared));
  }

  /** Takes back a memtable that nobody reads any more. */
  give(memtable: Memtable): void {
    if (memtable.arena.capacity !== this.#capacity || this.#spare.length >= this.#spareMax) return;
    memtable.reset();
    this.#spare.push(memtable);
  }
}
