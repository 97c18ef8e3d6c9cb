import type { NodeId, RangeId } from '@holdfast/io';

/** What an entry means to the state machine. Numbers are part of the log format. */
export const EntryKind = {
  /** Opaque command of the state machine; empty data is the no-op of a new term. */
  normal: 0,
  /** A configuration change (thesis 4.3), encoded by `encodeConfChange`. */
  confChange: 1,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** One slot of the replicated log. Immutable once made. */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What a node must find again after a crash before it may vote or answer (paper, figure 2: persistent state). */
export interface HardState {
  readonly term: number;
  /** 0 when no vote was given in `term`. */
  readonly vote: NodeId | 0;
  /** Not needed for safety; lets a restarted node apply at once what it knew to be committed. */
  readonly commit: number;
}

/** Who votes and who only listens. `votersOutgoing` is non-empty exactly in a joint configuration. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

/** Names a snapshot of the state machine: everything up to and including `index`. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly conf: ConfState;
}

/** Numbers are part of the wire protocol. */
export const MessageKind = {
  appendRequest: 1,
  appendResponse: 2,
  voteRequest: 3,
  voteResponse: 4,
  preVoteRequest: 5,
  preVoteResponse: 6,
  heartbeatRequest: 7,
  heartbeatResponse: 8,
  /** Tells a follower that a snapshot described by `snapshot` has been transferred to it in full. */
  snapshotRequest: 9,
  /** A follower forwards a read to the leader (thesis 6.4); `context` is the follower's own token. */
  readIndexRequest: 10,
  readIndexResponse: 11,
  /** The leader tells its heir to campaign at once (thesis 3.10). */
  timeoutNow: 12,
} as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/**
 * One message between two replicas of one group. One flat shape for all kinds, so that the hot path stays
 * monomorphic; a field without meaning for a kind is 0, false or empty. All numbers are integers below 2^53.
 */
export interface Message {
  readonly kind: MessageKind;
  readonly group: RangeId;
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term (in a pre-vote request: the term it would campaign in). */
  readonly term: number;
  /** Append: index of the entry before `entries`. Vote: last index of the candidate. Responses: the index answered for. */
  readonly index: number;
  /** Term of the entry at `index`. Vote responses: term of the entry at `commit`. Rejected append response: at `rejectHint`. */
  readonly logTerm: number;
  /** The sender's commit index (for a follower's heartbeat: never above what that follower is known to hold). */
  readonly commit: number;
  /** Responses: the answer is no. Heartbeat request: the group goes to sleep, if the log ends at `logTerm`, `index`. */
  readonly reject: boolean;
  /**
   * In a rejected append response: where the follower's log could match (conflict back-off by term).
   * Vote requests: term of the entry at `commit`.
   */
  readonly rejectHint: number;
  /**
   * Heartbeats and reads: the token of a ReadIndex round, unique within a term, 0 for none.
   * In a rejected append response: 1 when the replica is new and needs a snapshot before anything else.
   * Votes: 1 when the campaign is a leadership transfer, which stickiness must let pass.
   */
  readonly context: number;
  /** High-water mark of the sender's hybrid logical clock (D4); opaque to Raft, carried on every message. */
  readonly clock: number;
  readonly entries: readonly Entry[];
  readonly snapshot: SnapshotMeta | undefined;
}
