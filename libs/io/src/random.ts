/** A stream of pseudo-random numbers; the only source of chance. Seeded in the simulator. */
export interface Random {
  /** Uniform integer in 0 .. 2^32-1. */
  nextU32(): number;
}

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush, a few nanoseconds a number.
 * Not for secrets.
 */
export class Prng implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param seed an integer of at most 53 bits; equal seeds give equal streams. */
  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = 0x9e3779b9;
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.nextU32();
  }

  nextU32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result;
    return result >>> 0;
  }

  /** An independent stream derived from this one, so that one consumer's draws do not shift another's. */
  fork(): Prng {
    return new Prng(this.nextU32() + (this.nextU32() & 0x1fffff) * 2 ** 32);
  }
}

/** Uniform integer in `low .. high`, both included. Needs `high - low < 2^32`. */
export function randomInteger(random: Random, low: number, high: number): number {
  return low + Math.floor((random.nextU32() / 2 ** 32) * (high - low + 1));
}

/** Uniform number in [0, 1). */
export function randomFraction(random: Random): number {
  return random.nextU32() / 2 ** 32;
}

/** True with probability `probability`. */
export function randomChance(random: Random, probability: number): boolean {
  return randomFraction(random) < probability;
}

/** One element of a non-empty list. */
export function randomPick<T>(random: Random, items: readonly T[]): T {
  return items[randomInteger(random, 0, items.length - 1)];
}
