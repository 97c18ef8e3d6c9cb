import { loadLibc } from './libc.ts';

const PROT_READ = 1;
const MAP_SHARED = 1;

/** A mapped file. */
export interface MappedMemory {
  readonly bytes: Uint8Array;
  /** Ends the mapping. Every view of it has length 0 from now on. */
  release(): void;
}

/**
 * Maps the first `size` bytes of a file for reading, or undefined where the C library cannot be reached.
 *
 * Guard against use after `release`: the ArrayBuffer is detached (`transfer(0)`) before the memory is
 * unmapped, so each view of it, here or at a reader, turns into an empty one. An index then gives
 * `undefined`, never foreign memory and never a SIGSEGV.
 *
 * What no guard in JavaScript can catch: a page that the device cannot deliver, or that was cut off by a
 * truncation, ends the process with SIGBUS. Hence the contract of `DiskFile.map`: finished files only.
 */
export function mapFile(fd: number, size: number): MappedMemory | undefined {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  const address = libc.mmap(0n, BigInt(size), PROT_READ, MAP_SHARED, fd, 0n);
  if (address === -1n) return undefined;
  const memory = libc.memoryAt(address, size);
  return {
    bytes: new Uint8Array(memory),
    release(): void {
      if (memory.detached) return;
      memory.transfer(0);
      libc.munmap(address, BigInt(size));
    },
  };
}
