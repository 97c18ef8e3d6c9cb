import { type KeyspaceId, type RangeId, viewOf } from '@holdfast/io';

/**
 * How the keys of a node share one tree: the first byte names the family, so that others can come.
 *
 * ```
 * 02 | keyspace id (u32 BE) | user key          data; bounds of ranges are keys of this family
 * 03 | range id (u32 BE) | 01 | key             idempotency records of a range
 * 03 | range id (u32 BE) | 02 | due | tree key  when keys of a range are to go: data keys and idempotency records
 * ```
 *
 * Family 03 is local to a range: it moves with the range's snapshots. `due` is milliseconds since 1970, u64 BE.
 *
 * Big-endian numbers make byte order equal numeric order, so a keyspace is one contiguous interval.
 */
const DATA_FAMILY = 0x02;

/** Behind every data key there can be. */
export const DATA_KEYS_END: Uint8Array = Uint8Array.of(DATA_FAMILY + 1);

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

/** Negative, zero or positive as the data key of (keyspace, user key) sorts before, with or after a tree key. */
export function compareDataKey(keyspace: number, userKey: Uint8Array, key: Uint8Array): number {
  const { length } = key;
  if (length === 0) return 1;
  if (key[0] !== DATA_FAMILY) return DATA_FAMILY - key[0];
  for (let i = 1; i < DATA_KEY_PREFIX_BYTES; i++) {
    if (i === length) return 1;
    const difference = ((keyspace >>> (32 - 8 * i)) & 0xff) - key[i];
    if (difference !== 0) return difference;
  }
  const rest = length - DATA_KEY_PREFIX_BYTES;
  const common = userKey.length < rest ? userKey.length : rest;
  for (let i = 0; i < common; i++) {
    const difference = userKey[i] - key[i + DATA_KEY_PREFIX_BYTES];
    if (difference !== 0) return difference;
  }
  return userKey.length - rest;
}

/** True for keys of users, as opposed to what a range keeps for itself. */
export function isDataKey(key: Uint8Array): boolean {
  return key[0] === DATA_FAMILY;
}

/** The keyspace of a data key. */
export function keyspaceOf(key: Uint8Array): KeyspaceId {
  return viewOf(key).getUint32(1) as KeyspaceId;
}

/** The user key inside a data key: a view. */
export function userKeyOf(key: Uint8Array): Uint8Array {
  return key.subarray(DATA_KEY_PREFIX_BYTES);
}

const LOCAL_FAMILY = 0x03;
const LOCAL_HEAD_BYTES = 6;
const DUE_BYTES = 8;
const LocalKind = { idempotency: 1, expiry: 2 } as const;

function localHead(range: RangeId, kind: number, bytes: number): Uint8Array {
  const key = new Uint8Array(LOCAL_HEAD_BYTES + bytes);
  key[0] = LOCAL_FAMILY;
  storeU32Be(key, 1, range);
  key[5] = kind;
  return key;
}

/** Keys sort as their numbers do. */
function storeU32Be(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Everything that is local to a range: `[start, end)`. */
export function localKeys(range: RangeId): { readonly start: Uint8Array; readonly end: Uint8Array } {
  return { start: localHead(range, 0, 0), end: localHead(range, 0xff, 0) };
}

/** Where the record of an idempotency key lies. */
export function idempotencyKeyOf(range: RangeId, key: Uint8Array): Uint8Array {
  const bytes = localHead(range, LocalKind.idempotency, key.length);
  bytes.set(key, LOCAL_HEAD_BYTES);
  return bytes;
}

/** The entry that says when `key` goes. Its version has the revision of the version that it is about. */
export function expiryKeyOf(range: RangeId, dueMs: number, key: Uint8Array): Uint8Array {
  const bytes = localHead(range, LocalKind.expiry, DUE_BYTES + key.length);
  storeU32Be(bytes, LOCAL_HEAD_BYTES, Math.floor(dueMs / 2 ** 32));
  storeU32Be(bytes, LOCAL_HEAD_BYTES + 4, dueMs);
  bytes.set(key, LOCAL_HEAD_BYTES + DUE_BYTES);
  return bytes;
}

/** What an expiry key says. @param expiryKey made by {@link expiryKeyOf} */
export function readExpiryKey(expiryKey: Uint8Array): { readonly dueMs: number; readonly key: Uint8Array } {
  const view = viewOf(expiryKey);
  return {
    dueMs: view.getUint32(LOCAL_HEAD_BYTES) * 2 ** 32 + view.getUint32(LOCAL_HEAD_BYTES + 4),
    key: expiryKey.subarray(LOCAL_HEAD_BYTES + DUE_BYTES),
  };
}
