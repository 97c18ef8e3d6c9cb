import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32 as pureCrc32, type Kernels, pureKernels } from '@holdfast/io';

/** Below this a call into native code costs more than it saves (ADR 0015). */
const NATIVE_BYTES_MIN = 192;

/** As nodes have them in production: the same values, sooner. Half of a run's checksums are of larger pieces. */
export const hostKernels: Kernels = {
  ...pureKernels,
  crc32(bytes, start, end, seed) {
    if (end - start < NATIVE_BYTES_MIN) return pureCrc32(bytes, start, end, seed);
    return nativeCrc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
  },
};

/** Of all of `bytes`. */
export function checksum(bytes: Uint8Array): number {
  return hostKernels.crc32(bytes, 0, bytes.length, 0);
}
