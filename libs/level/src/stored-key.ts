/**
 * Keys of `abstract-level` may be empty, keys of the engine may not. An empty key, and every key that is
 * nothing but zero bytes, is stored with one more zero byte; all others as they are. No two keys become one,
 * and the order stays:
 *
 * ```
 * key      (empty)   00      00 00      00 01   01
 * stored   00        00 00   00 00 00   00 01   01
 * ```
 */
export function isAllZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** A copy of the key as it is stored, followed by `extra` zero bytes: with one, the first key behind it. */
export function storedKey(key: Uint8Array, extra = 0): Uint8Array {
  const length = key.length + (isAllZero(key, 0, key.length) ? 1 : 0);
  const stored = new Uint8Array(length + extra);
  stored.set(key);
  return stored;
}

/** Where the key ends that is stored in `bytes[start .. end)`. */
export function storedKeyEnd(bytes: Uint8Array, start: number, end: number): number {
  return bytes[start] === 0 && isAllZero(bytes, start, end) ? end - 1 : end;
}
