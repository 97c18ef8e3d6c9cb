import { assert } from '@holdfast/io';
import type { LogPosition } from '../log/log-recovery.ts';
import { hashKey } from '../table/bloom.ts';
import type { RangeTombstone } from '../version/range-tombstones.ts';
import type { Arena } from './arena.ts';
import { KeyFilter } from './key-filter.ts';
import {
  KIND_DELETE_RANGE,
  KIND_MARK,
  RECORD_HEAD_BYTES,
  recordBytes,
  recordKind,
  recordRevision,
} from './record.ts';
import { type Place, RecordTree } from './record-tree.ts';
import type { WriteBatch } from './write-batch.ts';

const NOWHERE: LogPosition = { segment: 0, offset: 0 };

/** What a point read found. One object per reader, filled again and again. */
export class Found {
  revision = 0;
  kind = 0;
  value: Uint8Array = new Uint8Array(0);
  valueStart = 0;
  valueEnd = 0;
  /** Cache frame that the value lies in, or -1. */
  frame = -1;
}

/**
 * The newest writes, sorted, in memory. Records lie in an arena in the order of their writing, so the address
 * of a record is its sequence number: a reader that remembers `top` sees nothing that came later.
 */
export class Memtable {
  readonly arena: Arena;
  readonly tree: RecordTree;
  /** Marks set by the batches in this memtable; an empty state removes the mark. */
  readonly marks = new Map<number, Uint8Array>();
  /** In the order of their writing. */
  readonly rangeTombstones: RangeTombstone[] = [];
  /** Greatest revision of a put or delete; -1 when there is none. */
  revisionMax = -1;
  /** Grows with every batch: a cursor that remembers it knows whether its place is still right. */
  mutations = 0;
  /** Views that read it; the arena is recycled when the flush is done and this is 0. */
  views = 0;
  /** At or before the place of this memtable's first batch in the WAL. */
  walFirst: LogPosition = NOWHERE;
  readonly #filter: KeyFilter;
  readonly #place: Place = { leaf: 0, index: 0 };

  constructor(arena: Arena) {
    this.arena = arena;
    this.#filter = new KeyFilter(arena.capacity);
    this.tree = new RecordTree(arena.bytes, arena.words);
  }

  /** Forgets everything and keeps the memory. Nobody reads it any more. */
  reset(): void {
    assert(this.views === 0, 'a memtable is recycled after its readers');
    this.arena.reset();
    this.tree.reset(this.arena.bytes, this.arena.words);
    this.#filter.clear();
    this.marks.clear();
    this.rangeTombstones.length = 0;
    this.revisionMax = -1;
    this.mutations = 0;
    this.walFirst = NOWHERE;
  }

  /** True when nothing at all was written, not even a mark. */
  get isEmpty(): boolean {
    return this.mutations === 0;
  }

  /** Bytes of records and of the nodes that index them (the filter has 1/64 of the arena's size, always). */
  get bytes(): number {
    return this.arena.top + this.tree.nodeBytes;
  }

  get top(): number {
    return this.arena.top;
  }

  /** Room for the batch? The tree of a full arena is never large, because nodes grow with records. */
  hasRoom(batch: WriteBatch): boolean {
    return batch.byteLength <= this.arena.free;
  }

  /**
   * Takes all of the batch. The caller has checked {@link hasRoom}.
   * @param latestMarks the marks of all groups, brought up to date.
   */
  apply(batch: WriteBatch, latestMarks: Map<number, Uint8Array>): void {
    assert(this.hasRoom(batch), 'the batch fits the arena');
    const { words, bytes } = this.arena;
    let address = this.arena.append(batch.encoded());
    const top = this.arena.top;
    while (address < top) {
      const word = address >>> 2;
      const keyLength = words[word]!;
      const valueLength = words[word + 1]!;
      const kind = recordKind(words, word);
      if (kind < KIND_DELETE_RANGE) {
        const revision = recordRevision(words, word);
        if (revision > this.revisionMax) this.revisionMax = revision;
        const start = address + RECORD_HEAD_BYTES;
        this.#filter.add(hashKey(bytes, start, start + keyLength));
        this.tree.insert(address);
      } else {
        const key = bytes.slice(address + RECORD_HEAD_BYTES, address + RECORD_HEAD_BYTES + keyLength);
        const valueStart = address + RECORD_HEAD_BYTES + keyLength;
        const value = bytes.slice(valueStart, valueStart + valueLength);
        const revision = recordRevision(words, word);
        if (kind === KIND_MARK) this.#mark(revision, value, latestMarks);
        else this.rangeTombstones.push({ start: key, end: value.length === 0 ? undefined : value, revision });
      }
      address += recordBytes(keyLength, valueLength);
    }
    this.mutations++;
  }

  #mark(group: number, state: Uint8Array, latestMarks: Map<number, Uint8Array>): void {
    this.marks.set(group, state);
    if (state.length === 0) latestMarks.delete(group);
    else latestMarks.set(group, state);
  }

  /** False only when no version of the key with this hash (`hashKey`) is here: worth asking before {@link find}. */
  mayHold(hash: number): boolean {
    return this.#filter.mayHold(hash);
  }

  /**
   * The newest version of `key` at or below `revision` among the records below address `limit`.
   * False when there is none. A tombstone is found too.
   */
  find(key: Uint8Array, revision: number, limit: number, found: Found): boolean {
    const place = this.#place;
    let here = this.tree.seek(place, key, 0, key.length, revision);
    const { words, bytes } = this.arena;
    while (here) {
      const address = this.tree.addressAt(place);
      const word = address >>> 2;
      const keyLength = words[word]!;
      if (keyLength !== key.length) return false;
      const start = address + RECORD_HEAD_BYTES;
      for (let i = keyLength - 1; i >= 0; i--) if (bytes[start + i] !== key[i]) return false;
      if (address < limit) {
        found.revision = recordRevision(words, word);
        found.frame = -1;
        found.kind = recordKind(words, word);
        found.value = bytes;
        found.valueStart = start + keyLength;
        found.valueEnd = start + keyLength + words[word + 1]!;
        return true;
      }
      here = this.tree.next(place);
    }
    return false;
  }
}
