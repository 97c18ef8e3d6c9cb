import type { KeyspaceId } from '@holdfast/io';

/**
 * How the keys of a node share one tree: the first byte names the family, so that others can come.
 *
 * ```
 * 02 | keyspace id (u32 BE) | user key   data; bounds of ranges are keys of this family
 * ```
 *
 * Big-endian numbers make byte order equal numeric order, so a keyspace is one contiguous interval.
 */
const DATA_FAMILY = 0x02;

/** Bytes in front of a user key. */
export const DATA_KEY_PREFIX_BYTES = 5;

/** Writes `02 | keyspace | user key` at `offset` and returns the offset behind it. */
export function writeDataKey(
  target: Uint8Array,
  offset: number,
  keyspace: number,
  userKey: Uint8Array,
): number {
  target[offset] = DATA_FAMILY;
  target[offset + 1] = keyspace >>> 24;
  target[offset + 2] = keyspace >>> 16;
  target[offset + 3] = keyspace >>> 8;
  target[offset + 4] = keyspace;
  target.set(userKey, offset + DATA_KEY_PREFIX_BYTES);
  return offset + DATA_KEY_PREFIX_BYTES + userKey.length;
}

export function dataKey(keyspace: KeyspaceId | number, userKey: Uint8Array): Uint8Array {
  const key = new Uint8Array(DATA_KEY_PREFIX_BYTES + userKey.length);
  writeDataKey(key, 0, keyspace, userKey);
  return key;
}

/** The user key inside a data key: a view. */
export function userKeyOf(key: Uint8Array): Uint8Array {
  return key.subarray(DATA_KEY_PREFIX_BYTES);
}
