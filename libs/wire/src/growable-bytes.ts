/** Capacity above this is given back on `reset`, so that one large batch does not stay for ever. */
const KEEP_BYTES_MAX = 1024 * 1024;

/**
 * Bytes that are appended to, read, and used again: a builder allocates nothing per operation.
 * `bytes` and `view` are replaced when it grows: take them anew after each `reserve`.
 */
export class GrowableBytes {
  bytes: Uint8Array;
  view: DataView;
  length = 0;
  readonly #capacityMin: number;

  constructor(capacityMin: number) {
    this.#capacityMin = capacityMin;
    this.bytes = new Uint8Array(capacityMin);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Appends `count` bytes of any content, which the caller overwrites; gives their position. */
  reserve(count: number): number {
    const at = this.length;
    const length = at + count;
    if (length > this.bytes.length) this.#grow(length);
    this.length = length;
    return at;
  }

  append(source: Uint8Array): void {
    const at = this.reserve(source.length);
    // Measured: no slower than a plain loop even for 16 bytes (Node 26).
    this.bytes.set(source, at);
  }

  /** Forgets the content. */
  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEEP_BYTES_MAX && this.#capacityMin <= KEEP_BYTES_MAX) {
      this.bytes = new Uint8Array(this.#capacityMin);
      this.view = new DataView(this.bytes.buffer);
    }
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(Math.max(length, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
