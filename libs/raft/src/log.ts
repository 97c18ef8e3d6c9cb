import { assert } from '@holdfast/io';
import { type Entry, EntryKind, type SnapshotMeta } from './message.ts';
import type { LogStorage } from './ready.ts';

/** Added to the data of an entry wherever bytes are limited, so that empty entries are not free. */
export const ENTRY_OVERHEAD_BYTES = 16;

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** A write that storage has been given and has not confirmed. */
export interface LogWrite {
  /** Up to here the write makes the log durable. Lowered when a later write replaces what it holds. */
  durableTo: number;
}

/**
 * The log as this replica believes it to be: a durable part in `LogStorage`, and a tail kept here until
 * storage has confirmed it.
 *
 * Invariants: `applied <= handedApplied <= commit <= last`; `stable <= handed <= last`; the tail holds exactly
 * the entries `stable + 1 .. last`.
 */
export class RaftLog {
  commit: number;
  /** Applied by the state machine. */
  applied: number;
  /** Given out in some `Ready.committed`. */
  handedApplied: number;
  last: number;
  lastTerm: number;
  /** Durable on this node, and equal to this log. */
  stable: number;
  /** Given to storage in some Ready, durable or not. */
  handed: number;
  /** A snapshot that replaces the log and is not yet durable. */
  snapshot: SnapshotMeta | undefined = undefined;
  /** Whether some Ready has given out `snapshot`. */
  snapshotHanded = false;
  /** Bytes of the entries of the latest `slice`, overhead included. */
  sliceBytes = 0;

  private readonly storage: LogStorage;
  /** `tail[head]` has index `stable + 1`; slots before `head` are free. */
  private tail: Entry[] = [];
  private head = 0;
  private readonly writes: LogWrite[] = [];
  /** Indexes above `applied` that hold configuration changes, in order. */
  private readonly confIndexes: number[] = [];
  // The latest slice. Peers at the same position share one array.
  private sliceEntries: readonly Entry[] = NO_ENTRIES;
  private sliceLow = 0;
  private sliceHigh = 0;
  private sliceLimit = 0;

  constructor(storage: LogStorage, commit: number, applied: number) {
    this.storage = storage;
    this.last = storage.lastIndex();
    this.lastTerm = storage.term(this.last) ?? 0;
    this.stable = this.last;
    this.handed = this.last;
    this.applied = applied;
    this.handedApplied = applied;
    assert(applied >= storage.firstIndex() - 1, 'what the snapshot holds has been applied');
    assert(applied <= this.last, 'applied <= last: flush no entry that the log has not synced');
    this.commit = Math.min(Math.max(commit, applied), this.last);
    this.scanConfChanges();
  }

  /** First index whose entry is there; the term of the index before is known too. */
  get first(): number {
    return this.snapshot === undefined ? this.storage.firstIndex() : this.snapshot.index + 1;
  }

  /** Undefined when `index` is compacted or beyond the end. */
  term(index: number): number | undefined {
    if (index > this.last) return undefined;
    if (index > this.stable) return this.tail[this.head + index - this.stable - 1].term;
    if (index === this.last) return this.lastTerm;
    if (this.snapshot !== undefined && index <= this.snapshot.index) {
      return index === this.snapshot.index ? this.snapshot.term : undefined;
    }
    return this.storage.term(index);
  }

  /** Term of the last committed entry; 0 when there is none. */
  get commitTerm(): number {
    return this.term(this.commit) ?? 0;
  }

