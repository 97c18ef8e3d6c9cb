import { pureKernels, utf8 } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFooter,
  decodeProperties,
  encodeFooter,
  encodeProperties,
  FOOTER_BYTES,
} from './table-format.ts';
import { TableIndex } from './table-index.ts';
import { addToBloom, bloomMayHold, isBloomLength, newBloom } from './bloom.ts';
import { VarintReader } from './varint.ts';

const RUNS = { numRuns: 3_000 };
const someBytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  // Lengths that a filter may have.
  fc
    .integer({ min: 1, max: 4 })
    .chain((lines) => fc.uint8Array({ minLength: 64 * lines + 1, maxLength: 64 * lines + 1 })),
);

const properties = encodeProperties({
  binding: 2 ** 40,
  entries: 5,
  tombstones: 1,
  rawBytes: 99,
  revisionMin: 3,
  revisionMax: 2 ** 50,
  smallestKey: utf8('a'),
  largestKey: utf8('zz'),
});

/** Right bytes with a few of them replaced, or cut off. */
function almost(right: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(right.length - 1), fc.nat(255));
  return fc
    .tuple(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(right.length))
    .map(([changes, length]) => {
      const bytes = right.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
    });
}

describe('whatever the bytes are, without throwing', () => {
  it('properties are decoded whole or refused', () => {
    expect(decodeProperties(properties, 1_000)).toMatchObject({ entries: 5, fileBytes: 1_000 });
    fc.assert(
      fc.property(fc.oneof(someBytes, almost(properties)), (bytes) => {
        const info = decodeProperties(bytes, 1_000);
        if (info === undefined) return;
        for (const value of Object.values(info)) {
          if (typeof value === 'number') expect(value).toBeGreaterThanOrEqual(0);
        }
      }),
      RUNS,
    );
  });

  it('a footer is refused unless it is the one that was written', () => {
    // Each section has a trailer of five bytes, and the last one ends where the footer begins.
    const filter = { offset: 10, length: 20 };
    const index = { offset: 35, length: 20 };
    const ending = { offset: 60, length: 435 };
    const footer = encodeFooter({ binding: 7, filter, index, properties: ending }, pureKernels, 500);
    expect(decodeFooter(footer, pureKernels, 500, 7)).toMatchObject({ binding: 7 });
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ minLength: FOOTER_BYTES, maxLength: FOOTER_BYTES }), almost(footer)),
        (bytes) => {
          const decoded = decodeFooter(bytes, pureKernels, 500, 7);
          if (typeof decoded !== 'string') expect(bytes).toEqual(footer);
        },
      ),
      RUNS,
    );
    // In another place of another file it is not valid either.
    expect(typeof decodeFooter(footer, pureKernels, 501, 7)).toBe('string');
    expect(typeof decodeFooter(footer, pureKernels, 500, 8)).toBe('string');
  });

  it('an index answers within the data or is refused', () => {
    fc.assert(
      fc.property(someBytes, fc.nat(10_000), (bytes, dataBytes) => {
        const index = TableIndex.decode(bytes, dataBytes);
        if (index === undefined) return;
        for (let block = 0; block < index.blocks; block++) {
          const end = index.blockOffset(block) + index.blockLength(block);
          expect(end).toBeLessThanOrEqual(dataBytes);
        }
      }),
      RUNS,
    );
  });

  it('a filter of a length that is accepted answers, and one that was written knows its keys', () => {
    const aHash = fc.nat(2 ** 32 - 1);
    fc.assert(
      fc.property(someBytes, aHash, (bytes, hash) => {
        if (!isBloomLength(bytes.length)) return;
        expect(typeof bloomMayHold(bytes, 0, bytes.length, hash)).toBe('boolean');
        // Empty lines say no, full ones yes, however many probes the last byte asks for.
        const probes = bytes.at(-1)!;
        bytes.fill(0, 0, -1);
        expect(bloomMayHold(bytes, 0, bytes.length, hash)).toBe(probes === 0);
        bytes.fill(0xff, 0, -1);
        expect(bloomMayHold(bytes, 0, bytes.length, hash)).toBe(true);
      }),
      RUNS,
    );
    fc.assert(
      fc.property(
        fc.array(aHash, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 20 }),
        (list, bits) => {
          const filter = newBloom(list.length, bits);
          expect(isBloomLength(filter.length)).toBe(true);
          addToBloom(filter, Uint32Array.from(list), 0, list.length);
          for (const hash of list) expect(bloomMayHold(filter, 0, filter.length, hash)).toBe(true);
        },
      ),
    );
  });

  it('a varint ends', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const reader = new VarintReader(bytes);
        for (let i = 0; i <= bytes.length && reader.offset < bytes.length; i++) {
          const before = reader.offset;
          if (reader.next() < 0) return;
          expect(reader.offset).toBeGreaterThan(before);
        }
      }),
      RUNS,
    );
  });
});
