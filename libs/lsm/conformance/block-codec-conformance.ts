import { equalBytes, Prng } from '@holdfast/io';
import type { BlockCodec } from '@holdfast/lsm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** What tables expect of a {@link BlockCodec}. */
export function blockCodecConformance(name: string, codec: BlockCodec): void {
  /** Bytes that compress well, of any length. */
  const block = fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 200 }))
    .map(([part, times]) =>
      Uint8Array.from({ length: part.length * times }, (_, i) => part[i % part.length]!),
    );

  const roundTrip = (input: Uint8Array): Uint8Array | undefined => {
    const packed = codec.compress(input, input.length * 2 + 1_000);
    expect(packed).toBeDefined();
    if (packed === undefined) return undefined;
    const output = new Uint8Array(input.length);
    expect(codec.decompress(packed, output)).toBe(true);
    expect(equalBytes(output, input)).toBe(true);
    return packed;
  };

  describe(`${name} as BlockCodec`, () => {
    it('gives back what it was given', () => {
      fc.assert(fc.property(block, (input) => void roundTrip(input)));
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), (input) => void roundTrip(input)),
      );
    });

    it('takes a block as a part of a larger buffer, and fills one', () => {
      const input = new Uint8Array(1_000).fill(7, 200, 900);
      const packed = codec.compress(input.subarray(100, 800), 700)!;
      const inside = new Uint8Array(packed.length + 20);
      inside.set(packed, 10);
      const output = new Uint8Array(900).fill(1);
      expect(codec.decompress(inside.subarray(10, 10 + packed.length), output.subarray(100, 800))).toBe(true);
      expect(equalBytes(output.subarray(100, 800), input.subarray(100, 800))).toBe(true);
      expect(output.subarray(0, 100).every((byte) => byte === 1)).toBe(true);
      expect(output.subarray(800).every((byte) => byte === 1)).toBe(true);
    });

    it('takes large blocks', () => {
      const random = new Prng(1);
      const input = Uint8Array.from({ length: 2 ** 20 }, (_, i) =>
        i % 64 < 32 ? 5 : random.nextU32() & 255,
      );
      expect(roundTrip(input)?.length).toBeLessThan(input.length);
    });

    it('says so when the result would be too large', () => {
      const random = new Prng(2);
      const noise = Uint8Array.from({ length: 4_096 }, () => random.nextU32() & 255);
      expect(codec.compress(noise, 4_096)).toBeUndefined();
      expect(codec.compress(new Uint8Array(4_096), 4_096)!.length).toBeLessThan(200);
    });

    it('says so when the input is cut off or of another length than was expected', () => {
      const input = Uint8Array.from({ length: 4_096 }, (_, i) => (i * i) % 23);
      const packed = codec.compress(input, 4_096)!;
      expect(codec.decompress(packed.subarray(0, packed.length >> 1), new Uint8Array(4_096))).toBe(false);
      expect(codec.decompress(packed.subarray(0, 0), new Uint8Array(4_096))).toBe(false);
      expect(codec.decompress(packed, new Uint8Array(4_095))).toBe(false);
      expect(codec.decompress(packed, new Uint8Array(4_097))).toBe(false);
    });

    it('never throws, whatever the input', () => {
      const packed = codec.compress(new Uint8Array(4_096).fill(3, 0, 99), 4_096)!;
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 5_000 }), (bytes, length) => {
          expect([true, false]).toContain(codec.decompress(bytes, new Uint8Array(length)));
        }),
      );
      fc.assert(
        fc.property(fc.nat({ max: packed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
          const damaged = packed.slice();
          damaged[at]! ^= flip;
          expect([true, false]).toContain(codec.decompress(damaged, new Uint8Array(4_096)));
        }),
      );
    });
  });
}
