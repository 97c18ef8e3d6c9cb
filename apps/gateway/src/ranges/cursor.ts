import { crc32, viewOf } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';

/** Where a listing goes on. */
export interface Position {
  /** The snapshot that every page shows; 0 = not pinned. */
  readonly revision: number;
  /** The next key, or in reverse the key behind the next. */
  readonly key: Uint8Array;
}

const VERSION = 1;
const HEAD_BYTES = 1 + 4 + 8;
const CHECKSUM_BYTES = 4;

/**
 * A position as text that means nothing to its holder:
 *
 * ```
 *  0         1                 5            13
 *  +---------+-----------------+------------+-----+--------------+
 *  | version | CRC of listing  | revision   | key | CRC of all   |
 *  | u8 = 1  | u32             | f64        |     | before: u32  |
 *  +---------+-----------------+------------+-----+--------------+
 * ```
 *
 * It carries no right: the request that brings it back names the listing again and is checked like the first one, so
 * whoever makes up a cursor reads nothing that a request without one could not have read.
 *
 * @param listing what the listing shows, in bytes; a cursor of another one is refused.
 */
export function encodeCursor(listing: Uint8Array, { revision, key }: Position): string {
  const bytes = new Uint8Array(HEAD_BYTES + key.length + CHECKSUM_BYTES);
  const view = viewOf(bytes);
  view.setUint8(0, VERSION);
  view.setUint32(1, crc32(listing));
  view.setFloat64(5, revision);
  bytes.set(key, HEAD_BYTES);
  view.setUint32(bytes.length - CHECKSUM_BYTES, crc32(bytes.subarray(0, -CHECKSUM_BYTES)));
  return Buffer.from(bytes).toString('base64url');
}

/** @throws HoldfastError HF_BAD_REQUEST unless it is a cursor of this listing. */
export function decodeCursor(listing: Uint8Array, text: string): Position {
  const bytes = Buffer.from(text, 'base64url');
  const whole = bytes.length >= HEAD_BYTES + CHECKSUM_BYTES && bytes.toString('base64url') === text;
  const sound =
    whole &&
    bytes.readUInt32BE(bytes.length - CHECKSUM_BYTES) === crc32(bytes.subarray(0, -CHECKSUM_BYTES)) &&
    bytes[0] === VERSION;
  if (!sound) throw new HoldfastError('HF_BAD_REQUEST', { detail: 'cursor is none that was given out here' });
  if (bytes.readUInt32BE(1) !== crc32(listing)) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'cursor belongs to another listing' });
  }
  const revision = bytes.readDoubleBE(5);
  if (!Number.isSafeInteger(revision) || revision < 0) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'cursor is none that was given out here' });
  }
  return { revision, key: bytes.subarray(HEAD_BYTES, -CHECKSUM_BYTES) };
}
