import { assert } from '@holdfast/io';
import type { Memtable } from '../memtable/memtable.ts';
import type { RangeTombstone } from '../version/range-tombstones.ts';
import type { Version } from '../version/version.ts';

/**
 * Everything a read looks at, newest first: memtables, then a version. Immutable but for the newest memtable,
 * which goes on filling; readers that must not see later writes remember its `top`.
 */
export class View {
  readonly memtables: readonly Memtable[];
  readonly version: Version;
  /** Of the memtables and of the version. Empty most of the time. */
  readonly rangeTombstones: readonly RangeTombstone[];
  /** Some keys cannot be read. */
  readonly isDamaged: boolean;
  #references = 1;
  readonly #onUnused: (memtable: Memtable) => void;

  /** Starts with one reference: the caller's. */
  constructor(memtables: readonly Memtable[], version: Version, onUnused: (memtable: Memtable) => void) {
    this.memtables = memtables;
    this.version = version.acquire();
    for (const memtable of memtables) memtable.views++;
    this.rangeTombstones = [
      ...memtables.flatMap((memtable) => memtable.rangeTombstones),
      ...version.rangeTombstones,
    ];
    this.isDamaged = version.damagedSpans.length > 0;
    this.#onUnused = onUnused;
  }

  acquire(): this {
    assert(this.#references > 0, 'a view is acquired while somebody holds it');
    this.#references++;
    return this;
  }

  release(): void {
    assert(this.#references > 0, 'a view is released as often as acquired');
    if (--this.#references > 0) return;
    for (const memtable of this.memtables) if (--memtable.views === 0) this.#onUnused(memtable);
    this.version.release();
  }

  /** Address in the newest memtable behind which writes are later than now. */
  get top(): number {
    return this.memtables[0]!.top;
  }
}
