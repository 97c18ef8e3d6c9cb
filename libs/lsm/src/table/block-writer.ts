import { keyHead } from '../read/compare.ts';
import { writeU32 } from './block-checksum.ts';
import { VARINT_BYTES_MAX, writeVarint } from './varint.ts';

/**
 * Builds data blocks:
 *
 * ```
 * entry*            varint shared | varint unshared | varint value length * 2 + kind
 *                   | revision, 7 bytes LE | unshared key bytes | value
 * u32 offset*       restart points: entries with shared = 0, counted from the start of the block
 * u32 head*         of the key at each restart point: four bytes behind the common ones, big-endian
 * u32               bytes that all keys of the block have in common
 * u32               number of restart points
 * ```
 *
 * `shared` key bytes are those of the entry in front. Entries are in the order of `Source`. With the heads side by
 * side at the end of the block, the search for a restart point touches one or two cache lines and no entry
 * ("poor man's normalized keys", Graefe 2011, 3.5).
 */
export const REVISION_BYTES = 7;
/** Of the tail of a block: two counts, and offset and head for each restart point. */
export const TAIL_BYTES = 8;
export const RESTART_BYTES = 8;
const ENTRY_HEAD_BYTES_MAX: number = 3 * VARINT_BYTES_MAX + REVISION_BYTES;

export class BlockWriter {
  readonly #restartInterval: number;
  /** Blocks one behind the other; the caller empties it. */
  bytes: Uint8Array;
  /** End of what is written. */
  length = 0;
  #blockStart = 0;
  #entries = 0;
  #restarts = new Uint32Array(64);
  /** Where the key of each restart point begins and ends, in `bytes`. */
  #restartKeys = new Uint32Array(128);
  #restartCount = 0;
  // The last key added: a copy, because the source moves on.
  #lastKey = new Uint8Array(256);
  #lastKeyLength = 0;

  constructor(bytes: Uint8Array, restartInterval: number) {
    this.bytes = bytes;
    this.#restartInterval = restartInterval;
  }

  /** Entries in the open block. */
  get entries(): number {
    return this.#entries;
  }

  /** Bytes of the open block, as if it were finished now. */
  get blockBytes(): number {
    return this.length - this.#blockStart + RESTART_BYTES * this.#restartCount + TAIL_BYTES;
  }

  /** The last key added: a view until the next `add`. */
  get lastKey(): Uint8Array {
    return this.#lastKey.subarray(0, this.#lastKeyLength);
  }

  /** Starts a block at the current end. */
  begin(): void {
    this.#blockStart = this.length;
    this.#entries = 0;
    this.#restartCount = 0;
  }

  add(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    revision: number,
    kind: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyLength = keyEnd - keyStart;
    const valueLength = valueEnd - valueStart;
    this.#reserve(ENTRY_HEAD_BYTES_MAX + keyLength + valueLength);
    const last = this.#lastKey;
    const isRestart = this.#entries % this.#restartInterval === 0;
    let shared = 0;
    if (isRestart) {
      this.#addRestart();
    } else {
      const lengthMax = Math.min(keyLength, this.#lastKeyLength);
      while (shared < lengthMax && last[shared] === key[keyStart + shared]) shared++;
    }
    const bytes = this.bytes;
    let at = this.length;
    const unshared = keyLength - shared;
    if (shared < 0x80 && unshared < 0x80) {
      bytes[at++] = shared;
      bytes[at++] = unshared;
    } else {
      at = writeVarint(bytes, at, shared);
      at = writeVarint(bytes, at, unshared);
    }
    at = writeVarint(bytes, at, valueLength * 2 + kind);
    at = writeRevision(bytes, at, revision);
    if (isRestart) {
      this.#restartKeys[2 * this.#restartCount - 2] = at;
      this.#restartKeys[2 * this.#restartCount - 1] = at + keyLength;
    }
    if (this.#lastKey.length < keyLength) this.#growLastKey(keyLength);
    const copy = this.#lastKey;
    for (let i = shared; i < keyLength; i++) {
      const byte = key[keyStart + i]!;
      bytes[at++] = byte;
      copy[i] = byte;
    }
    this.#lastKeyLength = keyLength;
    if (valueLength > 64) {
      bytes.set(value.subarray(valueStart, valueEnd), at);
      at += valueLength;
    } else {
      for (let i = valueStart; i < valueEnd; i++) bytes[at++] = value[i]!;
    }
    this.length = at;
    this.#entries++;
  }

  /** Appends the restart points; the block is `bytes[start .. length)`. */
  finish(): { readonly start: number } {
    const count = this.#restartCount;
    this.#reserve(RESTART_BYTES * count + TAIL_BYTES);
    const { bytes } = this;
    const keys = this.#restartKeys;
    const common = this.#commonBytes();
    let at = this.length;
    for (let i = 0; i < count; i++, at += 4) writeU32(bytes, at, this.#restarts[i]!);
    for (let i = 0; i < count; i++, at += 4)
      writeU32(bytes, at, keyHead(bytes, keys[2 * i]! + common, keys[2 * i + 1]!));
    writeU32(bytes, at, common);
    writeU32(bytes, at + 4, count);
    this.length = at + TAIL_BYTES;
    return { start: this.#blockStart };
  }

  /** Keys are sorted, so what the first and the last have in common, all between have. */
  #commonBytes(): number {
    const [start, end] = [this.#restartKeys[0]!, this.#restartKeys[1]!];
    const length = Math.min(end - start, this.#lastKeyLength);
    let common = 0;
    while (common < length && this.bytes[start + common] === this.#lastKey[common]) common++;
    return common;
  }

  /** Makes sure that `more` bytes fit behind `length`. */
  reserve(more: number): void {
    this.#reserve(more);
  }

  #addRestart(): void {
    if (this.#restartCount === this.#restarts.length) {
      const grown = new Uint32Array(this.#restarts.length * 2);
      grown.set(this.#restarts);
      this.#restarts = grown;
      const grownKeys = new Uint32Array(this.#restartKeys.length * 2);
      grownKeys.set(this.#restartKeys);
      this.#restartKeys = grownKeys;
    }
    this.#restarts[this.#restartCount++] = this.length - this.#blockStart;
  }

  #growLastKey(length: number): void {
    const grown = new Uint8Array(length * 2);
    grown.set(this.#lastKey.subarray(0, this.#lastKeyLength));
    this.#lastKey = grown;
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + more, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

function writeRevision(bytes: Uint8Array, offset: number, revision: number): number {
  const low = revision >>> 0;
  const high = (revision / 2 ** 32) >>> 0;
  bytes[offset] = low;
  bytes[offset + 1] = low >>> 8;
  bytes[offset + 2] = low >>> 16;
  bytes[offset + 3] = low >>> 24;
  bytes[offset + 4] = high;
  bytes[offset + 5] = high >>> 8;
  bytes[offset + 6] = high >>> 16;
  return offset + REVISION_BYTES;
}

export function readRevision(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset + 4]! | (bytes[offset + 5]! << 8) | (bytes[offset + 6]! << 16)) * 2 ** 32 +
    ((bytes[offset]! |
      (bytes[offset + 1]! << 8) |
      (bytes[offset + 2]! << 16) |
      (bytes[offset + 3]! << 24)) >>>
      0)
  );
}

export function appendRevision(revision: number): Uint8Array {
  const bytes = new Uint8Array(REVISION_BYTES);
  writeRevision(bytes, 0, revision);
  return bytes;
}
