import { readFileSync, writeFileSync } from 'node:fs';
import { equalBytes, Prng, pureKernels, randomInteger, utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { LEVEL_COUNT } from '../limits.ts';
import { readU32, writeU32 } from '../table/block-checksum.ts';
import { decodeManifest, encodeManifest, type ManifestState } from './manifest.ts';

const table = {
  number: 12,
  binding: 2 ** 33 + 12,
  fileBytes: 4_711,
  entries: 100,
  tombstones: 3,
  rawBytes: 9_000,
  revisionMin: 5,
  revisionMax: 2 ** 52,
  smallestKey: utf8('aaa'),
  largestKey: Uint8Array.of(0xff, 0x00),
};

const state: ManifestState = {
  treeId: 2,
  nextFileNumber: 14,
  walSegmentFirst: 3,
  walOffsetFirst: 0,
  levels: Array.from({ length: LEVEL_COUNT }, (_, level) => (level === 6 ? [table] : [])),
  marks: new Map([
    [1, utf8('applied 99')],
    [4_294_967_295, Uint8Array.of(0)],
  ]),
  rangeTombstones: [
    { start: new Uint8Array(0), end: utf8('b'), revision: 17 },
    { start: utf8('x'), end: undefined, revision: 18, appliedFrom: 13 },
  ],
  damagedSpans: [],
  horizon: 0,
};

/** With the fields that most trees do not need. */
const everything: ManifestState = {
  ...state,
  walOffsetFirst: 4_096,
  damagedSpans: [{ start: utf8('a'), end: utf8('aa\0'), table: 9 }],
  horizon: 2 ** 52 + 1,
};

describe('the manifest', () => {
  const bytes = encodeManifest(everything, pureKernels);

  it('comes back as it was', () => {
    expect(decodeManifest(bytes, pureKernels)).toEqual(everything);
  });

  it('has the bytes of format version 1', () => {
    const golden = new URL('../../testdata/manifest-v1.bin', import.meta.url);
    const plain = encodeManifest(state, pureKernels);
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, plain);
    expect(equalBytes(plain, readFileSync(golden))).toBe(true);
  });

  it('is refused with any wrong byte and at any shorter length', () => {
    for (let i = 0; i < bytes.length; i++) {
      const wrong = bytes.slice();
      wrong[i]! ^= 1 << (i % 8);
      expect(typeof decodeManifest(wrong, pureKernels), `byte ${i}`).toBe('string');
      expect(typeof decodeManifest(bytes.subarray(0, i), pureKernels), `${i} bytes`).toBe('string');
    }
  });

  it('does not throw on any payload, even under a right checksum', () => {
    const random = new Prng(8);
    for (let i = 0; i < 20_000; i++) {
      const wrong = bytes.slice();
      for (let j = randomInteger(random, 1, 4); j > 0; j--) {
        wrong[randomInteger(random, 16, wrong.length - 1)] = random.nextU32();
      }
      writeU32(wrong, 12, pureKernels.crc32(wrong, 16, wrong.length, pureKernels.crc32(wrong, 0, 12, 0)));
      decodeManifest(wrong, pureKernels);
    }
    expect(readU32(bytes, 8)).toBe(bytes.length - 16);
  });
});
