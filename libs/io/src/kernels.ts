import { crc32 } from './crc32.ts';

/**
 * The byte work that a world may do faster than plain TypeScript. Every implementation gives the same
 * answers as {@link pureKernels}; one conformance suite holds them together.
 */
export interface Kernels {
  /** CRC-32 (zlib's) of `bytes[start .. end)`, continuing from `seed`. */
  crc32(bytes: Uint8Array, start: number, end: number, seed: number): number;
}

export const pureKernels: Kernels = { crc32 };
