import { compareBytes } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedKey, storedKeyEnd } from './stored-key.ts';

const keys = fc.uint8Array({ maxLength: 4, max: 2 });

describe('storedKey', () => {
  it('is never empty, keeps the order, and comes back', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const x = storedKey(a);
        const y = storedKey(b);
        expect(x.length).toBeGreaterThan(0);
        expect(Math.sign(compareBytes(x, y))).toBe(Math.sign(compareBytes(a, b)));
        expect(x.subarray(0, storedKeyEnd(x, 0, x.length))).toEqual(a);
      }),
      { numRuns: 1_000 },
    );
  });

  it('with an extra byte, is the first stored key behind it', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const behind = compareBytes(storedKey(b), storedKey(a, 1)) >= 0;
        expect(behind).toBe(compareBytes(b, a) > 0);
      }),
      { numRuns: 1_000 },
    );
  });
});
