import { assert, shareable, type Shareable } from '@holdfast/io';

/**
 * A hash map in shared memory, for any number of threads, without locks: 64-bit keys (two words) to 32-bit
 * values, fixed capacity, open addressing with linear probing.
 *
 *     0   live       u32  keys that have a value
 *     4   claimed    u32  slots that have a key, with a value or without
 *     64  slots: capacity x 16 bytes
 *            u32 key, low word + 1, 0 = nobody's
 *            u32 key, high word + 1, 0 = not settled yet
 *            u32 value + 1, 0 = no value (a tombstone, if the key is there)
 *            u32 unused
 *
 * A slot belongs to its first key for ever; deleting a key removes its value only. Both key words go from 0 to
 * their value by compare-and-swap, low first. Whoever meets a slot with its own low word and no high word
 * settles it with its own high word instead of waiting: one of those threads wins, the others see whose slot
 * it became and go on or are served. So no thread ever waits for another, not even for one that died half way.
 *
 * Slots of deleted keys are not reused by other keys, so the map suits a set of keys that is bounded between
 * two {@link SharedMap.clear}s (files of a tree, blocks of a generation of the cache). When all slots are
 * taken, `set` says `full`; nothing breaks.
 */
const HEADER_WORDS = 16;
const LIVE = 0;
const CLAIMED = 1;
const SLOT_WORDS = 4;
const LOW = 0;
const HIGH = 1;
const VALUE = 2;
/** Load factor: probes stay short below it (Knuth 6.4, linear probing: 8.5 for a miss at 0.75). */
const FILL_MAX = 0.75;

/** Largest value, and largest word of a key. */
export const MAP_WORD_MAX = 2 ** 32 - 2;
/** What `get`, `set` and `delete` answer for "no value". */
export const ABSENT = -1;
/** What `set` answers when every slot is taken. */
export const FULL = -2;

/** Memory for at least `keysMax` different keys. */
export function allocateMap(keysMax: number): Shareable<SharedArrayBuffer> {
  let capacity = 16;
  while (capacity * FILL_MAX < keysMax) capacity *= 2;
  return shareable(new SharedArrayBuffer((HEADER_WORDS + capacity * SLOT_WORDS) * 4));
}

export class SharedMap {
  readonly #words: Int32Array;
  readonly #mask: number;
  readonly #claimedMax: number;

  /** @param memory from {@link allocateMap}, or a part of it of the same layout. */
  constructor(memory: Shareable<SharedArrayBuffer>) {
    this.#words = new Int32Array(memory);
    const capacity = (this.#words.length - HEADER_WORDS) / SLOT_WORDS;
    assert((capacity & (capacity - 1)) === 0, 'the memory of a map comes from allocateMap');
    this.#mask = capacity - 1;
    this.#claimedMax = Math.floor(capacity * FILL_MAX);
  }

  /** Keys that have a value now. Exact when no other thread is writing. */
  get size(): number {
    return Atomics.load(this.#words, LIVE);
  }

  /** The value of a key, or {@link ABSENT}. */
  get(high: number, low: number): number {
    const slot = this.#find(high, low);
    return slot < 0 ? ABSENT : unsigned(Atomics.load(this.#words, slot + VALUE)) - 1;
  }

  /** Gives the key a value and returns the one before, {@link ABSENT} or {@link FULL}. */
  set(high: number, low: number, value: number): number {
    assert(value >= 0 && value <= MAP_WORD_MAX, 'a value has 32 bits and is not the last of them');
    const slot = this.#claim(high, low);
    if (slot < 0) return FULL;
    const before = Atomics.exchange(this.#words, slot + VALUE, (value + 1) | 0);
    if (before === 0) Atomics.add(this.#words, LIVE, 1);
    return unsigned(before) - 1;
  }

  /** Changes the value only if it is `expected` (may be {@link ABSENT}); returns the value before or {@link FULL}. */
  compareAndSet(high: number, low: number, expected: number, value: number): number {
    assert(value >= 0 && value <= MAP_WORD_MAX, 'a value has 32 bits and is not the last of them');
    const slot = this.#claim(high, low);
    if (slot < 0) return FULL;
    const before = Atomics.compareExchange(this.#words, slot + VALUE, (expected + 1) | 0, (value + 1) | 0);
    if (before === 0 && expected === ABSENT) Atomics.add(this.#words, LIVE, 1);
    return unsigned(before) - 1;
  }

  /** Removes the value and returns it, or {@link ABSENT}. */
  delete(high: number, low: number): number {
    const slot = this.#find(high, low);
    if (slot < 0) return ABSENT;
    const before = Atomics.exchange(this.#words, slot + VALUE, 0);
    if (before !== 0) Atomics.sub(this.#words, LIVE, 1);
    return unsigned(before) - 1;
  }

  /** Removes the value only if it is `expected`; says whether. */
  deleteIf(high: number, low: number, expected: number): boolean {
    const slot = this.#find(high, low);
    if (slot < 0) return false;
    const word = (expected + 1) | 0;
    if (Atomics.compareExchange(this.#words, slot + VALUE, word, 0) !== word) return false;
    Atomics.sub(this.#words, LIVE, 1);
    return true;
  }

  /** Forgets everything, keys too. Only while no other thread uses the map. */
  clear(): void {
    this.#words.fill(0);
  }

  #find(high: number, low: number): number {
    const words = this.#words;
    const lowWord = (low + 1) | 0;
    const highWord = (high + 1) | 0;
    for (let at = hash(high, low), probes = 0; probes <= this.#mask; at++, probes++) {
      const slot = HEADER_WORDS + (at & this.#mask) * SLOT_WORDS;
      const there = Atomics.load(words, slot + LOW);
      if (there === 0) return -1;
      if (there === lowWord && Atomics.load(words, slot + HIGH) === highWord) return slot;
    }
    return -1;
  }

  /** The slot of a key, made if need be; -1 when there is none left. */
  #claim(high: number, low: number): number {
    assert(high >= 0 && high <= MAP_WORD_MAX && low >= 0 && low <= MAP_WORD_MAX, 'a key is two words');
    const words = this.#words;
    const lowWord = (low + 1) | 0;
    const highWord = (high + 1) | 0;
    for (let at = hash(high, low), probes = 0; probes <= this.#mask; at++, probes++) {
      const slot = HEADER_WORDS + (at & this.#mask) * SLOT_WORDS;
      let there = Atomics.load(words, slot + LOW);
      if (there === 0) {
        if (Atomics.load(words, CLAIMED) >= this.#claimedMax) return -1;
        there = Atomics.compareExchange(words, slot + LOW, 0, lowWord);
        if (there === 0) {
          Atomics.add(words, CLAIMED, 1);
          there = lowWord;
        }
      }
      if (there !== lowWord) continue;
      const settled = Atomics.compareExchange(words, slot + HIGH, 0, highWord);
      if (settled === 0 || settled === highWord) return slot;
    }
    return -1;
  }
}

function unsigned(word: number): number {
  return word >>> 0;
}

/** Two rounds of a 32-bit finalizer (Murmur3's), one for each word. */
function hash(high: number, low: number): number {
  let h = Math.imul(high ^ 0x9e3779b9, 0x85ebca6b) ^ low;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
