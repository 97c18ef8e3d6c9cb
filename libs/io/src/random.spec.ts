import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng, type Random, randomChance, randomFraction, randomInteger, randomPick } from './random.ts';

const draws = (random: Random, count: number): number[] =>
  Array.from({ length: count }, () => random.nextU32());

/** A stream that gives one number for ever: for the borders of the helpers. */
const always = (value: number): Random => ({ nextU32: () => value });

describe('Prng', () => {
  it('keeps its stream: recorded seeds must stay worth something', () => {
    expect(draws(new Prng(1), 4)).toEqual([573_063_952, 3_268_221_502, 703_077_755, 2_308_299_391]);
    expect(draws(new Prng(2 ** 53 - 1), 4)).toEqual([
      4_251_970_214, 283_121_339, 3_233_253_927, 4_087_913_446,
    ]);
  });

  it('gives equal streams for equal seeds and other ones for others', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        expect(draws(new Prng(a), 8)).toEqual(draws(new Prng(a), 8));
        if (a !== b) expect(draws(new Prng(a), 8)).not.toEqual(draws(new Prng(b), 8));
      }),
    );
  });

  it('uses the upper half of the seed', () => {
    expect(draws(new Prng(5), 4)).not.toEqual(draws(new Prng(5 + 2 ** 32), 4));
  });

  it('forks a stream that does not depend on how far the parent is read afterwards', () => {
    const parent = new Prng(7);
    const child = parent.fork();
    const again = new Prng(7);
    const childAgain = again.fork();
    draws(again, 100);
    expect(draws(child, 10)).toEqual(draws(childAgain, 10));
    expect(draws(new Prng(7).fork(), 10)).not.toEqual(draws(new Prng(7), 10));
  });

  it('sets every bit about half of the time', () => {
    const ones = new Array<number>(32).fill(0);
    for (const value of draws(new Prng(3), 10_000))
      for (let bit = 0; bit < 32; bit++) ones[bit] += (value >>> bit) & 1;
    for (const count of ones) expect(Math.abs(count - 5_000)).toBeLessThan(300);
  });
});

describe('helpers', () => {
  it('give integers within both borders, and reach them', () => {
    expect(randomInteger(always(0), -3, 9)).toBe(-3);
    expect(randomInteger(always(2 ** 32 - 1), -3, 9)).toBe(9);
    expect(randomInteger(always(2 ** 32 - 1), 0, 2 ** 32 - 1)).toBe(2 ** 32 - 1);
    const seen = new Set<number>();
    const random = new Prng(1);
    for (let i = 0; i < 500; i++) seen.add(randomInteger(random, 1, 6));
    expect([...seen].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('give fractions below 1 and chances that hold at the ends', () => {
    expect(randomFraction(always(2 ** 32 - 1))).toBeLessThan(1);
    expect(randomChance(always(2 ** 32 - 1), 1)).toBe(true);
    expect(randomChance(always(0), 0)).toBe(false);
  });

  it('pick an element', () => {
    expect(randomPick(always(0), ['a', 'b'])).toBe('a');
    expect(randomPick(always(2 ** 32 - 1), ['a', 'b'])).toBe('b');
  });
});
