import { assert } from '@holdfast/io';
import { ClosedError } from '../errors.ts';
import { REVISION_MAX } from '../limits.ts';
import { KIND_DELETE } from '../memtable/record.ts';
import { coveringRevision } from '../version/range-tombstones.ts';
import { compareRanges, equalRanges } from './compare.ts';
import type { Merge } from './merge.ts';
import { BLOCKED, END, ENTRY, type Source, type Status } from './source.ts';
import type { View } from './view.ts';

export interface CursorOptions {
  /** First key of the range. Default: the smallest. */
  readonly start?: Uint8Array;
  /** Key behind the range. Default: none. */
  readonly end?: Uint8Array;
  /** From the largest key to the smallest. */
  readonly reverse?: boolean;
  /** Show the newest version at or below this. Default: the newest of all. */
  readonly revision?: number;
  /**
   * Show every version at or below `revision`, tombstones too, newest first (oldest first in reverse).
   * A range deletion shows in the versions that it removes: they are not shown.
   */
  readonly allVersions?: boolean;
}

/**
 * Where an entry lies in memory: `key[keyStart .. keyEnd)`, `value[valueStart .. valueEnd)`. Valid until the
 * cursor moves or the caller awaits anything.
 */
export interface EntryView {
  readonly key: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly revision: number;
  /** 0 delete, 1 put. Always 1 without `allVersions`. */
  readonly kind: number;
}

const NOTHING = new Uint8Array(0);

/** Versions of a key that are stepped over one by one before the cursor seeks behind the rest of them. */
const STEPS_MAX = 32;

/**
 * Walks the entries of a tree or snapshot in key order. Starts in front of the first one:
 *
 *     while (cursor.next() || (await cursor.load())) use(cursor.key, cursor.value);
 *     cursor.close();
 *
 * `next` is synchronous; `load` is reached at the end and when a block has to be read from disk.
 *
 * A cursor sees the state of the moment in which it was made. It pins memory and files, so close it.
 *
 * @throws CorruptionError from `next` and `load`; DiskError from `load`. The cursor is then only good to close.
 */
export class Cursor {
  readonly #merge: Merge;
  readonly #view: View;
  readonly #start: Uint8Array | undefined;
  readonly #end: Uint8Array | undefined;
  readonly #isReverse: boolean;
  readonly #revision: number;
  readonly #allVersions: boolean;
  /** `undefined`: the next step starts with {@link #seekKey}. */
  #status: Status | undefined;
  #seekKey: Uint8Array | undefined;
  #isClosed = false;
  #entry: EntryView | undefined;
  #isWaiting = false;
  // The key whose versions are being passed over (forwards) or collected (backwards).
  #last = new Uint8Array(64);
  #lastLength = -1;
  #lastRevision = 0;
  /** Versions of the last key that were stepped over. */
  #passed = 0;
  /** What a seek behind many versions aims at: unchanged until it is over. */
  #passKey = this.#last;
  readonly #candidate = new Candidate();

  /** The cursor takes over one reference of `view`. */
  constructor(view: View, merge: Merge, options: CursorOptions) {
    this.#view = view;
    this.#merge = merge;
    this.#start = options.start;
    this.#end = options.end;
    this.#isReverse = options.reverse ?? false;
    this.#revision = options.revision ?? REVISION_MAX;
    this.#allVersions = options.allVersions ?? false;
  }

  /** After `next` said false: true when it only waits for {@link load}, false at the end. */
  get isBlocked(): boolean {
    return this.#isWaiting;
  }

