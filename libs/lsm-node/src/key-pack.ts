import { assert } from '@holdfast/io';

const LENGTH_BYTES = 4;

/**
 * Keys one behind the other in one buffer, for crossing to another thread:
 *
 *     ( u32 length, LE | bytes )*
 */
export class KeyWriter {
  #bytes = new Uint8Array(4_096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  write(key: Uint8Array): void {
    const end = this.#length + LENGTH_BYTES + key.length;
    if (end > this.#bytes.length) this.#grow(end * 2);
    this.#view.setUint32(this.#length, key.length, true);
    this.#bytes.set(key, this.#length + LENGTH_BYTES);
    this.#length = end;
  }

  /** The buffer; the writer is empty afterwards. */
  finish(): ArrayBuffer {
    const buffer = this.#bytes.buffer.transfer(this.#length);
    this.#bytes = new Uint8Array(0);
    this.#view = new DataView(new ArrayBuffer(0));
    this.#length = 0;
    return buffer;
  }

  #grow(capacity: number): void {
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads the keys of a {@link KeyWriter} in the order of their writing, as views of the buffer. */
export class KeyReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  read(): Uint8Array {
    assert(this.#at + LENGTH_BYTES <= this.#bytes.length, 'a key is read as often as it was written');
    const start = this.#at + LENGTH_BYTES;
    const end = start + this.#view.getUint32(this.#at, true);
    this.#at = end;
    return this.#bytes.subarray(start, end);
  }
}
