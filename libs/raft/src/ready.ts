import type { NodeId } from '@holdfast/io';
import type { ConfState, Entry, HardState, Message, SnapshotMeta } from './message.ts';

/** A read that may be served once the state machine has applied `index`. */
export interface ReadState {
  /** The token that the reader gave to `readIndex`. */
  readonly token: number;
  readonly index: number;
}

/** A peer that is too far behind for the log: the driver owes it a snapshot, and later `reportSnapshot`. */
export interface SnapshotNeed {
  readonly to: NodeId;
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Volatile state that others like to know (who leads, which role). */
export interface SoftState {
  readonly role: Role;
  /** 0 when unknown. */
  readonly leader: NodeId | 0;
}

/**
 * The work that `Raft.ready()` hands to its driver. The order is a contract:
 *
 * 1. `messages` may leave at once.
 * 2. `snapshot`, then `hardState` and `entries` go to stable storage. `entries[0].index` may be at or below
 *    the last stored index: everything from there on is replaced.
 * 3. When storage has synced (and not before), and `LogStorage` shows it, `persisted(ready)` is called and
 *    `messagesAfterPersist` leave. A Ready without writes of its own can have such messages: they rely on the
 *    Readies before it and pass through the same queue. `persisted` is owed when `mustSync` is set or
 *    `messagesAfterPersist` is not empty.
 * 4. `committed` is applied in order, then `applied(index)` is called. Entries that this node itself has not
 *    synced yet may be among them: they are safe, a quorum has them.
 *
 * `advance(ready)` is called as soon as the driver has taken the work over (before storage finished), so that
 * the next Ready holds only what is new. Several Readies can be in storage at once; they persist in order.
 */
export interface Ready {
  readonly softState: SoftState | undefined;
  readonly messages: readonly Message[];
  readonly snapshot: SnapshotMeta | undefined;
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  /** Must not leave before this Ready is durable: votes, vote requests of an own candidacy, append answers. */
  readonly messagesAfterPersist: readonly Message[];
  readonly committed: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** Tokens of reads that can no longer be answered by this node (leadership lost). Outcome: not served. */
  readonly readsDropped: readonly number[];
  readonly snapshotsNeeded: readonly SnapshotNeed[];
  /** True when term or vote changed or entries were added: the write must be synced, not only queued. */
  readonly mustSync: boolean;
}

/**
 * The part of the log that Raft reads. Synchronous: the driver keeps the unapplied and recent tail in memory.
 * Entries that Raft has handed out in a Ready and that are not durable yet are kept by Raft itself.
 */
export interface LogStorage {
  /** First index still available, `snapshot index + 1`; 1 for an empty log. */
  firstIndex(): number;
  lastIndex(): number;
  /** Term of `index` in `firstIndex()-1 .. lastIndex()`, undefined when compacted or beyond the end. */
  term(index: number): number | undefined;
  /**
   * Entries `low .. high` (high excluded), at most `bytesMax` but at least one; undefined when `low` is
   * compacted or the entries are not in memory: the peer then gets a snapshot. Entries that are not applied
   * must be in memory.
   */
  entries(low: number, high: number, bytesMax: number): readonly Entry[] | undefined;
  /** `conf` is the configuration at `RaftConfig.applied`: later changes in the log are applied again. */
  initialState(): { readonly hardState: HardState; readonly conf: ConfState };
}
