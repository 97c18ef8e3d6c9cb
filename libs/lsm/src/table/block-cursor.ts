import { compareRanges } from '../read/compare.ts';
import type { Source } from '../read/source.ts';
import { readU32 } from './block-checksum.ts';
import { entriesEndOf, restartBefore } from './block-search.ts';
import { readRevision, REVISION_BYTES } from './block-writer.ts';

/**
 * Walks the entries of one block and describes the one stood on in the fields of its owner.
 *
 * Forwards, keys are put together in one buffer. Backwards, a block is decoded from one restart point to the
 * next and the entries of that interval are then handed out in reverse, so both directions cost the same.
 */
export class BlockCursor {
  readonly #owner: Source;
  #data: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #entriesEnd = 0;
  #restarts = 0;
  /** Offset of the entry behind the one decoded last. */
  #at = 0;
  // 64 bytes lie in the heap of the engine: a cursor that is made for one short scan costs no malloc.
  #key = new Uint8Array(64);
  #keyLength = 0;

  // The interval being walked backwards: keys one behind the other, and where each entry's parts lie.
  #interval = -1;
  #intervalPosition = 0;
  #keys = new Uint8Array(0);
  #parts: IntervalParts | undefined;

  constructor(owner: Source) {
    this.#owner = owner;
  }

  open(data: Uint8Array, start: number, end: number): void {
    this.#data = data;
    this.#start = start;
    this.#end = end;
    this.#restarts = readU32(data, end - 4);
    this.#entriesEnd = entriesEndOf(data, end);
    this.#interval = -1;
  }

  seekFirst(): boolean {
    this.#at = this.#start;
    return this.next();
  }

  /** To the first entry at or behind (key, revision); false when all stand before. */
  seek(key: Uint8Array, revision: number): boolean {
    const restart = restartBefore(this.#data, this.#start, this.#end, key, revision);
    this.#at = this.#restartOffset(restart);
    const owner = this.#owner;
    while (this.next()) {
      const order = compareRanges(owner.key, owner.keyStart, owner.keyEnd, key, 0, key.length);
      if (order > 0 || (order === 0 && owner.revision <= revision)) return true;
    }
    return false;
  }

  next(): boolean {
    let at = this.#at;
    if (at >= this.#entriesEnd) return false;
    const data = this.#data;
    let shared = data[at++]!;
    if (shared >= 0x80) {
      shared &= 0x7f;
      for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = data[at++]!;
        shared |= (byte & 0x7f) << shift;
      }
    }
    let unshared = data[at++]!;
    if (unshared >= 0x80) {
      unshared &= 0x7f;
      for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = data[at++]!;
        unshared |= (byte & 0x7f) << shift;
      }
    }
    let valueAndKind = data[at++]!;
    if (valueAndKind >= 0x80) {
      valueAndKind &= 0x7f;
      for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = data[at++]!;
        valueAndKind |= (byte & 0x7f) << shift;
      }
    }
    const owner = this.#owner;
    owner.revision = readRevision(data, at);
    owner.kind = valueAndKind & 1;
    at += REVISION_BYTES;
    const length = shared + unshared;
    if (length > this.#key.length) this.#growKey(length);
    const key = this.#key;
    for (let i = shared; i < length; i++) key[i] = data[at++]!;
    this.#keyLength = length;
    owner.key = key;
    owner.keyStart = 0;
    owner.keyEnd = length;
    owner.value = data;
    owner.valueStart = at;
    owner.valueEnd = at + (valueAndKind >>> 1);
    this.#at = owner.valueEnd;
    return true;
  }

  seekLast(): boolean {
    return this.#decodeInterval(this.#restarts - 1);
  }

  /** To the last entry in front of (key, revision); false when there is none. */
  seekBefore(key: Uint8Array, revision: number): boolean {
    const restart = restartBefore(this.#data, this.#start, this.#end, key, revision);
    if (!this.#decodeInterval(restart)) return false;
    const owner = this.#owner;
    for (;;) {
      const order = compareRanges(owner.key, owner.keyStart, owner.keyEnd, key, 0, key.length);
      if (order < 0 || (order === 0 && owner.revision > revision)) return true;
      if (!this.previous()) return false;
    }
  }

  previous(): boolean {
    if (this.#intervalPosition > 0) {
      this.#stand(--this.#intervalPosition);
      return true;
    }
    return this.#decodeInterval(this.#interval - 1);
  }

  #decodeInterval(restart: number): boolean {
    if (restart < 0) return false;
    this.#at = this.#restartOffset(restart);
    const end = restart + 1 < this.#restarts ? this.#restartOffset(restart + 1) : this.#entriesEnd;
    const owner = this.#owner;
    const parts = (this.#parts ??= new IntervalParts());
    let count = 0;
    let keysEnd = 0;
    while (this.#at < end) {
      this.next();
      if (keysEnd + this.#keyLength > this.#keys.length) this.#growKeys(keysEnd + this.#keyLength, keysEnd);
      const keys = this.#keys;
      const key = this.#key;
      for (let i = 0, length = this.#keyLength; i < length; i++) keys[keysEnd + i] = key[i]!;
      keysEnd += this.#keyLength;
      parts.keyEnds[count] = keysEnd;
      parts.revisions[count] = owner.revision;
      parts.kinds[count] = owner.kind;
      parts.valueStarts[count] = owner.valueStart;
      parts.valueEnds[count] = owner.valueEnd;
      count++;
    }
    this.#interval = restart;
    this.#intervalPosition = count - 1;
    this.#stand(count - 1);
    return true;
  }

  #stand(position: number): void {
    const owner = this.#owner;
    const parts = this.#parts!;
    owner.key = this.#keys;
    owner.keyStart = position === 0 ? 0 : parts.keyEnds[position - 1]!;
    owner.keyEnd = parts.keyEnds[position]!;
    owner.revision = parts.revisions[position]!;
    owner.kind = parts.kinds[position]!;
    owner.valueStart = parts.valueStarts[position]!;
    owner.valueEnd = parts.valueEnds[position]!;
  }

  #restartOffset(restart: number): number {
    return this.#start + readU32(this.#data, this.#entriesEnd + 4 * restart);
  }

  #growKey(length: number): void {
    const grown = new Uint8Array(length * 2);
    grown.set(this.#key.subarray(0, this.#keyLength));
    this.#key = grown;
  }

  #growKeys(length: number, used: number): void {
    const grown = new Uint8Array(length * 2);
    grown.set(this.#keys.subarray(0, used));
    this.#keys = grown;
  }
}

class IntervalParts {
  readonly keyEnds: number[] = [];
  readonly revisions: number[] = [];
  readonly kinds: number[] = [];
  readonly valueStarts: number[] = [];
  readonly valueEnds: number[] = [];
}
