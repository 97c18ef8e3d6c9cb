/** Where a {@link Source} stands after a move. */
export const END = 0;
export const ENTRY = 1;
/** A block is not in memory: `await load()`, then `resume()`. */
export const BLOCKED = 2;

export type Status = typeof END | typeof ENTRY | typeof BLOCKED;

const NOTHING = new Uint8Array(0);

/**
 * A sorted sequence of entries: a memtable, or a run of tables without overlap. Order: key ascending, then
 * revision descending, then later writes first.
 *
 * The fields describe the entry stood on, after a move returned {@link ENTRY}; the bytes are valid until the
 * next move. Moves are synchronous. One that returns {@link BLOCKED} has not happened yet: `load` fetches
 * what is missing and `resume` then answers for the move (the key given to `seek` must still be the same).
 */
export abstract class Source {
  key: Uint8Array = NOTHING;
  keyStart = 0;
  keyEnd = 0;
  revision = 0;
  kind = 0;
  value: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;

  /** To the first entry at or behind (key, revision). */
  abstract seek(key: Uint8Array, revision: number): Status;
  /** To the last entry in front of (key, revision). */
  abstract seekBefore(key: Uint8Array, revision: number): Status;
  abstract seekFirst(): Status;
  abstract seekLast(): Status;
  /** To the following entry. Needs an entry stood on. */
  abstract next(): Status;
  /** To the entry in front. Needs an entry stood on. */
  abstract previous(): Status;

  /** Fetches what the blocked move needs. @throws CorruptionError, DiskError. */
  abstract load(): Promise<void>;
  abstract resume(): Status;
  /** Lets go of pinned memory. The source is not used afterwards. */
  abstract close(): void;
}
