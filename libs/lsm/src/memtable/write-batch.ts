import { assert } from '@holdfast/io';
import { BATCH_BYTES_MAX, KEY_BYTES_MAX, MARK_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.ts';
import {
  assertRevision,
  copyInto,
  countRecords,
  KIND_DELETE,
  KIND_DELETE_RANGE,
  KIND_MARK,
  KIND_PUT,
  RECORD_HEAD_BYTES,
  recordBytes,
  writeRecordHead,
} from './record.ts';

const EMPTY = new Uint8Array(0);

/**
 * Writes that take effect together. One growing buffer of records (see `record.ts`), no object per write;
 * `clear` keeps the buffer, so a batch that is reused allocates nothing.
 *
 * Keys and values are copied by every call. Limits: {@link KEY_BYTES_MAX}, {@link VALUE_BYTES_MAX},
 * {@link MARK_BYTES_MAX}, {@link BATCH_BYTES_MAX}; passing one is an assertion failure, so check input first.
 */
export class WriteBatch {
  #bytes: Uint8Array;
  #words: Uint32Array;
  #length = 0;
  #count = 0;

  /** @param bytes initial capacity. */
  constructor(bytes = 4_096) {
    const capacity = Math.max(64, (bytes + 3) & ~3);
    this.#bytes = new Uint8Array(capacity);
    this.#words = new Uint32Array(this.#bytes.buffer);
  }

  /** Records since the last `clear`, marks included. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that this batch takes in a memtable or in the WAL. */
  get byteLength(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
    this.#count = 0;
  }

  /** Adds version `revision` of `key`. The same key and revision again: the later call wins. */
  put(key: Uint8Array, revision: number, value: Uint8Array): void {
    assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a key has 1 .. KEY_BYTES_MAX bytes');
    assert(value.length <= VALUE_BYTES_MAX, 'a value has at most VALUE_BYTES_MAX bytes');
    assertRevision(revision);
    this.#append(key, revision, value, KIND_PUT);
  }

  /** Adds a tombstone: a reader at `revision` or later sees no such key. */
  delete(key: Uint8Array, revision: number): void {
    assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'a key has 1 .. KEY_BYTES_MAX bytes');
    assertRevision(revision);
    this.#append(key, revision, EMPTY, KIND_DELETE);
  }

  /**
   * Deletes every key in `[start, end)` (`undefined`: unbounded) for readers at `revision` or later: it hides
   * all versions at or below `revision`, those of this batch too.
   */
  deleteRange(start: Uint8Array | undefined, end: Uint8Array | undefined, revision: number): void {
    const from = start ?? EMPTY;
    const to = end ?? EMPTY;
    assert(
      from.length <= KEY_BYTES_MAX && to.length <= KEY_BYTES_MAX,
      'a bound has at most KEY_BYTES_MAX bytes',
    );
    assert(end === undefined || end.length > 0, 'the end of a range is a key or undefined');
    assertRevision(revision);
    this.#append(from, revision, to, KIND_DELETE_RANGE);
  }

  /**
   * Sets the mark of a group: opaque bytes that become durable together with this batch and never before it.
   * An empty state removes the mark. `group` is an integer in 0 .. 2^32-1.
   */
  mark(group: number, state: Uint8Array): void {
    assert(group >>> 0 === group, 'a group is an integer in 0 .. 2^32-1');
    assert(state.length <= MARK_BYTES_MAX, 'a mark has at most MARK_BYTES_MAX bytes');
    this.#append(EMPTY, group, state, KIND_MARK);
  }

  /** The records: a view that lasts until the next call that changes this batch. */
  encoded(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Replaces the content by records that `encoded` gave. False when they are damaged; the batch is then empty. */
  decode(records: Uint8Array): boolean {
    if (records.length % 4 !== 0 || records.length > BATCH_BYTES_MAX) return false;
    this.clear();
    this.#reserve(records.length);
    this.#bytes.set(records);
    const count = countRecords(this.#words, records.length);
    if (count < 0) return false;
    this.#length = records.length;
    this.#count = count;
    return true;
  }

  #append(key: Uint8Array, revision: number, value: Uint8Array, kind: number): void {
    const start = this.#length;
    const bytes = recordBytes(key.length, value.length);
    if (start + bytes > this.#bytes.length) this.#reserve(start + bytes);
    const end = start + bytes;
    // The padding: at most one word, and the last.
    this.#words[(end >>> 2) - 1] = 0;
    writeRecordHead(this.#words, start >>> 2, key.length, value.length, revision, kind);
    copyInto(this.#bytes, start + RECORD_HEAD_BYTES, key);
    copyInto(this.#bytes, start + RECORD_HEAD_BYTES + key.length, value);
    this.#length = end;
    this.#count++;
  }

  #reserve(bytes: number): void {
    assert(bytes <= BATCH_BYTES_MAX, 'a batch has at most BATCH_BYTES_MAX bytes');
    if (bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#words = new Uint32Array(grown.buffer);
  }
}
