import { encodeUtf8, type Random, utf8 } from '@holdfast/io';
import { HoldfastError, IDEMPOTENCY_KEY_BYTES_MAX } from '@holdfast/wire';

/** The idempotency keys of one client's writes: what the caller says, or names of its own. */
export class WriteNames {
  readonly #prefix: string | undefined;
  #count = 0;

  /** @param random makes names for writes that have none; undefined: those stay without. */
  constructor(random: Random | undefined) {
    if (random === undefined) return;
    const digits = Array.from({ length: 4 }, () => random.nextU32().toString(36).padStart(7, '0'));
    this.#prefix = `client-${digits.join('')}-`;
  }

  /** @throws HoldfastError `HF_IDEMPOTENCY_KEY_INVALID` */
  of(given: string | undefined): Uint8Array | undefined {
    if (given === undefined) {
      return this.#prefix === undefined ? undefined : utf8(`${this.#prefix}${++this.#count}`);
    }
    const encoded = encodeUtf8(given);
    if (encoded === undefined || encoded.length === 0 || encoded.length > IDEMPOTENCY_KEY_BYTES_MAX) {
      throw new HoldfastError('HF_IDEMPOTENCY_KEY_INVALID');
    }
    return encoded;
  }
}
