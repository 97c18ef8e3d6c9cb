import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32Over, type Kernels, pureKernels } from '@holdfast/io';

/** As nodes have them in production: the same values, sooner. Half of a run's checksums are of larger pieces. */
export const hostKernels: Kernels = { ...pureKernels, crc32: crc32Over(nativeCrc32) };

/** Of all of `bytes`. */
export function checksum(bytes: Uint8Array): number {
  return hostKernels.crc32(bytes, 0, bytes.length, 0);
}
