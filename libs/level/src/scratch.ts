import { Buffer } from 'node:buffer';
import { copyInto } from './copy-into.ts';
import type { Encoded } from './format.ts';
import { isAllZero } from './stored-key.ts';

const VIEWED_BYTES_MAX = 256;
const KEEP_BYTES_MAX = 1024 * 1024;

/**
 * Bytes of one key or one value at a time, in memory that is used again and again. The engine copies what it is
 * given, so a call allocates nothing here; and it always sees the same kind of array, whatever callers use.
 */
export class Scratch {
  #buffer: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(1_024);
  #bytes = new Uint8Array(this.#buffer.buffer);
  /** Views of the first n bytes, made when first needed. */
  #views: (Uint8Array | undefined)[] = [];

  /** The bytes: a view that lasts until the next call. */
  of(data: Encoded): Uint8Array {
    return this.#view(this.#fill(data));
  }

  /** The key as it is stored (see `stored-key.ts`): a view that lasts until the next call. */
  keyOf(key: Encoded): Uint8Array {
    let length = this.#fill(key);
    if ((length === 0 || this.#bytes[0] === 0) && isAllZero(this.#bytes, 0, length))
      this.#bytes[length++] = 0;
    return this.#view(length);
  }

  #fill(data: Encoded): number {
    if (typeof data !== 'string') {
      // Room for the byte that `keyOf` may add.
      if (data.length >= this.#bytes.length) this.#resize(data.length + 1);
      copyInto(this.#bytes, 0, data, 0, data.length);
      return data.length;
    }
    const units = data.length;
    // Three bytes at most for each code unit.
    if (units * 3 >= this.#bytes.length) this.#resize(units * 3 + 1);
    const bytes = this.#bytes;
    if (units > 64) return this.#buffer.write(data, 0);
    for (let i = 0; i < units; i++) {
      const unit = data.charCodeAt(i);
      if (unit > 0x7f) return this.#buffer.write(data, 0);
      bytes[i] = unit;
    }
    return units;
  }

  #view(length: number): Uint8Array {
    if (length > VIEWED_BYTES_MAX) {
      const view = this.#bytes.subarray(0, length);
      // One huge value does not stay in memory for ever: the view keeps it for as long as it is used.
      if (this.#bytes.length > KEEP_BYTES_MAX) this.#resize(1_024);
      return view;
    }
    return (this.#views[length] ??= this.#bytes.subarray(0, length));
  }

  #resize(bytes: number): void {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(1_024, bytes));
    this.#bytes = new Uint8Array(this.#buffer.buffer);
    this.#views = [];
  }
}
