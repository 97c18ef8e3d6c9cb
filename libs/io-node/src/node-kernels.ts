import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32 as pureCrc32, type Kernels } from '@holdfast/io';

/** Below this the call into native code, and the view it wants, cost more than they save (ADR 0015). */
const NATIVE_BYTES_MIN = 192;

/** The fastest way on Node.js to do each kernel. */
export const nodeKernels: Kernels = {
  crc32(bytes, start, end, seed) {
    if (end - start < NATIVE_BYTES_MIN) return pureCrc32(bytes, start, end, seed);
    return nativeCrc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
  },
};
