/** LEB128 for integers in 0 .. 2^31-1: seven bits a byte, low first, high bit set on all but the last. */

export const VARINT_BYTES_MAX = 5;

/** Writes `value` and returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

/** Reads varints one behind the other, with bounds. Not for hot loops. */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** The next integer, or -1 when the bytes end or the number is 2^31 or more. */
  next(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.offset >= this.end) return -1;
      const byte = this.bytes[this.offset++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value < 2 ** 31 ? value : -1;
    }
    return -1;
  }

  /** A view of the next `length` bytes, or undefined when there are fewer. */
  take(length: number): Uint8Array | undefined {
    if (length < 0 || this.end - this.offset < length) return undefined;
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }

  /** The next 8 bytes as an integer below 2^53, or -1. */
  u53(): number {
    const bytes = this.take(8);
    if (bytes === undefined) return -1;
    let value = 0;
    for (let i = 7; i >= 0; i--) value = value * 256 + bytes[i]!;
    return Number.isSafeInteger(value) ? value : -1;
  }
}

/** A growing buffer for small structures: manifest edits, properties. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  length = 0;

  varint(value: number): this {
    this.#reserve(VARINT_BYTES_MAX);
    this.length = writeVarint(this.#bytes, this.length, value);
    return this;
  }

  u53(value: number): this {
    this.#reserve(8);
    let rest = value;
    for (let i = 0; i < 8; i++) {
      this.#bytes[this.length++] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.length++] = value >>> shift;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** Length, then the bytes. */
  string(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + more, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}
