import { compareBytes } from '@holdfast/io';

/** Keys `start <= key < end`. */
export interface Interval {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/**
 * Finds the intervals that contain a key without looking at all of them: a balanced search tree over the starts in
 * one sorted array, where each node also knows the largest end below it (interval tree; Cormen et al., 14.3).
 * Changes are rare and rebuild it at the next search.
 */
export class IntervalIndex<T extends Interval> {
  readonly #items = new Set<T>();
  #sorted: readonly T[] = [];
  /** For the middle of each span of `#sorted`: the largest end inside the span. */
  #endMax: Uint8Array[] = [];
  #stale = false;

  add(item: T): void {
    this.#items.add(item);
    this.#stale = true;
  }

  delete(item: T): void {
    if (this.#items.delete(item)) this.#stale = true;
  }

  /** Calls `visit` for each interval that contains `key`, in the order of starts. */
  stab(key: Uint8Array, visit: (item: T) => void): void {
    if (this.#stale) this.#rebuild();
    this.#search(0, this.#sorted.length, key, visit);
  }

  #rebuild(): void {
    this.#sorted = [...this.#items].sort((a, b) => compareBytes(a.start, b.start));
    this.#endMax = new Array<Uint8Array>(this.#sorted.length);
    if (this.#sorted.length > 0) this.#fill(0, this.#sorted.length);
    this.#stale = false;
  }

  #fill(low: number, high: number): Uint8Array {
    const middle = (low + high) >>> 1;
    let endMax = this.#sorted[middle].end;
    if (low < middle) endMax = larger(endMax, this.#fill(low, middle));
    if (middle + 1 < high) endMax = larger(endMax, this.#fill(middle + 1, high));
    this.#endMax[middle] = endMax;
    return endMax;
  }

  #search(low: number, high: number, key: Uint8Array, visit: (item: T) => void): void {
    if (low >= high) return;
    const middle = (low + high) >>> 1;
    if (compareBytes(this.#endMax[middle], key) <= 0) return;
    this.#search(low, middle, key, visit);
    const item = this.#sorted[middle];
    // Everything further right starts behind the key as well.
    if (compareBytes(item.start, key) > 0) return;
    if (compareBytes(key, item.end) < 0) visit(item);
    this.#search(middle + 1, high, key, visit);
  }
}

function larger(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) >= 0 ? a : b;
}
