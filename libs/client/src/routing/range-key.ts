import { concatBytes, type KeyspaceId, prefixEnd } from '@holdfast/io';
import { KEY_BYTES_MAX } from '@holdfast/wire';

/**
 * Bounds of ranges are range keys: `u32 keyspace id, big-endian | user key`. An empty end bound means "to the end".
 * Operations carry keyspace and key apart; they are compared with bounds without being joined.
 */
export const RANGE_KEY_PREFIX_BYTES = 4;

/** Negative, zero or positive as (keyspace, key) sorts before, with or after `bound`, byte by byte. */
export function compareToBound(keyspace: KeyspaceId, key: Uint8Array, bound: Uint8Array): number {
  const boundLength = bound.length;
  for (let i = 0; i < RANGE_KEY_PREFIX_BYTES; i++) {
    if (i === boundLength) return 1;
    const difference = ((keyspace >>> (24 - 8 * i)) & 0xff) - bound[i];
    if (difference !== 0) return difference;
  }
  const keyLength = key.length;
  const length =
    keyLength < boundLength - RANGE_KEY_PREFIX_BYTES ? keyLength : boundLength - RANGE_KEY_PREFIX_BYTES;
  for (let i = 0; i < length; i++) {
    const difference = key[i] - bound[i + RANGE_KEY_PREFIX_BYTES];
    if (difference !== 0) return difference;
  }
  return keyLength + RANGE_KEY_PREFIX_BYTES - boundLength;
}

/**
 * The user key of `bound` when it lies inside the keyspace, behind its first key; undefined when the whole rest of
 * the keyspace lies on this side of the bound.
 */
export function boundInKeyspace(keyspace: KeyspaceId, bound: Uint8Array): Uint8Array | undefined {
  if (bound.length <= RANGE_KEY_PREFIX_BYTES) return undefined;
  for (let i = 0; i < RANGE_KEY_PREFIX_BYTES; i++) {
    if (bound[i] !== ((keyspace >>> (24 - 8 * i)) & 0xff)) return undefined;
  }
  return bound.subarray(RANGE_KEY_PREFIX_BYTES);
}

/** The first key behind `key`; undefined when there is none. No key is longer than the largest size. */
export function keyBehind(key: Uint8Array): Uint8Array | undefined {
  return key.length < KEY_BYTES_MAX ? concatBytes([key, ZERO]) : prefixEnd(key);
}

const ZERO = Uint8Array.of(0);

/** `u32 keyspace | key` in memory of its own. */
export function rangeKey(keyspace: KeyspaceId, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RANGE_KEY_PREFIX_BYTES + key.length);
  bytes[0] = keyspace >>> 24;
  bytes[1] = keyspace >>> 16;
  bytes[2] = keyspace >>> 8;
  bytes[3] = keyspace;
  bytes.set(key, RANGE_KEY_PREFIX_BYTES);
  return bytes;
}
