import { assert } from '@holdfast/io';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.ts';

/**
 * One write as it lies in a batch, in a memtable's arena and in the WAL: written once, copied as a whole.
 * Little-endian, each record on a 4-byte border:
 *
 * ```
 * u32 key length | u32 value length | u32 revision, low half | u32 kind << 24 | revision, high 21 bits
 * key bytes | value bytes | zero padding to a multiple of 4
 * ```
 *
 * A range deletion has the start as key and the end as value (empty: no end). A mark has no key, the group
 * in place of the revision, and its state as value.
 */
export const RECORD_HEAD_BYTES = 16;

export const KIND_DELETE = 0;
export const KIND_PUT = 1;
export const KIND_DELETE_RANGE = 2;
export const KIND_MARK = 3;
export const KIND_MAX: number = KIND_MARK;

const REVISION_HIGH_MASK = 0x1f_ffff;
const HALF = 2 ** 32;

/** Bytes that a record of these lengths takes, padding included. */
export function recordBytes(keyLength: number, valueLength: number): number {
  return (RECORD_HEAD_BYTES + keyLength + valueLength + 3) & ~3;
}

/** Writes the head of the record at `word` (its byte offset / 4). */
export function writeRecordHead(
  words: Uint32Array,
  word: number,
  keyLength: number,
  valueLength: number,
  revision: number,
  kind: number,
): void {
  words[word] = keyLength;
  words[word + 1] = valueLength;
  words[word + 2] = revision;
  words[word + 3] = (kind << 24) | (revision / HALF);
}

export function recordRevision(words: Uint32Array, word: number): number {
  return (words[word + 3]! & REVISION_HIGH_MASK) * HALF + words[word + 2]!;
}

export function recordKind(words: Uint32Array, word: number): number {
  return words[word + 3]! >>> 24;
}

/**
 * Checks that `words[0 .. bytes / 4)` is a sequence of whole records within the limits; returns their count,
 * or -1. For bytes that came from a disk or another process.
 */
export function countRecords(words: Uint32Array, bytes: number): number {
  let count = 0;
  let offset = 0;
  while (offset < bytes) {
    if (bytes - offset < RECORD_HEAD_BYTES) return -1;
    const word = offset >>> 2;
    const keyLength = words[word]!;
    const valueLength = words[word + 1]!;
    const kind = recordKind(words, word);
    if (keyLength > KEY_BYTES_MAX || valueLength > VALUE_BYTES_MAX || kind > KIND_MAX) return -1;
    if ((words[word + 3]! & 0x00e0_0000) !== 0) return -1;
    if ((keyLength === 0) !== (kind === KIND_MARK) && kind !== KIND_DELETE_RANGE) return -1;
    offset += recordBytes(keyLength, valueLength);
    count++;
  }
  return offset === bytes ? count : -1;
}

/** Copies bytes; a plain loop below the length where calling `set` starts to pay. */
export function copyInto(target: Uint8Array, offset: number, source: Uint8Array): void {
  const length = source.length;
  if (length > 40) {
    target.set(source, offset);
    return;
  }
  for (let i = 0; i < length; i++) target[offset + i] = source[i]!;
}

export function assertRevision(revision: number): void {
  assert(Number.isSafeInteger(revision) && revision >= 0, 'a revision is an integer in 0 .. 2^53-1');
}
