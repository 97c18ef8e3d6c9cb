import type { KeyspaceId } from '@holdfast/io';
import type { ChangeKind, HoldfastError } from '@holdfast/wire';

/** What a watch asks for, at the level of bytes. */
export interface WatchQuery {
  readonly keyspace: string | KeyspaceId;
  /** First key; empty = from the beginning. */
  readonly start: Uint8Array;
  /** Key after the last; empty = to the end of the keyspace. */
  readonly end: Uint8Array;
  /** Changes with a higher revision; 0 = those from now on. */
  readonly after: number;
}

/** What happened to a key, with memory of its own. All watches of a client that were told in one frame share it. */
export interface ChangeRecord {
  readonly kind: ChangeKind;
  readonly revision: number;
  readonly key: Uint8Array;
  readonly contentType: Uint8Array;
  /** Empty unless it is a put. */
  readonly value: Uint8Array;
}

/** A change as one watch hears it. */
export interface Change {
  readonly record: ChangeRecord;
  /**
   * A watch that begins here misses nothing of what comes later and repeats nothing of what came before: the
   * revision of this change, or, inside a transaction, what was complete before it.
   */
  readonly resume: number;
}

/** Who hears a watch. Calls never nest inside `watch` or `cancel`. */
export interface WatchSink {
  /** In the order of revisions, over all ranges. */
  change(change: Change): void;
  /**
   * Nothing at or below `revision` is missing. The first call says that the watch stands; with `after` 0 it comes before
   * any change, and says behind which revision the watch began.
   */
  progress(revision: number): void;
  /** Nothing more comes. `HF_COMPACTED` carries the oldest revision that a watch can begin at. Not after `cancel`. */
  ended(error: HoldfastError): void;
}

export interface WatchHandle {
  /** The application has taken changes of so many bytes: as many may come again. */
  taken(change: Change): void;
  cancel(): void;
}

/** What a change counts in the accounts of both sides. */
export function recordBytes({ key, contentType, value }: ChangeRecord): number {
  return 16 + key.length + contentType.length + value.length;
}
