import { assert } from '@holdfast/io';
import type { Entry, HardState } from '@holdfast/raft';

const TERM_UNKNOWN = -1;

export const INITIAL_HARD_STATE: HardState = { term: 0, vote: 0, commit: 0 };

/** One group's log as the records of the node log, read in order, leave it. */
export class RecoveredGroup {
  hardState: HardState = INITIAL_HARD_STATE;
  baseIndex = 0;
  baseTerm = 0;
  entries: Entry[] = [];

  get lastIndex(): number {
    return this.baseIndex + this.entries.length;
  }

  /**
   * Entries at or behind `entries[0].index` are replaced; those the base already covers are skipped. A gap in
   * front of them was in a segment that has been dropped: a base record that covers it follows.
   */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index > this.lastIndex + 1) {
      this.baseIndex = first.index - 1;
      this.baseTerm = TERM_UNKNOWN;
      this.entries = [];
    }
    const keep = Math.max(0, first.index - this.baseIndex - 1);
    this.entries.length = keep;
    for (const entry of entries) if (entry.index > this.baseIndex) this.entries.push(entry);
  }

  /** The log now starts behind `index`: by compaction, or because a snapshot replaced it. */
  rebase(index: number, term: number): void {
    const covered = index - this.baseIndex;
    if (covered < 0) return;
    const own = covered === 0 ? this.baseTerm : this.entries[covered - 1]?.term;
    this.entries = own === term || own === TERM_UNKNOWN ? this.entries.slice(covered) : [];
    this.baseIndex = index;
    this.baseTerm = term;
  }

  /** Term of the entry at `index`; undefined when the log does not reach it, or not back to it. */
  termAt(index: number): number | undefined {
    return index === this.baseIndex ? this.baseTerm : this.entries[index - this.baseIndex - 1]?.term;
  }

  /** Called when every record has been read. */
  assertWhole(): void {
    assert(this.baseTerm !== TERM_UNKNOWN, 'a gap in the records of a group is covered by a later base');
  }
}
