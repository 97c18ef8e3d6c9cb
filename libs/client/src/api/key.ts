import { encodeUtf8 } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

/** Text stands for its UTF-8 bytes; keys order by unsigned bytes, not by UTF-16. */
export type Key = string | Uint8Array;

/** @throws HoldfastError `HF_KEY_INVALID` for a lone surrogate: two different keys must never become one. */
export function keyBytes(key: Key): Uint8Array {
  if (typeof key !== 'string') return key;
  const encoded = encodeUtf8(key);
  if (encoded === undefined)
    throw new HoldfastError('HF_KEY_INVALID', { detail: 'the key holds a lone surrogate' });
  return encoded;
}
