import { BLOOM_LINE_BYTES, crc32, equalBytes, type Kernels, pureKernels } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Every `Kernels` gives the answers of the pure ones, and those are right. */
export function kernelsConformance(name: string, kernels: Kernels): void {
  describe(`${name} as Kernels`, () => {
    it('knows the check value of CRC-32', () => {
      const digits = Uint8Array.from('123456789', (digit) => digit.charCodeAt(0));
      expect(kernels.crc32(digits, 0, 9, 0)).toBe(0xcbf43926);
      expect(kernels.crc32(digits, 4, 4, 0)).toBe(0);
      expect(kernels.crc32(digits, 4, 4, 77)).toBe(77);
    });

    it('agrees with the pure twin on any part of any bytes', () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 2000 }),
          fc.nat(),
          fc.nat(),
          fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          check,
        ),
        { numRuns: 300 },
      );
      function check(bytes: Uint8Array, a: number, b: number, seed: number): void {
        const ends = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y);
        const [start = 0, end = 0] = ends;
        expect(kernels.crc32(bytes, start, end, seed)).toBe(pureKernels.crc32(bytes, start, end, seed));
      }
    });

    it('continues from the sum of what came before', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 1500 }), fc.nat(), (bytes, at) => {
          const middle = at % (bytes.length + 1);
          const head = kernels.crc32(bytes, 0, middle, 0);
          expect(kernels.crc32(bytes, middle, bytes.length, head)).toBe(crc32(bytes));
        }),
      );
    });

    it('reads a view at its own offset', () => {
      const memory = Uint8Array.from({ length: 3000 }, (_, i) => i % 256);
      const view = memory.subarray(100, 2900);
      expect(kernels.crc32(view, 0, view.length, 0)).toBe(kernels.crc32(memory, 100, 2900, 0));
    });

    it('fills a bloom filter with the bits of the pure twin, piece by piece too', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 3_000 }),
          fc.nat({ max: 12 }),
          fc.nat(),
          (count, probes, at) => {
            const hashes = Uint32Array.from({ length: count }, (_, i) => Math.imul(i + at, 0x9e3779b1));
            const filter = new Uint8Array(Math.ceil((count * 10) / 512) * BLOOM_LINE_BYTES).fill(4);
            const expected = filter.slice();
            pureKernels.fillBloom(hashes, 0, count, expected, probes);
            const middle = at % (count + 1);
            kernels.fillBloom(hashes, middle, count, filter, probes);
            kernels.fillBloom(hashes, 0, middle, filter, probes);
            expect(equalBytes(filter, expected)).toBe(true);
          },
        ),
        { numRuns: 60 },
      );
    });

    it('keeps the bits of a filter: they are in the tables on disk', () => {
      const filter = new Uint8Array(BLOOM_LINE_BYTES * 32);
      kernels.fillBloom(
        Uint32Array.from({ length: 600 }, (_, i) => Math.imul(i, 0x85ebca6b)),
        0,
        600,
        filter,
        7,
      );
      expect(crc32(filter)).toBe(3_474_475_222);
    });
  });
}
