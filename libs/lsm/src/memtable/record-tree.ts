import { assert } from '@holdfast/io';
import { keyHead } from '../read/compare.ts';
import { RECORD_HEAD_BYTES, recordRevision } from './record.ts';

/**
 * An ordered index of the records of an arena: a B+tree in two typed arrays, nothing on the heap per record.
 *
 * Order: key ascending, revision descending, address descending (later writes first).
 *
 * A node keeps, for each of its records, the arena address and a *head*: four key bytes as a number, taken
 * behind the bytes that all keys of the node share ("prefix truncation" and "poor man's normalized keys",
 * Graefe 2011, 3.4 and 3.5). The shared length follows from the separators on both sides of the node, so a
 * search does not touch the arena until heads are equal.
 *
 * ```
 * leaf:   count | skip | next | previous | heads[FANOUT] | addresses[FANOUT]
 * inner:  count | skip |    0 |        0 | heads[FANOUT] | addresses[FANOUT] | children[FANOUT + 1]
 * ```
 *
 * `addresses[i]` of an inner node separates `children[i]` (records before it) from `children[i + 1]` (itself
 * and later ones). Node 0 of each array is not used: 0 means none.
 */
const FANOUT = 32;
const COUNT = 0;
const SKIP = 1;
const NEXT = 2;
const PREVIOUS = 3;
const HEADS = 4;
const ADDRESSES: number = HEADS + FANOUT;
const CHILDREN: number = ADDRESSES + FANOUT;
const LEAF_WORDS: number = CHILDREN;
const INNER_WORDS: number = CHILDREN + FANOUT + 1;
const HEIGHT_MAX = 12;

/** A place between records: `leaf` is a word offset, `index` may equal the leaf's count. */
export interface Place {
  leaf: number;
  index: number;
}

export class RecordTree {
  #bytes: Uint8Array;
  #words: Uint32Array;
  #leaves: Uint32Array = new Uint32Array(LEAF_WORDS * 64);
  #inners: Uint32Array = new Uint32Array(INNER_WORDS * 16);
  #leavesTop = 0;
  #innersTop = 0;
  #root = 0;
  /** Inner levels above the leaves. */
  #height = 0;
  #firstLeaf = 0;
  #lastLeaf = 0;
  #count = 0;

  constructor(bytes: Uint8Array, words: Uint32Array) {
    this.#bytes = bytes;
    this.#words = words;
    this.reset(bytes, words);
  }

