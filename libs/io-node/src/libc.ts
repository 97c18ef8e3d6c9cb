import { createRequire } from 'node:module';
import { platform } from 'node:process';

/** The few calls of the C library that Node.js does not offer, and two ways to look at foreign memory. */
export interface Libc {
  /** Address, or -1n on failure. */
  mmap(address: bigint, bytes: bigint, protection: number, flags: number, fd: number, offset: bigint): bigint;
  munmap(address: bigint, bytes: bigint): number;
  flock(fd: number, operation: number): number;
  /** Memory outside of the JavaScript heap as an ArrayBuffer, without a copy. */
  memoryAt(address: bigint, bytes: number): ArrayBuffer;
}

let libc: Libc | null | undefined;

/**
 * The C library through `node:ffi`, or undefined where that does not exist: an older Node.js, one started
 * with `--no-experimental-ffi`, a permission model without `--allow-ffi`, Windows. Loaded on first use;
 * Node.js 26 prints one `ExperimentalWarning` then.
 */
export function loadLibc(): Libc | undefined {
  libc ??= load() ?? null;
  return libc ?? undefined;
}

function load(): Libc | undefined {
  if (platform === 'win32') return undefined;
  try {
    const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi');
    const { functions } = ffi.dlopen(null, {
      mmap: { arguments: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], return: 'i64' },
      munmap: { arguments: ['u64', 'u64'], return: 'i32' },
      flock: { arguments: ['i32', 'i32'], return: 'i32' },
    });
    return { ...functions, memoryAt: (address, bytes) => ffi.toArrayBuffer(address, bytes, false) };
  } catch {
    return undefined;
  }
}
