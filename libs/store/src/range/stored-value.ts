import { loadU53, storeU53 } from '@holdfast/io';

/**
 * What the tree holds under a data key:
 *
 * ```
 * u8 flags | u8 content type length | content type | u64 expiry (only with flag 1) | value bytes
 * ```
 *
 * The content type is ASCII, at most 255 bytes. Expiry is milliseconds since 1970.
 */
const FLAG_EXPIRY = 1;
/** In front of the content type; value bytes follow that at once unless the value expires. */
export const STORED_HEAD_BYTES = 2;
const HEAD_BYTES = STORED_HEAD_BYTES;

export interface StoredValue {
  /** ASCII bytes: a view. */
  readonly contentType: Uint8Array;
  /** Milliseconds since 1970; 0 for never. */
  readonly expiresAtMs: number;
  /** The user's bytes: a view. */
  readonly value: Uint8Array;
}

export function storedValueBytes(contentType: number, value: number, expiresAtMs: number): number {
  return HEAD_BYTES + contentType + (expiresAtMs === 0 ? 0 : 8) + value;
}

/** Writes a stored value at `offset` and returns the offset behind it. */
export function writeStoredValue(
  target: Uint8Array,
  offset: number,
  contentType: Uint8Array,
  value: Uint8Array,
  expiresAtMs: number,
): number {
  target[offset] = expiresAtMs === 0 ? 0 : FLAG_EXPIRY;
  target[offset + 1] = contentType.length;
  target.set(contentType, offset + HEAD_BYTES);
  let cursor = offset + HEAD_BYTES + contentType.length;
  if (expiresAtMs !== 0) {
    storeU53(target, cursor, expiresAtMs);
    cursor += 8;
  }
  target.set(value, cursor);
  return cursor + value.length;
}

export function encodeStoredValue(
  contentType: Uint8Array,
  value: Uint8Array,
  expiresAtMs: number,
): Uint8Array {
  const bytes = new Uint8Array(storedValueBytes(contentType.length, value.length, expiresAtMs));
  writeStoredValue(bytes, 0, contentType, value, expiresAtMs);
  return bytes;
}

export function readStoredValue(bytes: Uint8Array): StoredValue {
  const contentTypeEnd = HEAD_BYTES + bytes[1];
  const hasExpiry = (bytes[0] & FLAG_EXPIRY) !== 0;
  return {
    contentType: bytes.subarray(HEAD_BYTES, contentTypeEnd),
    expiresAtMs: hasExpiry ? loadU53(bytes, contentTypeEnd) : 0,
    value: bytes.subarray(contentTypeEnd + (hasExpiry ? 8 : 0)),
  };
}

/** When the stored value at `start` expires, milliseconds since 1970; 0 for never. Cheap for values that do not. */
export function expiryOf(bytes: Uint8Array, start = 0): number {
  if ((bytes[start] & FLAG_EXPIRY) === 0) return 0;
  return loadU53(bytes, start + HEAD_BYTES + bytes[start + 1]);
}
