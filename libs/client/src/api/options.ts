import type { AbortSignalLike } from './abort.ts';
import type { Key } from './key.ts';

/** How fresh a read must be. An answer never claims more than it was served at. */
export type ConsistencyName = 'strong' | 'bounded' | 'eventual';

export interface CallOptions {
  /** Milliseconds until the call ends, come what may. Default: that of the client, 5 s. */
  readonly deadlineMs?: number;
  /** Gives up the call: `HF_CANCELLED`, with outcome `unknown` for a write that was sent. */
  readonly signal?: AbortSignalLike;
}

export interface ReadOptions extends CallOptions {
  /** Default `strong`: linearizable. */
  readonly consistency?: ConsistencyName;
  /** With `bounded`: how old the answer may be, in milliseconds. */
  readonly maxStalenessMs?: number;
  /** With a weaker level: answer from no state below this revision, for example that of an own write. */
  readonly minRevision?: number;
}

export interface GetOptions extends ReadOptions {
  /** Read as it was at this revision, inside the retention window. */
  readonly revision?: number;
}

export interface WriteCallOptions extends CallOptions {
  /**
   * Names this write, 1 to 255 bytes of UTF-8. With it, a lost answer is asked for again instead of reported as
   * unknown, and the write is applied once however often it is sent.
   */
  readonly idempotencyKey?: string;
}

export interface DeleteRangeCallOptions extends CallOptions {
  /** First key; default the first of the keyspace. */
  readonly start?: Key;
  /** Key behind the last; default the end of the keyspace. */
  readonly end?: Key;
  /** Only keys that begin with this; instead of `start` and `end`. */
  readonly prefix?: Key;
  /** Keys at most. Default: all of them. */
  readonly limit?: number;
}

export interface DeleteOptions extends WriteCallOptions {
  /** Only if the key has exactly this revision; `HF_PRECONDITION_FAILED` otherwise. */
  readonly ifRevision?: number;
}

export interface SetOptions extends WriteCallOptions {
  /** Milliseconds to live; default for ever. */
  readonly ttlMs?: number;
  /** Default: that of the codec. */
  readonly contentType?: string;
  /** Say whether the key had a value before; costs a read where the write is applied. */
  readonly tellExisted?: boolean;
}

/** What must hold for a `compareAndSet`: exactly one of the two. */
export interface CompareOptions extends SetOptions {
  /** The key has exactly this revision. */
  readonly ifRevision?: number;
  /** The key has no value. */
  readonly ifAbsent?: boolean;
}

export interface WatchCallOptions {
  /** Only this key. */
  readonly key?: Key;
  /** Only keys that begin with this; instead of `key`, `start` and `end`. */
  readonly prefix?: Key;
  /** First key; default the first of the keyspace. */
  readonly start?: Key;
  /** Key behind the last; default the end of the keyspace. */
  readonly end?: Key;
  /** Changes behind this revision: the `resume` of the last event seen. Default: changes from now on. */
  readonly from?: number;
  /** Tell progress marks too. Default false. */
  readonly progress?: boolean;
  /** Ends the watch, and the loop over it, without an error. */
  readonly signal?: AbortSignalLike;
}

export interface ScanCallOptions extends ReadOptions {
  /** First key; default the first of the keyspace. */
  readonly start?: Key;
  /** Key behind the last; default the end of the keyspace. */
  readonly end?: Key;
  /** Only keys that begin with this; instead of `start` and `end`. */
  readonly prefix?: Key;
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** Every page is read at this revision, inside the retention window. */
  readonly revision?: number;
  /**
   * All pages show one moment: the first page's, however many ranges the interval has. Each page waits for the writes
   * under way. Strong reads only.
   */
  readonly snapshot?: boolean;
  /** Keys and revisions, without values. */
  readonly keysOnly?: boolean;
  /** Rows at most. */
  readonly limit?: number;
  /** Rows asked for at a time. Default 1,000. */
  readonly pageSize?: number;
}