  /** Paper 5.4.1: whether a log that ends with (`term`, `index`) is at least as up to date as this one. */
  upToDate(term: number, index: number): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.last);
  }

  /** Adds one entry behind the last. */
  append(entry: Entry): void {
    assert(entry.index === this.last + 1, 'the log has no gaps');
    assert(entry.term >= this.lastTerm, 'terms never fall along the log');
    this.tail.push(entry);
    this.last = entry.index;
    this.lastTerm = entry.term;
    if (entry.kind === EntryKind.confChange) this.confIndexes.push(entry.index);
  }

  /** Forgets everything from `index` on. Never touches what is committed. */
  truncate(index: number): void {
    assert(index > this.commit, 'a committed entry is never replaced');
    const lastTerm = this.term(index - 1);
    assert(lastTerm !== undefined, 'the entry before a truncation is known');
    this.lowerWrites(index - 1);
    this.forgetSlice();
    if (index > this.stable) {
      this.tail.length = this.head + index - this.stable - 1;
    } else {
      this.tail.length = 0;
      this.head = 0;
      this.stable = index - 1;
    }
    this.last = index - 1;
    this.lastTerm = lastTerm;
    if (this.handed >= index) this.handed = index - 1;
    while (this.confIndexes.length > 0 && this.confIndexes.at(-1)! >= index) this.confIndexes.pop();
  }

  /** Replaces the whole log by a snapshot of what others have committed. */
  restore(snapshot: SnapshotMeta): void {
    assert(snapshot.index > this.commit, 'a snapshot only moves forward');
    this.lowerWrites(snapshot.index);
    this.forgetSlice();
    this.tail.length = 0;
    this.head = 0;
    this.confIndexes.length = 0;
    this.snapshot = snapshot;
    this.snapshotHanded = false;
    this.last = snapshot.index;
    this.lastTerm = snapshot.term;
    this.stable = snapshot.index;
    this.handed = snapshot.index;
    this.commit = snapshot.index;
    this.handedApplied = snapshot.index;
    // `applied` follows when the driver has installed it.
  }

  /** The driver has installed `snapshot`. A newer one may have taken its place meanwhile. */
  snapshotInstalled(snapshot: SnapshotMeta): void {
    if (this.applied < snapshot.index) this.applied = snapshot.index;
    if (this.snapshot === snapshot) this.snapshot = undefined;
  }

  /** Returns whether the commit index moved. */
  commitTo(index: number): boolean {
    if (index <= this.commit) return false;
    assert(index <= this.last, 'commit <= last: this node has lost entries that it had acknowledged');
    this.commit = index;
    return true;
  }

  appliedTo(index: number): void {
    assert(index <= this.handedApplied, 'only what was handed out can have been applied');
    if (index <= this.applied) return; // A snapshot was installed while older entries were being applied.
    this.applied = index;
    while (this.confIndexes.length > 0 && this.confIndexes[0] <= index) this.confIndexes.shift();
  }

  /** Whether a configuration change is committed and not applied: this node does not know who votes. */
  get confChangeUnapplied(): boolean {
    return this.confIndexes.length > 0 && this.confIndexes[0] <= this.commit;
  }

  /** How many configuration changes are in the log and not committed. At most one, or a leader broke its rule. */
  get confChangesUncommitted(): number {
    let count = 0;
    for (let i = this.confIndexes.length - 1; i >= 0 && this.confIndexes[i] > this.commit; i--) count++;
    return count;
  }

  /** Drops the shared array of the latest slice, which would keep its entries in memory. */
  forgetSlice(): void {
    this.sliceEntries = NO_ENTRIES;
    this.sliceHigh = 0;
  }

  /** Entries that no Ready has given to storage yet. */
  takeUnhanded(): readonly Entry[] {
    if (this.handed === this.last) return NO_ENTRIES;
    const entries = this.tail.slice(this.head + this.handed - this.stable);
    this.handed = this.last;
    return entries;
  }

  /** Remembers that storage was given everything up to `handed`. */
  addWrite(write: LogWrite): void {
    write.durableTo = this.handed;
    this.writes.push(write);
  }

  /** Storage has confirmed `write`, the oldest that it had. Returns whether `stable` moved. */
  confirmWrite(write: LogWrite): boolean {
    const oldest = this.writes.shift();
    assert(oldest === write, 'storage confirms writes in order');
    if (write.durableTo <= this.stable) return false;
    this.dropTail(write.durableTo - this.stable);
    this.stable = write.durableTo;
    return true;
  }

  /**
   * Entries `low .. high` (high excluded) within `bytesMax`, at least one; undefined when storage cannot give
   * them. The array is shared: nobody changes it.
   */
  slice(low: number, high: number, bytesMax: number): readonly Entry[] | undefined {
    assert(low >= 1 && low < high && high <= this.last + 1, 'a slice lies within the log');
    if (low === this.sliceLow && high === this.sliceHigh && bytesMax === this.sliceLimit)
      return this.sliceEntries;
    const entries =
      low > this.stable ? this.sliceTail(low, high, bytesMax) : this.sliceStored(low, high, bytesMax);
    if (entries === undefined) return undefined;
    this.sliceLow = low;
    this.sliceHigh = high;
    this.sliceLimit = bytesMax;
    this.sliceEntries = entries;
    return entries;
  }

  /**
   * The largest index at or below `index` whose term is at most `term`: above it, the log cannot agree with one
   * whose term at `index` is `term`. A compacted index counts as agreeing: it is committed.
   */
  lastIndexWithTermAtMost(index: number, term: number): number {
    for (let i = Math.min(index, this.last); i > 0; i--) {
      const own = this.term(i);
      if (own === undefined || own <= term) return i;
    }
    return 0;
  }

  /** Sets `sliceBytes`. Looks at no more entries than fit. */
  private sliceTail(low: number, high: number, bytesMax: number): readonly Entry[] {
    const { tail } = this;
    const start = this.head + low - this.stable - 1;
    const limit = start + high - low;
    let end = start;
    let bytes = 0;
    for (; end < limit; end++) {
      const size = tail[end].data.length + ENTRY_OVERHEAD_BYTES;
      if (end > start && bytes + size > bytesMax) break;
      bytes += size;
    }
    this.sliceBytes = bytes;
    return tail.slice(start, end);
  }

  private sliceStored(low: number, high: number, bytesMax: number): readonly Entry[] | undefined {
    if (low < this.first) return undefined;
    const storedHigh = Math.min(high, this.stable + 1);
    const stored = this.storage.entries(low, storedHigh, bytesMax);
    if (stored === undefined) return undefined;
    assert(stored.length > 0 && stored[0].index === low, 'storage gives what was asked for');
    let bytes = 0;
    for (let i = 0; i < stored.length; i++) {
      const size = stored[i].data.length + ENTRY_OVERHEAD_BYTES;
      if (i > 0 && bytes + size > bytesMax) {
        this.sliceBytes = bytes;
        return stored.slice(0, i);
      }
      bytes += size;
    }
    this.sliceBytes = bytes;
    if (stored.length < storedHigh - low || storedHigh === high || bytes >= bytesMax) return stored;
    const unstored = this.sliceTail(storedHigh, high, bytesMax - bytes);
    this.sliceBytes += bytes;
    return stored.concat(unstored);
  }

  /** Frees the first `count` slots of the tail; moves memory only when half of it is free. */
  private dropTail(count: number): void {
    this.head += count;
    if (this.head === this.tail.length) {
      this.tail = [];
      this.head = 0;
    } else if (this.head * 2 >= this.tail.length) {
      this.tail = this.tail.slice(this.head);
      this.head = 0;
    }
  }

  /** A write still under way must not vouch for entries that a later write replaces. */
  private lowerWrites(durableTo: number): void {
    for (const write of this.writes) if (write.durableTo > durableTo) write.durableTo = durableTo;
  }

  /**
   * After a restart. A leader starts a configuration change only when the one before is applied, so a log that
   * holds a change proves that every earlier one is committed, even if the commit index was not synced.
   * Without this, a node could campaign with a configuration two steps old.
   */
  private scanConfChanges(): void {
    if (this.applied === this.last) return;
    const unapplied = this.storage.entries(this.applied + 1, this.last + 1, Number.POSITIVE_INFINITY);
    assert(unapplied !== undefined, 'storage keeps unapplied entries in memory');
    for (const entry of unapplied)
      if (entry.kind === EntryKind.confChange) this.confIndexes.push(entry.index);
    const provedCommitted = this.confIndexes.at(-2);
    if (provedCommitted !== undefined && provedCommitted > this.commit) this.commit = provedCommitted;
  }
}
