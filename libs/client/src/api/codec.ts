import { copyBytes, decodeUtf8, encodeUtf8, utf8 } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

/** How values of a keyspace become bytes and back. */
export interface Codec<T> {
  /** Goes with every value that is written; at most CONTENT_TYPE_BYTES_MAX bytes of ASCII. */
  readonly contentType: string;
  /** @throws HoldfastError `HF_BAD_REQUEST` when the value has no such form. */
  encode(value: T): Uint8Array;
  /**
   * @param bytes a view that lives as long as this call: what keeps it copies it.
   * @throws HoldfastError `HF_BAD_REQUEST` when the bytes are no such value.
   */
  decode(bytes: Uint8Array): T;
}

/** Values as they are. What is read has memory of its own. */
export const bytes: Codec<Uint8Array> = {
  contentType: 'application/octet-stream',
  encode: (value) => value,
  decode: copyBytes,
};

/** Text, exact in both directions: lone surrogates and invalid UTF-8 are refused. */
export const text: Codec<string> = {
  contentType: 'text/plain; charset=utf-8',
  encode: (value) => encodeUtf8(value) ?? refuse('the text holds a lone surrogate'),
  decode: (value) => decodeUtf8(value) ?? refuse('the value is not valid UTF-8'),
};

/** JSON. The type is a promise of the application: nothing is checked against it. */
export function json<T>(): Codec<T> {
  return JSON_CODEC as Codec<T>;
}

const JSON_CODEC: Codec<unknown> = {
  contentType: 'application/json',
  encode(value) {
    const encoded = JSON.stringify(value);
    if (encoded === undefined) return refuse('the value has no JSON form');
    // `JSON.stringify` escapes lone surrogates, so this is always exact.
    return utf8(encoded);
  },
  decode(value) {
    const decoded = decodeUtf8(value) ?? refuse('the value is not valid UTF-8');
    try {
      return JSON.parse(decoded);
    } catch (cause) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'the value is not JSON', cause });
    }
  },
};

function refuse(detail: string): never {
  throw new HoldfastError('HF_BAD_REQUEST', { detail });
}
