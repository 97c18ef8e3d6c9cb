import { assert } from '@holdfast/io';

const CAPACITY_FIRST = 16;

/**
 * A sliding window of (last index, bytes) in order of index: append messages on their way to a peer, or
 * proposals that are not committed. A ring that doubles when it is full, so that steady traffic allocates nothing.
 */
export class Window {
  /** Items in the window. */
  count = 0;
  /** Sum over the items. */
  bytes = 0;
  private indexes: number[] = [];
  private sizes: number[] = [];
  private start = 0;

  /** `index` must be above every index in the window. */
  add(index: number, bytes: number): void {
    if (this.count === this.indexes.length) this.grow();
    const capacity = this.indexes.length;
    const slot = (this.start + this.count) % capacity;
    assert(
      this.count === 0 || this.indexes[(slot + capacity - 1) % capacity] < index,
      'a window is added to in order of index',
    );
    this.indexes[slot] = index;
    this.sizes[slot] = bytes;
    this.count++;
    this.bytes += bytes;
  }

  /** Removes every item whose index is at most `index`. */
  freeTo(index: number): void {
    const capacity = this.indexes.length;
    while (this.count > 0 && this.indexes[this.start] <= index) {
      this.bytes -= this.sizes[this.start];
      this.start = (this.start + 1) % capacity;
      this.count--;
    }
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.start = 0;
  }

  private grow(): void {
    const capacity = this.indexes.length;
    const indexes = new Array<number>(Math.max(CAPACITY_FIRST, capacity * 2)).fill(0);
    const sizes = indexes.slice();
    for (let i = 0; i < this.count; i++) {
      indexes[i] = this.indexes[(this.start + i) % capacity]!;
      sizes[i] = this.sizes[(this.start + i) % capacity]!;
    }
    this.indexes = indexes;
    this.sizes = sizes;
    this.start = 0;
  }
}