  /** Empties the tree and points it at another arena; node memory is kept. */
  reset(bytes: Uint8Array, words: Uint32Array): void {
    this.#bytes = bytes;
    this.#words = words;
    this.#leavesTop = LEAF_WORDS;
    this.#innersTop = INNER_WORDS;
    this.#height = 0;
    this.#count = 0;
    this.#root = this.#newLeaf();
    this.#firstLeaf = this.#root;
    this.#lastLeaf = this.#root;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of node memory. */
  get nodeBytes(): number {
    return this.#leaves.byteLength + this.#inners.byteLength;
  }

  /** Adds the record at `address`. Its address is greater than that of every record in the tree. */
  insert(address: number): void {
    const word = address >>> 2;
    const start = address + RECORD_HEAD_BYTES;
    const end = start + this.#words[word]!;
    const revision = recordRevision(this.#words, word);
    this.#count++;
    const last = this.#lastLeaf;
    const lastCount = this.#leaves[last + COUNT]!;
    const isLast =
      lastCount > 0 &&
      this.#compare(this.#leaves[last + ADDRESSES + lastCount - 1]!, this.#bytes, start, end, 0, revision) <
        0;
    if (isLast && lastCount < FANOUT) {
      this.#insertAt(last, lastCount, address, start, end);
      return;
    }
    const leaf = this.#descendToInsert(address, start, end, revision, isLast);
    this.#insertAt(
      leaf,
      this.#lowerBound(this.#leaves, leaf, this.#bytes, start, end, revision),
      address,
      start,
      end,
    );
  }

  /** Moves `place` to the first record at or behind (key, revision); false when there is none. */
  seek(place: Place, key: Uint8Array, start: number, end: number, revision: number): boolean {
    const leaf = this.#descend(key, start, end, revision);
    place.leaf = leaf;
    place.index = this.#lowerBound(this.#leaves, leaf, key, start, end, revision);
    if (place.index < this.#leaves[leaf + COUNT]!) return true;
    place.leaf = this.#leaves[leaf + NEXT]!;
    place.index = 0;
    return place.leaf !== 0;
  }

  seekFirst(place: Place): boolean {
    place.leaf = this.#firstLeaf;
    place.index = 0;
    return this.#count > 0;
  }

  seekLast(place: Place): boolean {
    place.leaf = this.#lastLeaf;
    place.index = this.#leaves[this.#lastLeaf + COUNT]! - 1;
    return this.#count > 0;
  }

  next(place: Place): boolean {
    if (++place.index < this.#leaves[place.leaf + COUNT]!) return true;
    place.leaf = this.#leaves[place.leaf + NEXT]!;
    place.index = 0;
    return place.leaf !== 0;
  }

  previous(place: Place): boolean {
    if (--place.index >= 0) return true;
    place.leaf = this.#leaves[place.leaf + PREVIOUS]!;
    if (place.leaf === 0) return false;
    place.index = this.#leaves[place.leaf + COUNT]! - 1;
    return true;
  }

  /** The addresses of all records in order, leaf by leaf, as views. Not while records are inserted. */
  *leaves(): Generator<Uint32Array, void, void> {
    for (let leaf = this.#firstLeaf; leaf !== 0; leaf = this.#leaves[leaf + NEXT]!) {
      const start = leaf + ADDRESSES;
      yield this.#leaves.subarray(start, start + this.#leaves[leaf + COUNT]!);
    }
  }

  addressAt(place: Place): number {
    return this.#leaves[place.leaf + ADDRESSES + place.index]!;
  }

  /** The leaf in which (key, revision) belongs. */
  #descend(key: Uint8Array, start: number, end: number, revision: number): number {
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      node = this.#inners[node + CHILDREN + this.#lowerBound(this.#inners, node, key, start, end, revision)]!;
    }
    return node;
  }

  /**
   * The leaf in which the record belongs, with room for it: every full node on the way is split before it is
   * entered, so that its parent has room for the separator. `isLast`: the record goes behind all others, and
   * full nodes stay full, so that sequential loads pack.
   */
  #descendToInsert(address: number, start: number, end: number, revision: number, isLast: boolean): number {
    if (this.#isFull(this.#root, this.#height === 0)) this.#growRoot();
    let node = this.#root;
    let low = 0;
    let high = 0;
    for (let level = this.#height; level > 0; level--) {
      let child = this.#lowerBound(this.#inners, node, this.#bytes, start, end, revision);
      if (this.#isFull(this.#inners[node + CHILDREN + child]!, level === 1)) {
        this.#splitChild(node, child, level === 1, low, high, isLast ? address : 0);
        const separator = this.#inners[node + ADDRESSES + child]!;
        if (separator === address || this.#compare(separator, this.#bytes, start, end, 0, revision) < 0)
          child++;
      }
      const nodes = this.#inners;
      if (child > 0) low = nodes[node + ADDRESSES + child - 1]!;
      if (child < nodes[node + COUNT]!) high = nodes[node + ADDRESSES + child]!;
      node = nodes[node + CHILDREN + child]!;
    }
    return node;
  }

  #isFull(node: number, isLeaf: boolean): boolean {
    return (isLeaf ? this.#leaves : this.#inners)[node + COUNT] === FANOUT;
  }

  /** How many records of the node stand before (key, revision). */
  #lowerBound(
    nodes: Uint32Array,
    node: number,
    key: Uint8Array,
    start: number,
    end: number,
    revision: number,
  ): number {
    const skip = nodes[node + SKIP]!;
    const head = keyHead(key, start + skip, end);
    let low = 0;
    let high = nodes[node + COUNT]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = nodes[node + HEADS + middle]!;
      if (
        other < head ||
        (other === head &&
          this.#compare(nodes[node + ADDRESSES + middle]!, key, start, end, skip, revision) < 0)
      ) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Record against (key, revision): negative when the record comes first. The first `skip` bytes are equal. */
  #compare(
    address: number,
    key: Uint8Array,
    start: number,
    end: number,
    skip: number,
    revision: number,
  ): number {
    const bytes = this.#bytes;
    const word = address >>> 2;
    const mine = this.#words[word]!;
    const theirs = end - start;
    const length = mine < theirs ? mine : theirs;
    const base = address + RECORD_HEAD_BYTES;
    for (let i = skip; i < length; i++) {
      const difference = bytes[base + i]! - key[start + i]!;
      if (difference !== 0) return difference;
    }
    if (mine !== theirs) return mine - theirs;
    const own = recordRevision(this.#words, word);
    return own === revision ? 0 : own > revision ? -1 : 1;
  }

  #insertAt(leaf: number, index: number, address: number, start: number, end: number): void {
    const nodes = this.#leaves;
    const count = nodes[leaf + COUNT]!;
    const heads = leaf + HEADS;
    const addresses = leaf + ADDRESSES;
    for (let i = count; i > index; i--) {
      nodes[heads + i] = nodes[heads + i - 1]!;
      nodes[addresses + i] = nodes[addresses + i - 1]!;
    }
    this.#setEntry(nodes, leaf, index, address, start, end);
    nodes[leaf + COUNT] = count + 1;
  }

  #setEntry(
    nodes: Uint32Array,
    node: number,
    index: number,
    address: number,
    start: number,
    end: number,
  ): void {
    nodes[node + HEADS + index] = keyHead(this.#bytes, start + nodes[node + SKIP]!, end);
    nodes[node + ADDRESSES + index] = address;
  }

  /**
   * Splits the full child at `index` of `parent`, which has room. `low` and `high` are the separators around
   * the parent (0: none); `last` is the address of a record that goes behind everything, or 0.
   */
  #splitChild(parent: number, index: number, isLeaf: boolean, low: number, high: number, last: number): void {
    const left = this.#inners[parent + CHILDREN + index]!;
    const right = isLeaf ? this.#newLeaf() : this.#newInner();
    const separator = isLeaf ? this.#splitLeaf(left, right, last) : this.#splitInner(left, right, last);
    const nodes = this.#inners;
    const count = nodes[parent + COUNT]!;
    const lowest = index > 0 ? nodes[parent + ADDRESSES + index - 1]! : low;
    const highest = index < count ? nodes[parent + ADDRESSES + index]! : high;
    for (let i = count; i > index; i--) {
      nodes[parent + HEADS + i] = nodes[parent + HEADS + i - 1]!;
      nodes[parent + ADDRESSES + i] = nodes[parent + ADDRESSES + i - 1]!;
      nodes[parent + CHILDREN + i + 1] = nodes[parent + CHILDREN + i]!;
    }
    const start = separator + RECORD_HEAD_BYTES;
    this.#setEntry(nodes, parent, index, separator, start, start + this.#words[separator >>> 2]!);
    nodes[parent + CHILDREN + index + 1] = right;
    nodes[parent + COUNT] = count + 1;
    const children = isLeaf ? this.#leaves : this.#inners;
    this.#fence(children, left, lowest, separator);
    this.#fence(children, right, separator, highest);
  }

  /** Moves the upper half to `right` (nothing, when the split makes room at the end); returns the separator. */
  #splitLeaf(left: number, right: number, last: number): number {
    const nodes = this.#leaves;
    const keep = last === 0 ? FANOUT / 2 : FANOUT;
    for (let i = keep; i < FANOUT; i++) nodes[right + ADDRESSES + i - keep] = nodes[left + ADDRESSES + i]!;
    nodes[right + COUNT] = FANOUT - keep;
    nodes[left + COUNT] = keep;
    const next = nodes[left + NEXT]!;
    nodes[right + PREVIOUS] = left;
    nodes[right + NEXT] = next;
    nodes[left + NEXT] = right;
    if (next === 0) this.#lastLeaf = right;
    else nodes[next + PREVIOUS] = right;
    return last === 0 ? nodes[right + ADDRESSES]! : last;
  }

