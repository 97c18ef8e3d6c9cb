import { Prng } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffCeilingMs, equalJitterMs, fullJitterMs } from './backoff.ts';

const range = { base: 10, cap: 500 };

describe('backoff', () => {
  it('doubles up to the cap', () => {
    expect([0, 1, 2, 5, 6, 100, 5000].map((attempt) => backoffCeilingMs(range, attempt))).toEqual([
      10, 20, 40, 320, 500, 500, 500,
    ]);
  });

  it('stays inside its bounds, whatever the seed', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(60), (seed, attempt) => {
        const random = new Prng(seed);
        const ceiling = backoffCeilingMs(range, attempt);
        const full = fullJitterMs(range, attempt, random);
        const equal = equalJitterMs(range, attempt, random);
        expect(full).toBeGreaterThanOrEqual(0);
        expect(full).toBeLessThan(ceiling);
        expect(equal).toBeGreaterThanOrEqual(ceiling / 2);
        expect(equal).toBeLessThan(ceiling);
      }),
    );
  });
});
