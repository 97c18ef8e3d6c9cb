import { REVISION_MAX } from '../limits.ts';
import { KIND_DELETE } from '../memtable/record.ts';
import { equalRanges } from '../read/compare.ts';
import type { Source } from '../read/source.ts';
import { coveringRevision, type RangeTombstone } from '../version/range-tombstones.ts';

/** What a rewrite keeps. */
export interface EntryFilter {
  /** For every entry of the input, in order. */
  keeps(source: Source): boolean;
  /** True when the last entry asked about has another key than the one before. */
  readonly isNewKey: boolean;
}

/** Says whether nothing older than the inputs can hold a version of the key; keys come in ascending order. */
export type IsBottom = (key: Uint8Array, keyStart: number, keyEnd: number) => boolean;

/**
 * Decides which versions a rewrite keeps. A reader at a revision at or above the horizon sees no difference:
 *
 * - of the versions of a key at or below the horizon, only the newest can be seen;
 * - if that one is a tombstone, it hides nothing once nothing older exists below (`isBottom`);
 * - what a range tombstone at or below the horizon (now or once) covers cannot be seen;
 * - of two writes with the same key and revision, the later one (which comes first) counts.
 */
export class VersionFilter implements EntryFilter {
  readonly #horizon: number;
  readonly #rangeTombstones: readonly RangeTombstone[];
  readonly #isBottom: IsBottom;
  #key = new Uint8Array(256);
  #keyLength = -1;
  #revision = 0;
  #isShadowed = false;
  isNewKey = false;

  constructor(horizon: number, rangeTombstones: readonly RangeTombstone[], isBottom: IsBottom) {
    this.#horizon = horizon;
    this.#rangeTombstones = rangeTombstones.filter(
      ({ revision, appliedFrom }) => appliedFrom !== undefined || revision <= horizon,
    );
    this.#isBottom = isBottom;
  }

  keeps(source: Source): boolean {
    const { key, keyStart, keyEnd, revision } = source;
    this.isNewKey = this.#keyLength < 0 || !equalRanges(key, keyStart, keyEnd, this.#key, 0, this.#keyLength);
    if (this.isNewKey) {
      this.#remember(key, keyStart, keyEnd);
      this.#isShadowed = false;
    } else if (this.#isShadowed || revision === this.#revision) {
      return false;
    }
    this.#revision = revision;
    if (
      this.#rangeTombstones.length > 0 &&
      coveringRevision(this.#rangeTombstones, key, keyStart, keyEnd, REVISION_MAX) >= revision
    ) {
      this.#isShadowed = true;
      return false;
    }
    if (revision > this.#horizon) return true;
    this.#isShadowed = true;
    return source.kind !== KIND_DELETE || !this.#isBottom(key, keyStart, keyEnd);
  }

  #remember(key: Uint8Array, keyStart: number, keyEnd: number): void {
    const length = keyEnd - keyStart;
    if (length > this.#key.length) this.#key = new Uint8Array(length * 2);
    for (let i = 0; i < length; i++) this.#key[i] = key[keyStart + i]!;
    this.#keyLength = length;
  }
}
