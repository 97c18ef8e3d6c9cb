import { assert } from '@holdfast/io';

/** A change as watchers get it, encoded once for all of them. */
export interface Change {
  readonly revision: number;
  /** Tree key. */
  readonly key: Uint8Array;
  /** The change on the wire. */
  readonly bytes: Uint8Array;
}

/** What an entry costs beside its bytes, about. */
const CHANGE_OVERHEAD_BYTES = 128;

/**
 * The newest changes of a range, bounded in bytes. Changes are numbered; a number stays with its change.
 *
 * Invariant: every change with a revision above `floor` is here, and revisions never decrease.
 */
export class ChangeRing {
  readonly #bytesMax: number;
  #changes: Change[] = [];
  /** Number of `#changes[0]`. */
  #first = 0;
  /** Gone from the front of `#changes`, and not yet cut off. */
  #gone = 0;
  #bytes = 0;
  #floor: number;

  /** @param floor changes at or below this revision were not seen. */
  constructor(floor: number, bytesMax: number) {
    this.#floor = floor;
    this.#bytesMax = bytesMax;
  }

  /** Every change above this revision is in the ring. */
  get floor(): number {
    return this.#floor;
  }

  /** Number of the oldest change that is here. */
  get first(): number {
    return this.#first + this.#gone;
  }

  /** Number that the next change gets. */
  get next(): number {
    return this.#first + this.#changes.length;
  }

  push(change: Change): void {
    assert(change.revision >= (this.#changes.at(-1)?.revision ?? 0), 'revisions never go back');
    this.#changes.push(change);
    this.#bytes += change.bytes.length + change.key.length + CHANGE_OVERHEAD_BYTES;
    while (this.#bytes > this.#bytesMax && this.#gone < this.#changes.length) this.#drop();
  }

  at(number: number): Change {
    assert(number >= this.first && number < this.next, 'the change is in the ring');
    return this.#changes[number - this.#first];
  }

  /** Number of the first change above `revision`, which is not below the floor. */
  after(revision: number): number {
    assert(revision >= this.#floor, 'the ring knows what came after');
    let low = this.#gone;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#changes[middle].revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#first + low;
  }

  /** Drops the oldest change and the rest of its transaction. */
  #drop(): void {
    const { revision } = this.#changes[this.#gone];
    this.#floor = revision;
    while (this.#gone < this.#changes.length && this.#changes[this.#gone].revision === revision) {
      const { key, bytes } = this.#changes[this.#gone++];
      this.#bytes -= bytes.length + key.length + CHANGE_OVERHEAD_BYTES;
    }
    if (this.#gone < 1024 || this.#gone * 2 < this.#changes.length) return;
    this.#changes = this.#changes.slice(this.#gone);
    this.#first += this.#gone;
    this.#gone = 0;
  }
}
