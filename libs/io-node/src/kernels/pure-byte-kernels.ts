import { BLOOM_LINE_BYTES, compareBytes, crc32, pureKernels } from '@holdfast/io';
import type { ByteKernels } from './byte-kernels.ts';

/** The kernels in plain TypeScript. */
export const pureByteKernels: ByteKernels = {
  compare: compareBytes,
  crc32: (bytes, seed) => crc32(bytes, 0, bytes.length, seed),

  hashKeys(keys, offsets, count, hashes) {
    for (let i = 0; i < count; i++) hashes[i] = hashKey(keys, offsets[i], offsets[i + 1]);
  },

  fillBloom: (hashes, count, filter, probes) => pureKernels.fillBloom(hashes, 0, count, filter, probes),

  probeBloom(hashes, count, filter, probes, answers) {
    const lines = filter.length / BLOOM_LINE_BYTES;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i];
      const line = lineOf(hash, lines);
      let walk = Math.imul(hash, 0x9e3779b1);
      const step = stepOf(walk);
      let probe = 0;
      for (; probe < probes; probe++) {
        const bit = (walk >>> 9) & 511;
        if ((filter[line + (bit >>> 3)] & (1 << (bit & 7))) === 0) break;
        walk = (walk + step) | 0;
      }
      answers[i] = probe === probes ? 1 : 0;
    }
  },
};

function lineOf(hash: number, lines: number): number {
  return Math.floor((hash / 2 ** 32) * lines) * BLOOM_LINE_BYTES;
}

function stepOf(walk: number): number {
  return (walk >>> 17) | (walk << 15) | 1;
}

function hashKey(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x9747b28c ^ (end - start);
  let i = start;
  for (const last = end - 4; i <= last; i += 4) {
    const word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    hash ^= mix(word);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let shift = 0; i < end; i++, shift += 8) tail |= bytes[i] << shift;
  hash ^= mix(tail);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}