  /** The same for an inner node; the separator in the middle moves up. */
  #splitInner(left: number, right: number, last: number): number {
    const nodes = this.#inners;
    const keep = last === 0 ? FANOUT / 2 : FANOUT - 1;
    for (let i = keep + 1; i < FANOUT; i++) {
      nodes[right + ADDRESSES + i - keep - 1] = nodes[left + ADDRESSES + i]!;
    }
    for (let i = keep + 1; i <= FANOUT; i++) {
      nodes[right + CHILDREN + i - keep - 1] = nodes[left + CHILDREN + i]!;
    }
    nodes[right + COUNT] = FANOUT - keep - 1;
    nodes[left + COUNT] = keep;
    return nodes[left + ADDRESSES + keep]!;
  }

  /** Puts an empty inner node above the root, which the caller then splits. */
  #growRoot(): void {
    assert(this.#height < HEIGHT_MAX, 'a tree of 2^32 records is lower than this');
    const root = this.#newInner();
    this.#inners[root + CHILDREN] = this.#root;
    this.#root = root;
    this.#height++;
  }

  /** Recomputes the shared prefix and the heads of a node that stands between two separators. */
  #fence(nodes: Uint32Array, node: number, low: number, high: number): void {
    const skip = low === 0 || high === 0 ? 0 : this.#sharedPrefix(low, high);
    nodes[node + SKIP] = skip;
    const count = nodes[node + COUNT]!;
    for (let i = 0; i < count; i++) {
      const address = nodes[node + ADDRESSES + i]!;
      const start = address + RECORD_HEAD_BYTES;
      nodes[node + HEADS + i] = keyHead(this.#bytes, start + skip, start + this.#words[address >>> 2]!);
    }
  }

  #sharedPrefix(a: number, b: number): number {
    const bytes = this.#bytes;
    const length = Math.min(this.#words[a >>> 2]!, this.#words[b >>> 2]!);
    let shared = 0;
    while (
      shared < length &&
      bytes[a + RECORD_HEAD_BYTES + shared] === bytes[b + RECORD_HEAD_BYTES + shared]
    ) {
      shared++;
    }
    return shared;
  }

  #newLeaf(): number {
    const leaf = this.#leavesTop;
    this.#leavesTop += LEAF_WORDS;
    if (this.#leavesTop > this.#leaves.length) this.#leaves = grown(this.#leaves);
    this.#leaves.fill(0, leaf, leaf + HEADS);
    return leaf;
  }

  #newInner(): number {
    const node = this.#innersTop;
    this.#innersTop += INNER_WORDS;
    if (this.#innersTop > this.#inners.length) this.#inners = grown(this.#inners);
    this.#inners.fill(0, node, node + HEADS);
    return node;
  }
}

function grown(nodes: Uint32Array): Uint32Array {
  const twice = new Uint32Array(nodes.length * 2);
  twice.set(nodes);
  return twice;
}
