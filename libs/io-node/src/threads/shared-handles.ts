import { assert, shareable, type Shareable } from '@holdfast/io';
import { ABSENT, allocateMap, FULL, SharedMap } from './shared-map.ts';

/** Set in a count when the thing has been retired: nobody new may take it. */
const RETIRED = 0x4000_0000;

/** The memory of {@link SharedHandles}, for handing to other threads. */
export type SharedHandlesMemory = { readonly map: Shareable<SharedArrayBuffer> };

/** Memory for handles of at most `idsMax` different ids over its lifetime. */
export function allocateHandles(idsMax: number): SharedHandlesMemory {
  return { map: shareable(allocateMap(idsMax)) };
}

/**
 * Reference counts that threads share, by id (a file number, a version): a reader on any thread holds what it
 * reads, and the owner removes a thing when it has retired it and the last reader has let go.
 *
 *     owner   : add(id) ... retire(id) -> true: nobody reads it, remove it now
 *     reader  : if (acquire(id)) try { read } finally { if (release(id)) remove it now }
 *
 * Exactly one call answers true for an id: the `retire`, or the `release` that came last. An id is never used
 * again. All steps are single compare-and-swaps on the count in a {@link SharedMap}.
 */
export class SharedHandles {
  readonly #counts: SharedMap;

  constructor(memory: SharedHandlesMemory) {
    this.#counts = new SharedMap(memory.map);
  }

  /** Makes an id known, with no reader. False when there is no room left. */
  add(id: number): boolean {
    const before = this.#counts.compareAndSet(highOf(id), lowOf(id), ABSENT, 0);
    assert(before === ABSENT || before === FULL, 'an id is added once');
    return before !== FULL;
  }

  /** Takes part in an id; false when it is unknown or was retired. */
  acquire(id: number): boolean {
    return this.#change(id, (count) => (count >= RETIRED ? undefined : count + 1)) !== ABSENT;
  }

  /** Lets go. True when this was the last reader of a retired id: the caller removes the thing. */
  release(id: number): boolean {
    const before = this.#change(id, (count) => count - 1);
    assert(before !== ABSENT && (before & ~RETIRED) > 0, 'only what was acquired is released');
    return before === RETIRED + 1 && this.#forget(id);
  }

  /** Refuses new readers. True when there are none: the caller removes the thing. */
  retire(id: number): boolean {
    const before = this.#change(id, (count) => (count >= RETIRED ? undefined : count + RETIRED));
    assert(before !== ABSENT, 'a known id is retired once');
    return before === 0 && this.#forget(id);
  }

  /** Readers of an id now; 0 when it is unknown. */
  readers(id: number): number {
    const count = this.#counts.get(highOf(id), lowOf(id));
    return count === ABSENT ? 0 : count & ~RETIRED;
  }

  #forget(id: number): boolean {
    return this.#counts.deleteIf(highOf(id), lowOf(id), RETIRED);
  }

  /** Applies `next` until no other thread came in between; returns the count before, or `ABSENT` if refused. */
  #change(id: number, next: (count: number) => number | undefined): number {
    const high = highOf(id);
    const low = lowOf(id);
    for (let count = this.#counts.get(high, low); ;) {
      if (count === ABSENT) return ABSENT;
      const wanted = next(count);
      if (wanted === undefined) return ABSENT;
      const before = this.#counts.compareAndSet(high, low, count, wanted);
      if (before === count) return count;
      count = before;
    }
  }
}

function highOf(id: number): number {
  return Math.floor(id / 2 ** 32);
}

function lowOf(id: number): number {
  return id % 2 ** 32;
}
