/** Bulk work on bytes. Every implementation gives the answers of {@link pureByteKernels}. */
export interface ByteKernels {
  /** Negative, zero or positive as `a` sorts before, with or after `b`: unsigned bytes, a prefix first. */
  compare(a: Uint8Array, b: Uint8Array): number;
  /** CRC-32 (zlib's) of `bytes`, continuing from `seed`. */
  crc32(bytes: Uint8Array, seed: number): number;
  /**
   * Hashes of `count` keys into `hashes` (murmur3, 32 bits): key `i` is `keys[offsets[i] .. offsets[i + 1])`.
   */
  hashKeys(keys: Uint8Array, offsets: Uint32Array, count: number, hashes: Uint32Array): void;
  /** Sets the bits of `hashes[0 .. count)` in a bloom filter of lines of 64 bytes, `probes` bits each. */
  fillBloom(hashes: Uint32Array, count: number, filter: Uint8Array, probes: number): void;
  /** Writes 1 into `answers` for each hash that the filter may hold, 0 for the others. */
  probeBloom(
    hashes: Uint32Array,
    count: number,
    filter: Uint8Array,
    probes: number,
    answers: Uint8Array,
  ): void;
}