  /** The entry stood on, without making any object. */
  get entry(): EntryView {
    assert(this.#entry !== undefined, 'the cursor stands on an entry');
    return this.#entry;
  }

  /** Key of the entry: a view, valid until the cursor moves or the caller awaits. */
  get key(): Uint8Array {
    const { key, keyStart, keyEnd } = this.entry;
    return key.subarray(keyStart, keyEnd);
  }

  /** Value of the entry: a view, valid until the cursor moves or the caller awaits. */
  get value(): Uint8Array {
    const { value, valueStart, valueEnd } = this.entry;
    return value.subarray(valueStart, valueEnd);
  }

  get revision(): number {
    return this.entry.revision;
  }

  get kind(): 'put' | 'delete' {
    return this.entry.kind === KIND_DELETE ? 'delete' : 'put';
  }

  /**
   * Goes in front of the first entry at or behind `key` (in reverse: at or before it), within the bounds.
   * Reads nothing yet; `next` follows. `key` is not changed until then.
   */
  seek(key: Uint8Array): void {
    this.#check();
    this.#seekKey = key;
    this.#status = undefined;
    this.#entry = undefined;
    this.#isWaiting = false;
    this.#lastLength = -1;
    this.#candidate.isSet = false;
  }

  /** Steps to the next entry. False at the end, and when a block is missing: see {@link isBlocked}. */
  next(): boolean {
    this.#check();
    assert(!this.#isWaiting, 'a blocked cursor is loaded first');
    return this.#isReverse ? this.#nextBackwards() : this.#nextForwards();
  }

  /**
   * Fetches what `next` was missing and finishes its step: true when the cursor stands on an entry now. False
   * at the end, and at once when `next` was not blocked.
   */
  async load(): Promise<boolean> {
    while (this.#isWaiting) {
      this.#check();
      try {
        await this.#merge.load();
      } catch (error) {
        // Closed meanwhile: what it waited for may have gone away under it.
        if (!this.#isClosed) throw error;
      }
      if (this.#isClosed) return false;
      this.#isWaiting = false;
      this.#status = this.#merge.resume();
      if (this.next()) return true;
    }
    return false;
  }

  /** Frees what the cursor pins. May be called twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#entry = undefined;
    this.#merge.close();
    this.#view.release();
  }

  #check(): void {
    if (this.#isClosed) throw new ClosedError('the cursor');
  }

  #nextForwards(): boolean {
    const merge = this.#merge;
    let status = this.#entry === undefined ? (this.#status ?? this.#startForwards()) : merge.next();
    this.#entry = undefined;
    for (let tooNew = 0; ;) {
      if (status !== ENTRY) return this.#stop(status);
      const source = merge.current;
      if (this.#end !== undefined && compareKey(source, this.#end) >= 0) return this.#stop(END);
      if (source.revision > this.#revision) {
        status = ++tooNew % STEPS_MAX === 0 ? this.#passVersions(source, this.#revision) : merge.next();
      } else if (this.#isShown(source)) {
        this.#status = undefined;
        this.#entry = source;
        return true;
      } else {
        status = this.#passed === STEPS_MAX ? this.#passVersions(source, 0) : merge.next();
      }
    }
  }

  /** A key that is written often has more versions than a seek behind them costs. */
  #passVersions({ key, keyStart, keyEnd }: Source, revision: number): Status {
    this.#passed = 0;
    this.#passKey = key.slice(keyStart, keyEnd);
    return this.#merge.seek(this.#passKey, revision);
  }

  /** Remembers the key, so that later versions of it are passed over. */
  #isShown(source: Source): boolean {
    const { key, keyStart, keyEnd, revision } = source;
    const isSameKey =
      this.#lastLength >= 0 && equalRanges(key, keyStart, keyEnd, this.#last, 0, this.#lastLength);
    if (this.#allVersions) {
      if (isSameKey && revision === this.#lastRevision) return false;
      this.#remember(source);
      return !this.#isCovered(source);
    }
    if (isSameKey) {
      this.#passed++;
      return false;
    }
    this.#passed = 0;
    this.#remember(source);
    return source.kind !== KIND_DELETE && !this.#isCovered(source);
  }

  #isCovered({ key, keyStart, keyEnd, revision }: EntryView): boolean {
    const { rangeTombstones } = this.#view;
    if (rangeTombstones.length === 0) return false;
    return coveringRevision(rangeTombstones, key, keyStart, keyEnd, this.#revision) >= revision;
  }

  #remember({ key, keyStart, keyEnd, revision }: Source): void {
    const length = keyEnd - keyStart;
    if (length > this.#last.length) this.#last = new Uint8Array(length * 2);
    const last = this.#last;
    for (let i = 0; i < length; i++) last[i] = key[keyStart + i]!;
    this.#lastLength = length;
    this.#lastRevision = revision;
  }

  #startForwards(): Status {
    const start = later(this.#seekKey, this.#start);
    return start === undefined ? this.#merge.seekFirst() : this.#merge.seek(start, REVISION_MAX);
  }

  /**
   * Backwards, the versions of a key come oldest first: the one to show is the last that is not too new, and
   * it is only known when the next key has come. So it is copied.
   */
  #nextBackwards(): boolean {
    const merge = this.#merge;
    const candidate = this.#candidate;
    this.#entry = undefined;
    let status = this.#status ?? this.#startBackwards();
    for (;;) {
      if (status === BLOCKED) return this.#stop(status);
      const source = status === ENTRY ? merge.current : undefined;
      const isOver =
        source === undefined || (this.#start !== undefined && compareKey(source, this.#start) < 0);
      if (candidate.isSet && (isOver || !this.#isSameAsCandidate(source))) {
        this.#status = isOver ? END : ENTRY;
        candidate.isSet = false;
        if (this.#isCandidateShown()) {
          this.#entry = candidate;
          return true;
        }
      }
      if (isOver) return this.#stop(END);
      if (source.revision <= this.#revision) candidate.set(source);
      status = merge.previous();
    }
  }

  #isSameAsCandidate(source: Source): boolean {
    const candidate = this.#candidate;
    if (this.#allVersions && source.revision !== candidate.revision) return false;
    return equalRanges(source.key, source.keyStart, source.keyEnd, candidate.key, 0, candidate.keyEnd);
  }

  #isCandidateShown(): boolean {
    const candidate = this.#candidate;
    return (this.#allVersions || candidate.kind !== KIND_DELETE) && !this.#isCovered(candidate);
  }

  #startBackwards(): Status {
    const key = this.#seekKey;
    const end = this.#end;
    // Behind all versions of `key`, which is included; in front of all versions of `end`, which is not.
    if (
      key !== undefined &&
      (end === undefined || compareRanges(key, 0, key.length, end, 0, end.length) < 0)
    ) {
      return this.#merge.seekBefore(key, -1);
    }
    return end === undefined ? this.#merge.seekLast() : this.#merge.seekBefore(end, REVISION_MAX);
  }

  #stop(status: Status): false {
    this.#status = status;
    this.#isWaiting = status === BLOCKED;
    return false;
  }
}

/** A copy of an entry. */
class Candidate implements EntryView {
  isSet = false;
  key: Uint8Array = NOTHING;
  readonly keyStart = 0;
  keyEnd = 0;
  value: Uint8Array = NOTHING;
  readonly valueStart = 0;
  valueEnd = 0;
  revision = 0;
  kind = 0;

  set(source: Source): void {
    this.isSet = true;
    const keyLength = source.keyEnd - source.keyStart;
    const valueLength = source.valueEnd - source.valueStart;
    if (this.key.length < keyLength) this.key = new Uint8Array(keyLength * 2);
    if (this.value.length < valueLength) this.value = new Uint8Array(valueLength * 2);
    for (let i = 0; i < keyLength; i++) this.key[i] = source.key[source.keyStart + i]!;
    if (valueLength > 64) this.value.set(source.value.subarray(source.valueStart, source.valueEnd));
    else for (let i = 0; i < valueLength; i++) this.value[i] = source.value[source.valueStart + i]!;
    this.keyEnd = keyLength;
    this.valueEnd = valueLength;
    this.revision = source.revision;
    this.kind = source.kind;
  }
}

function compareKey(source: Source, key: Uint8Array): number {
  return compareRanges(source.key, source.keyStart, source.keyEnd, key, 0, key.length);
}

function later(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareRanges(a, 0, a.length, b, 0, b.length) >= 0 ? a : b;
}
