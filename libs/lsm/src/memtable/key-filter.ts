/** One 32-bit word for so many bytes of records: 16 bits a key with values of 100 B. */
const ARENA_BYTES_PER_WORD = 256;
const WORDS_MIN = 16;

/**
 * Says of most keys that a memtable does not hold them, so that a read goes on to the tables without a search.
 *
 * A bloom filter of fixed size in which all three bits of a key lie in one word: adding and asking touch one
 * cache line. About 2 % false positives at 16 bits a key; small records fill it up, and it then says "maybe".
 */
export class KeyFilter {
  readonly #words: Uint32Array;
  readonly #shift: number;

  /** @param arenaBytes bytes of records that the memtable takes at most. */
  constructor(arenaBytes: number) {
    let bits = Math.log2(WORDS_MIN);
    while (2 ** bits * ARENA_BYTES_PER_WORD < arenaBytes && bits < 31) bits++;
    this.#words = new Uint32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  add(hash: number): void {
    this.#words[hash >>> this.#shift]! |= bitsOf(hash);
  }

  /** False only when no key with this hash was added. */
  mayHold(hash: number): boolean {
    const bits = bitsOf(hash);
    return (this.#words[hash >>> this.#shift]! & bits) === bits;
  }

  clear(): void {
    this.#words.fill(0);
  }
}

/** Three bits of a word, taken from other parts of the hash than the word's number. */
function bitsOf(hash: number): number {
  const mixed = Math.imul(hash, 0x9e37_79b1);
  return (1 << (mixed >>> 27)) | (1 << ((mixed >>> 22) & 31)) | (1 << ((mixed >>> 17) & 31));
}
