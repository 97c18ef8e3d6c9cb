import { assert } from '@holdfast/io';
import type { ConfState, Entry, HardState, LogStorage } from '@holdfast/raft';

/**
 * The durable part of one Raft group's log as Raft reads it: entries `firstIndex .. lastIndex` in memory,
 * and the term of the entry in front of them.
 *
 * Invariant: holds only what the node log has synced. Entries leave at the front when they are both in an
 * SSTable and no longer needed by a follower.
 */
export class GroupLog implements LogStorage {
  #hardState: HardState;
  readonly #conf: ConfState;
  /** Index and term of the entry in front of `#entries`. */
  #baseIndex: number;
  #baseTerm: number;
  /** `#entries[#head]` is the first one that counts; the space before it is cut off now and then. */
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;

  constructor(state: {
    readonly hardState: HardState;
    readonly conf: ConfState;
    readonly baseIndex: number;
    readonly baseTerm: number;
    readonly entries: readonly Entry[];
  }) {
    this.#hardState = state.hardState;
    this.#conf = state.conf;
    this.#baseIndex = state.baseIndex;
    this.#baseTerm = state.baseTerm;
    this.append(state.entries);
  }

  /** Bytes of entry data in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  setHardState(hardState: HardState): void {
    assert(hardState.term >= this.#hardState.term, 'the term never goes back');
    this.#hardState = hardState;
  }

  initialState(): { readonly hardState: HardState; readonly conf: ConfState } {
    return { hardState: this.#hardState, conf: this.#conf };
  }

  firstIndex(): number {
    return this.#baseIndex + 1;
  }

  lastIndex(): number {
    return this.#baseIndex + this.#entries.length - this.#head;
  }

  term(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#at(index)?.term;
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | undefined {
    if (low <= this.#baseIndex) return undefined;
    assert(high <= this.lastIndex() + 1, 'entries are read up to the last one');
    const from = this.#position(low);
    const to = this.#position(high);
    let end = from;
    let bytes = 0;
    while (end < to) {
      bytes += this.#entries[end].data.length;
      if (bytes > bytesMax && end > from) break;
      end++;
    }
    return this.#entries.slice(from, end);
  }

  /** Adds entries; those at or behind `entries[0].index` are replaced. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index > this.#baseIndex, 'a compacted entry is never rewritten');
    assert(first.index <= this.lastIndex() + 1, 'the log has no gap');
    const keep = this.#position(first.index);
    for (let i = keep; i < this.#entries.length; i++) this.#bytes -= this.#entries[i].data.length;
    this.#entries.length = keep;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
  }

  /** The highest index behind which at least `bytes` of entry data follow. */
  indexBefore(bytes: number): number {
    let kept = 0;
    let position = this.#entries.length;
    while (position > this.#head && kept < bytes) kept += this.#entries[--position].data.length;
    return this.#baseIndex + position - this.#head;
  }

  /** Forgets entries up to and including `index`. */
  compactTo(index: number): void {
    if (index <= this.#baseIndex) return;
    assert(index <= this.lastIndex(), 'only existing entries are compacted');
    this.#baseTerm = this.#at(index)!.term;
    const end = this.#position(index + 1);
    for (let i = this.#head; i < end; i++) this.#bytes -= this.#entries[i].data.length;
    this.#baseIndex = index;
    this.#head = end;
    // Cutting costs the length of what stays, so it waits until at least half of the array is dead.
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Replaces the whole log by a snapshot's position. */
  resetTo(index: number, term: number): void {
    this.#baseIndex = index;
    this.#baseTerm = term;
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #at(index: number): Entry | undefined {
    return index > this.#baseIndex ? this.#entries[this.#position(index)] : undefined;
  }

  #position(index: number): number {
    return this.#head + index - this.#baseIndex - 1;
  }
}
