import { copyBytes, EMPTY_BYTES } from '@holdfast/io';

/** Memory that small values share, in bytes: as much as one of them can keep alive. */
const SLAB_BYTES = 16 * 1024;
/** A larger value has memory of its own. */
const SHARING_BYTES_MAX = SLAB_BYTES / 8;

/**
 * Copies of small values that are read one after the other. Memory of its own costs a value of a few hundred bytes ten
 * times what its copy does, and the collector as much again.
 */
export class Slab {
  #bytes = EMPTY_BYTES;
  #at = 0;

  copy(source: Uint8Array): Uint8Array {
    const { length } = source;
    if (length > SHARING_BYTES_MAX) return copyBytes(source);
    if (this.#bytes.length - this.#at < length) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at = start + length;
    const copy = this.#bytes.subarray(start, this.#at);
    copy.set(source);
    return copy;
  }
}
