import { EMPTY_BYTES } from '@holdfast/io';
import type { Cursor, CursorOptions } from '@holdfast/lsm';
import { ChangeKind, encodeChange } from '@holdfast/wire';
import { hasNext } from '../node/cursor.ts';
import { readStoredValue } from '../range/stored-value.ts';
import { userKeyOf } from '../tree-keys.ts';
import type { Change } from './change-ring.ts';
import type { Interval } from './interval-index.ts';

/** Versions that are looked at before other work gets its turn. */
const VERSIONS_PER_TURN = 1024;

export interface CatchUpWorld {
  iterator(options: CursorOptions): Cursor;
  /** Resolves at the end of this turn of the event loop. */
  turn(): Promise<void>;
}

/** The changes of an interval between two revisions, as far as they fit. */
export interface Piece {
  /** In the order of revisions. */
  readonly changes: readonly Change[];
  /** Every change at or below it is in the piece. */
  readonly upTo: number;
}

/**
 * Reads what changed in `interval` after `after` up to `head` out of the versions that the tree keeps. When that is
 * more than `bytesMax`, the oldest of it: then one pass over the interval costs memory for twice `bytesMax` at most,
 * and the next piece begins where this one ends. A transaction is never cut, so one that is larger comes whole.
 *
 * Everything above the tree's horizon is there; the caller sees to it that `after` is not below the horizon when
 * this is called.
 */
export async function readPiece(
  world: CatchUpWorld,
  interval: Interval,
  after: number,
  head: number,
  bytesMax: number,
): Promise<Piece> {
  const { start, end } = interval;
  const oldest = new OldestChanges(head, bytesMax);
  const cursor = world.iterator({ start, end, revision: head, allVersions: true });
  let seen = 0;
  try {
    for (;;) {
      const more = hasNext(cursor);
      if (!(typeof more === 'boolean' ? more : await more)) break;
      const { revision } = cursor;
      if (revision > after && revision <= oldest.upTo) oldest.add(changeAt(cursor));
      if (++seen % VERSIONS_PER_TURN === 0) await world.turn();
    }
  } finally {
    cursor.close();
  }
  return oldest.finish();
}

function changeAt(cursor: Cursor): Change {
  const { revision } = cursor;
  const key = cursor.key.slice();
  if (cursor.kind === 'delete') {
    return {
      revision,
      key,
      bytes: encodeChange(ChangeKind.delete, revision, userKeyOf(key), EMPTY_BYTES, EMPTY_BYTES),
    };
  }
  const { contentType, value } = readStoredValue(cursor.value);
  return { revision, key, bytes: encodeChange(ChangeKind.put, revision, userKeyOf(key), contentType, value) };
}

/** Keeps the changes of the lowest revisions that fit, of those that come in any order. */
class OldestChanges {
  /** What is above is not kept. */
  upTo: number;
  readonly #bytesMax: number;
  #changes: Change[] = [];
  #bytes = 0;

  constructor(upTo: number, bytesMax: number) {
    this.upTo = upTo;
    this.#bytesMax = bytesMax;
  }

  add(change: Change): void {
    this.#changes.push(change);
    this.#bytes += change.bytes.length;
    if (this.#bytes > 2 * this.#bytesMax) this.#cut();
  }

  finish(): Piece {
    if (this.#bytes > this.#bytesMax) this.#cut();
    else this.#sort();
    return { changes: this.#changes, upTo: this.upTo };
  }

  #sort(): void {
    this.#changes.sort((a, b) => a.revision - b.revision);
  }

  #cut(): void {
    this.#sort();
    const changes = this.#changes;
    let kept = 0;
    let bytes = 0;
    while (kept < changes.length) {
      let next = kept;
      let more = 0;
      while (next < changes.length && changes[next].revision === changes[kept].revision) {
        more += changes[next++].bytes.length;
      }
      if (kept > 0 && bytes + more > this.#bytesMax) break;
      kept = next;
      bytes += more;
    }
    if (kept < changes.length) this.upTo = changes[kept].revision - 1;
    this.#changes = changes.slice(0, kept);
    this.#bytes = bytes;
  }
}
