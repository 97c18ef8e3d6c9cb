import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minimize } from './minimize.ts';

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
const needs =
  (...wanted: readonly number[]) =>
  (kept: readonly number[]): Promise<boolean> =>
    Promise.resolve(wanted.every((item) => kept.includes(item)));

describe('minimize', () => {
  it('finds exactly what a failure needs, wherever it stands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(49), { maxLength: 5 }), async (wanted) => {
        const left = await minimize(numbers(50), needs(...wanted), 10_000);
        expect(new Set(left)).toEqual(new Set(wanted));
        expect(left).toHaveLength(wanted.length);
      }),
    );
  });

  it('keeps the order', async () => {
    expect(await minimize(numbers(30), needs(20, 3, 11), 10_000)).toEqual([3, 11, 20]);
  });

  it('gives something that fails when it runs out of runs', async () => {
    for (let runsMax = 0; runsMax < 40; runsMax++) {
      const fails = needs(3, 17, 29);
      let runs = 0;
      const left = await minimize(numbers(40), (kept) => (runs++, fails(kept)), runsMax);
      expect(await fails(left)).toBe(true);
      expect(runs).toBeLessThanOrEqual(runsMax);
    }
  });

  it('gives nothing when nothing is needed', async () => {
    expect(await minimize(numbers(9), needs(), 10)).toEqual([]);
  });
});
