import { type Kernels, viewOf, writeU53 } from '@holdfast/io';

/**
 * The checksum of a block: CRC-32 over where it belongs (binding of the file, offset in the file, 8 bytes
 * each, little-endian) and then over its bytes. A block that landed in the wrong place, or an old one that
 * was never overwritten, therefore does not pass for the right one.
 */
export class BlockChecksum {
  readonly #kernels: Kernels;
  readonly #place = new Uint8Array(16);
  readonly #view: DataView = viewOf(this.#place);

  constructor(kernels: Kernels, binding: number) {
    this.#kernels = kernels;
    writeU53(this.#view, 0, binding);
  }

  of(bytes: Uint8Array, start: number, end: number, fileOffset: number): number {
    writeU53(this.#view, 8, fileOffset);
    return this.#kernels.crc32(bytes, start, end, this.#kernels.crc32(this.#place, 0, 16, 0));
  }
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>>
    0
  );
}

export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}
