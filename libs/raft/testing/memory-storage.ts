import { assert, nodeId } from '@holdfast/io';
import type { ConfState, Entry, HardState, LogStorage, Ready, SnapshotMeta } from '../src/index.ts';

/** A log in memory: what a driver keeps, without a disk. */
export class MemoryStorage implements LogStorage {
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  /** The configuration at `applied`. */
  conf: ConfState;
  /** What the state machine finds applied after a restart. */
  applied = 0;
  #base = 0;
  #baseTerm = 0;
  #entries: Entry[] = [];

  constructor(conf: ConfState) {
    this.conf = conf;
  }

  /** A log that is there from the start. */
  load(entries: readonly Entry[]): void {
    this.#entries = entries.slice();
  }

  firstIndex(): number {
    return this.#base + 1;
  }

  lastIndex(): number {
    return this.#base + this.#entries.length;
  }

  term(index: number): number | undefined {
    return index === this.#base ? this.#baseTerm : this.#entries[index - this.#base - 1]?.term;
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | undefined {
    if (low <= this.#base) return undefined;
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = low; index < high; index++) {
      const entry = this.#entries[index - this.#base - 1];
      assert(entry !== undefined, 'entries are asked for only where they are');
      bytes += entry.data.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  initialState(): { readonly hardState: HardState; readonly conf: ConfState } {
    return { hardState: this.hardState, conf: this.conf };
  }

  /** Performs the writes of a Ready; with `entriesMax`, only so many of its entries: the rest was torn off. */
  write(ready: Ready, entriesMax = Number.POSITIVE_INFINITY): void {
    if (ready.snapshot !== undefined) this.#install(ready.snapshot);
    if (ready.hardState !== undefined) this.hardState = ready.hardState;
    for (const entry of ready.entries.slice(0, entriesMax)) {
      assert(entry.index > this.#base && entry.index <= this.lastIndex() + 1, 'the log has no gaps');
      this.#entries.length = entry.index - this.#base - 1;
      this.#entries.push(entry);
    }
  }

  /** Drops entries up to `index`; they are in the state machine. */
  compact(index: number): void {
    const term = this.term(index);
    if (index <= this.#base || term === undefined) return;
    this.#entries = this.#entries.slice(index - this.#base);
    this.#base = index;
    this.#baseTerm = term;
  }

  #install(snapshot: SnapshotMeta): void {
    if (this.term(snapshot.index) === snapshot.term) {
      this.compact(snapshot.index);
    } else {
      this.#base = snapshot.index;
      this.#baseTerm = snapshot.term;
      this.#entries = [];
    }
    this.conf = snapshot.conf;
    this.applied = snapshot.index;
  }
}

export const ids = (...values: readonly number[]) => values.map(nodeId);
