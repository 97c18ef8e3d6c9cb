import { crc32 } from './crc32.ts';
import { fillBloom } from './fill-bloom.ts';

/**
 * The byte work that a world may do faster than plain TypeScript. Every implementation gives the same
 * answers as {@link pureKernels}; one conformance suite holds them together.
 */
export interface Kernels {
  /** CRC-32 (zlib's) of `bytes[start .. end)`, continuing from `seed`. */
  crc32(bytes: Uint8Array, start: number, end: number, seed: number): number;
  /**
   * Sets `probes` bits for each of `hashes[start .. end)` in a bloom filter made of whole lines
   * ({@link BLOOM_LINE_BYTES}); bits that are set already stay.
   */
  fillBloom(hashes: Uint32Array, start: number, end: number, filter: Uint8Array, probes: number): void;
}

export const pureKernels: Kernels = { crc32, fillBloom };
