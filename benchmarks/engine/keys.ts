import { Prng, randomInteger } from '@holdfast/io';

/** As db_bench makes them: a number in 16 digits. */
export const KEY_BYTES = 16;
const ZERO = 48;

/** Writes the key of entry `number` to `target[0 .. 16)`. */
export function writeKey(target: Uint8Array, number: number): void {
  let rest = number;
  for (let i = KEY_BYTES - 1; i >= 0; i--) {
    const tenth = (rest / 10) | 0;
    target[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
}

/** The key of an entry that no workload writes, between two that they do. */
function writeMissingKey(target: Uint8Array, number: number): void {
  writeKey(target, number);
  target[KEY_BYTES - 1] = ZERO + 10 + (number % 10);
}

/** Numbers at or above this name keys that were never written. */
export const MISSING_FROM: number = 2 ** 31;

export function writeAnyKey(target: Uint8Array, number: number): void {
  if (number >= MISSING_FROM) writeMissingKey(target, number - MISSING_FROM);
  else writeKey(target, number);
}

export function inOrder(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** 0 .. count-1, each once. */
export function shuffled(count: number, seed: number): Uint32Array {
  const numbers = inOrder(count);
  const random = new Prng(seed);
  for (let i = count - 1; i > 0; i--) {
    const j = randomInteger(random, 0, i);
    const number = numbers[i];
    numbers[i] = numbers[j]!;
    numbers[j] = number;
  }
  return numbers;
}

/** `count` numbers below `below`, with repetitions. */
export function drawn(count: number, below: number, seed: number): Uint32Array {
  const random = new Prng(seed);
  return Uint32Array.from({ length: count }, () => randomInteger(random, 0, below - 1));
}

const VALUES = 256;

/** Values that differ, made once. */
export function makeValues(bytes: number): readonly Buffer[] {
  const random = new Prng(bytes);
  return Array.from({ length: VALUES }, () => {
    const value = Buffer.allocUnsafeSlow(bytes);
    for (let i = 0; i < bytes; i++) value[i] = randomInteger(random, 0, 255);
    return value;
  });
}

export function valueOf(values: readonly Buffer[], number: number): Buffer {
  return values[number % VALUES];
}
