/** Bytes of a {@link Fingerprint}. */
export const FINGERPRINT_BYTES = 8;

/**
 * 64 bits that tell two requests apart: equal requests give equal fingerprints on every machine. Two multiplicative
 * hashes with different constants, mixed at the end. Not for use against somebody who looks for collisions: an
 * idempotency key belongs to one tenant, who could only deceive himself.
 */
export class Fingerprint {
  #a = 0xdeadbeef;
  #b = 0x41c6ce57;

  number(value: number): this {
    this.#word(value % 2 ** 32);
    this.#word(Math.floor(value / 2 ** 32));
    return this;
  }

  /** The length goes in first, so that bytes cannot move from one field to the next unseen. */
  bytes(bytes: Uint8Array): this {
    this.#word(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#word(bytes[i]);
    return this;
  }

  /** @returns FINGERPRINT_BYTES bytes, little-endian. */
  finish(): Uint8Array {
    const a =
      Math.imul(this.#a ^ (this.#a >>> 16), 2246822507) ^ Math.imul(this.#b ^ (this.#b >>> 13), 3266489909);
    const b = Math.imul(this.#b ^ (this.#b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    const result = new Uint8Array(FINGERPRINT_BYTES);
    const view = new DataView(result.buffer);
    view.setInt32(0, a, true);
    view.setInt32(4, b, true);
    return result;
  }

  #word(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 2654435761);
    this.#b = Math.imul(this.#b ^ word, 1597334677);
    this.#a ^= this.#a >>> 15;
    this.#b ^= this.#b >>> 14;
  }
}
