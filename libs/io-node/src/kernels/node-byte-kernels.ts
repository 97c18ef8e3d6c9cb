import type { ByteKernels } from './byte-kernels.ts';
import { pureByteKernels } from './pure-byte-kernels.ts';
import { WasmByteKernels } from './wasm-byte-kernels.ts';

/** Of each kernel the implementation that won in ADR 0015, or the pure ones where WebAssembly SIMD is missing. */
export function createByteKernels(): ByteKernels {
  const wasm = WasmByteKernels.create();
  if (wasm === undefined) return pureByteKernels;
  return {
    // Single keys and sums stay pure: copying them into the module's memory eats the gain.
    ...pureByteKernels,
    hashKeys: (keys, offsets, count, hashes) => wasm.hashKeys(keys, offsets, count, hashes),
    fillBloom: (hashes, count, filter, probes) => wasm.fillBloom(hashes, count, filter, probes),
  };
}
