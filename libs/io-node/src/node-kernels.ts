import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32 as pureCrc32, type Kernels, pureKernels } from '@holdfast/io';
import { WasmByteKernels } from './kernels/wasm-byte-kernels.ts';

/** Below this the call into native code, and the view it wants, cost more than they save (ADR 0015). */
const NATIVE_BYTES_MIN = 192;

/** The module's memory is not ours: the filter is copied in and out, which this many keys pay for. */
const BULK_KEYS_MIN = 512;
const FILTER_BYTES_PER_KEY_MAX = 64;

/** Undefined until it is needed; null where there is no WebAssembly SIMD. */
let wasm: WasmByteKernels | null | undefined;

/** The fastest way on Node.js to do each kernel. */
export const nodeKernels: Kernels = {
  crc32(bytes, start, end, seed) {
    if (end - start < NATIVE_BYTES_MIN) return pureCrc32(bytes, start, end, seed);
    return nativeCrc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
  },

  fillBloom(hashes, start, end, filter, probes) {
    const keys = end - start;
    wasm ??= WasmByteKernels.create() ?? null;
    if (wasm === null || keys < BULK_KEYS_MIN || filter.length > keys * FILTER_BYTES_PER_KEY_MAX) {
      pureKernels.fillBloom(hashes, start, end, filter, probes);
    } else {
      wasm.fillBloom(hashes.subarray(start, end), keys, filter, probes);
    }
  },
};
