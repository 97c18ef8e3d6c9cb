import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.ts';

describe('crc32', () => {
  it('is the CRC of zlib, for any part, from any seed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat({ max: 20 }),
        fc.nat({ max: 2 ** 31 - 1 }),
        (bytes, skip, seed) => {
          const start = Math.min(skip, bytes.length);
          expect(crc32(bytes, start, bytes.length, seed * 2)).toBe(
            zlibCrc32(bytes.subarray(start), seed * 2),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('finds every flip of one bit', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 5);
    const sum = crc32(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect(crc32(bytes)).not.toBe(sum);
      bytes[bit >> 3] ^= 1 << (bit & 7);
    }
  });
});
