import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32Over, type Kernels, pureKernels } from '@holdfast/io';
import { WasmByteKernels } from './kernels/wasm-byte-kernels.ts';

/** The module's memory is not ours: the filter is copied in and out, which this many keys pay for. */
const BULK_KEYS_MIN = 512;
const FILTER_BYTES_PER_KEY_MAX = 64;

/** Undefined until it is needed; null where there is no WebAssembly SIMD. */
let wasm: WasmByteKernels | null | undefined;

/** The fastest way on Node.js to do each kernel. */
export const nodeKernels: Kernels = {
  crc32: crc32Over(nativeCrc32),

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
