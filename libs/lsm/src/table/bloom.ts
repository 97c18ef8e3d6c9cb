import { BLOOM_LINE_BYTES as LINE_BYTES, type Kernels, pureKernels } from '@holdfast/io';

/**
 * A blocked bloom filter (Putze, Sanders, Singler 2007): all bits of a key lie in one 64-byte line, so a probe
 * costs one cache miss. About 1 % false positives at 10 bits a key.
 *
 * ```
 * line[0 .. n)  64 bytes each | u8 probes
 * ```
 */
const LINE_BITS_MASK = 511;

/** Number of keys' hash bits: a 32-bit hash (murmur3's mixing) of `bytes[start .. end)`. Part of the format. */
export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x9747b28c ^ (end - start);
  let i = start;
  for (const last = end - 4; i <= last; i += 4) {
    let word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    word = Math.imul(word, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let shift = 0; i < end; i++, shift += 8) tail |= bytes[i]! << shift;
  tail = Math.imul(tail, 0xcc9e2d51);
  tail = (tail << 15) | (tail >>> 17);
  hash ^= Math.imul(tail, 0x1b873593);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** An empty filter with room for `count` keys. */
export function newBloom(count: number, bitsPerKey: number): Uint8Array {
  const lines = Math.max(1, Math.ceil((count * bitsPerKey) / (LINE_BYTES * 8)));
  const filter = new Uint8Array(lines * LINE_BYTES + 1);
  filter[filter.length - 1] = Math.max(1, Math.min(12, Math.round(bitsPerKey * 0.69)));
  return filter;
}

/** Adds `hashes[start .. end)` to a filter that {@link newBloom} made. */
export function addToBloom(
  filter: Uint8Array,
  hashes: Uint32Array,
  start: number,
  end: number,
  kernels: Kernels = pureKernels,
): void {
  const lines = filter.subarray(0, filter.length - 1);
  kernels.fillBloom(hashes, start, end, lines, filter[filter.length - 1]!);
}

/** False only when no key with this hash was added. `filter[start .. end)` is what {@link newBloom} gave. */
export function bloomMayHold(filter: Uint8Array, start: number, end: number, hash: number): boolean {
  const lines = (end - start - 1) / LINE_BYTES;
  const line = start + lineOf(hash, lines);
  let walk = Math.imul(hash, 0x9e3779b1);
  const step = (walk >>> 17) | (walk << 15) | 1;
  for (let probe = filter[end - 1]!; probe > 0; probe--) {
    const bit = (walk >>> 9) & LINE_BITS_MASK;
    if ((filter[line + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false;
    walk = (walk + step) | 0;
  }
  return true;
}

export function isBloomLength(length: number): boolean {
  return length > LINE_BYTES && (length - 1) % LINE_BYTES === 0;
}

function lineOf(hash: number, lines: number): number {
  return Math.floor((hash / 2 ** 32) * lines) * LINE_BYTES;
}
