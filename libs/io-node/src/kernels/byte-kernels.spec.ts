import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { BLOOM_LINE_BYTES } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pureByteKernels } from './pure-byte-kernels.ts';
import { WasmByteKernels } from './wasm-byte-kernels.ts';

const wasm = WasmByteKernels.create();

it('has WebAssembly SIMD here', () => {
  expect(wasm).toBeDefined();
});

describe.each([
  ['pureByteKernels', pureByteKernels],
  ['WasmByteKernels', wasm ?? pureByteKernels],
])('%s', (_, kernels) => {
  const small = fc
    .uint8Array({ maxLength: 70, max: 2 })
    .map((bytes) => bytes.map((byte) => (byte === 2 ? 255 : byte)));

  it('compares like memcmp, a prefix first', () => {
    fc.assert(
      fc.property(small, small, fc.uint8Array({ maxLength: 40 }), (a, b, prefix) => {
        const [x, y] = [Buffer.concat([prefix, a]), Buffer.concat([prefix, b])];
        expect(Math.sign(kernels.compare(x, y))).toBe(Buffer.compare(x, y));
      }),
      { numRuns: 500 },
    );
  });

  it('sums like zlib', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat({ max: 2 ** 31 - 1 }), (bytes, seed) => {
        expect(kernels.crc32(bytes, seed * 2)).toBe(crc32(bytes, seed * 2));
      }),
    );
  });

  it('hashes each key by itself, whatever stands beside it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 24 }), { maxLength: 20 }),
        fc.boolean(),
        (list, sameLength) => {
          const keys = sameLength
            ? list.map((key) => Buffer.concat([key, new Uint8Array(16)]).subarray(0, 16))
            : list;
          expect(hashesOf(kernels, keys)).toEqual(keys.map((key) => hashesOf(pureByteKernels, [key])[0]));
        },
      ),
    );
  });

  it('keeps its hash: it is part of the tables on disk', () => {
    const keys = ['', 'a', 'abcd', 'holdfast', '0123456789abcdef'].map((text) => Buffer.from(text));
    expect(hashesOf(kernels, keys)).toEqual([
      3_954_623_016, 2_141_232_806, 2_510_581_417, 3_150_412_345, 3_156_792_364,
    ]);
  });

  it('finds in a filter all that was put in, and little else', () => {
    const count = 5_000;
    const hashes = hashesOf(
      kernels,
      Array.from({ length: 2 * count }, (_, i) => Buffer.from(`key-${i}`)),
    );
    const filter = new Uint8Array(Math.ceil((count * 10) / 512) * BLOOM_LINE_BYTES);
    kernels.fillBloom(Uint32Array.from(hashes), count, filter, 7);
    const twin = new Uint8Array(filter.length);
    pureByteKernels.fillBloom(Uint32Array.from(hashes), count, twin, 7);
    expect(Buffer.compare(filter, twin)).toBe(0);
    const answers = new Uint8Array(2 * count);
    kernels.probeBloom(Uint32Array.from(hashes), 2 * count, filter, 7, answers);
    expect(answers.subarray(0, count).every((answer) => answer === 1)).toBe(true);
    expect(answers.subarray(count).reduce((sum, answer) => sum + answer, 0)).toBeLessThan(count * 0.02);
  });

  it('adds to a filter that has bits already', () => {
    const filter = new Uint8Array(BLOOM_LINE_BYTES).fill(1);
    kernels.fillBloom(Uint32Array.of(5), 1, filter, 3);
    expect(filter.every((byte) => (byte & 1) === 1)).toBe(true);
  });
});

function hashesOf(kernels: typeof pureByteKernels, keys: readonly Uint8Array[]): number[] {
  const offsets = new Uint32Array(keys.length + 1);
  for (const [i, key] of keys.entries()) offsets[i + 1] = offsets[i] + key.length;
  const hashes = new Uint32Array(keys.length);
  kernels.hashKeys(Buffer.concat(keys), offsets, keys.length, hashes);
  return [...hashes];
}
