import { assert, type Buggify, neverBuggify, type NodeId, type RangeId } from '@holdfast/io';
import type { RaftBuggifyPoint } from './buggify.ts';
import type { RaftCanary } from './canary.ts';

/** The hybrid logical clock of the node (D4): read for every message sent, fed by every message received. */
export interface RaftClock {
  /** High-water mark, an integer below 2^53. */
  read(): number;
  observe(value: number): void;
}

/**
 * What lease reads rest on. `nowMs` never goes back and counts the time in which the process was paused.
 * `durationMs` must be shorter than the shortest time in which any member counts `electionTicks` ticks, with
 * the worst difference in clock speed subtracted. All members of a group must use the same read mode.
 */
export interface LeaseConfig {
  nowMs(): number;
  readonly durationMs: number;
}

/** What a replica is built with. Everything but `id` and `group` has a default. */
export interface RaftConfig {
  readonly id: NodeId;
  readonly group: RangeId;
  /** A follower that hears nothing for `electionTicks .. 2 * electionTicks - 1` ticks campaigns. Default 10. */
  readonly electionTicks?: number;
  /** Ticks between heartbeats. Default 2; well below `electionTicks`. */
  readonly heartbeatTicks?: number;
  /** Index up to which the state machine has applied when it starts. Default: the snapshot's. */
  readonly applied?: number;
  /** Entry bytes in one append message; one larger entry still travels alone. Default 256 KiB. */
  readonly appendBytesMax?: number;
  /** Append messages on the way to one peer. Default 128. */
  readonly inflightMessagesMax?: number;
  /** Entry bytes on the way to one peer. Default 8 MiB. */
  readonly inflightBytesMax?: number;
  /** Bytes proposed and not committed; a single larger proposal passes when there are none. Default 64 MiB. */
  readonly uncommittedBytesMax?: number;
  /** Entry bytes of `committed` in one Ready; one larger entry still comes alone. Default 4 MiB. */
  readonly committedBytesMax?: number;
  /**
   * When peers are told of a commit index that no entries carry. `at-once` (default): with the next Ready. `deferred`:
   * with the next entries, the next heartbeat, or when the driver calls `announceCommit`; a stream of writes then
   * costs no message of its own, and followers apply the last of them later.
   */
  readonly commitNotice?: 'at-once' | 'deferred';
  /** Reads waiting on one replica; more are dropped at once. Default 65536. */
  readonly readsWaitingMax?: number;
  /** A learner further behind than this many entries is not promoted. Default 1024. */
  readonly promotionLagEntriesMax?: number;
  /** Ask before campaigning (thesis 9.6). Default true. */
  readonly preVote?: boolean;
  /** A leader that does not hear from a quorum for `electionTicks` steps down; voters stick to a live leader. Default true. */
  readonly checkQuorum?: boolean;
  /** How the leader knows that a read is not stale. Default 'quorum'; 'lease' needs `lease`. */
  readonly readMode?: 'quorum' | 'lease';
  readonly lease?: LeaseConfig;
  readonly clock?: RaftClock;
  /** What happens before its time, for simulators only. */
  readonly buggify?: Buggify<RaftBuggifyPoint>;
  /** A planted bug, for simulators only. */
  readonly canary?: RaftCanary;
}

/** A configuration with every default filled in. */
export interface Settings {
  readonly id: NodeId;
  readonly group: RangeId;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly appendBytesMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly committedBytesMax: number;
  readonly commitNotice: 'at-once' | 'deferred';
  readonly readsWaitingMax: number;
  readonly promotionLagEntriesMax: number;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  readonly lease: LeaseConfig | undefined;
  readonly clock: RaftClock | undefined;
  readonly buggify: Buggify<RaftBuggifyPoint>;
  readonly canary: RaftCanary | undefined;
}

/** Fills in the defaults. @throws AssertionError when the values contradict each other. */
export function settingsOf(config: RaftConfig): Settings {
  const settings: Settings = {
    id: config.id,
    group: config.group,
    electionTicks: config.electionTicks ?? 10,
    heartbeatTicks: config.heartbeatTicks ?? 2,
    appendBytesMax: config.appendBytesMax ?? 256 * 1024,
    inflightMessagesMax: config.inflightMessagesMax ?? 128,
    inflightBytesMax: config.inflightBytesMax ?? 8 * 1024 * 1024,
    uncommittedBytesMax: config.uncommittedBytesMax ?? 64 * 1024 * 1024,
    committedBytesMax: config.committedBytesMax ?? 4 * 1024 * 1024,
    commitNotice: config.commitNotice ?? 'at-once',
    readsWaitingMax: config.readsWaitingMax ?? 65536,
    promotionLagEntriesMax: config.promotionLagEntriesMax ?? 1024,
    preVote: config.preVote ?? true,
    checkQuorum: config.checkQuorum ?? true,
    lease: config.readMode === 'lease' ? config.lease : undefined,
    clock: config.clock,
    buggify: config.buggify ?? neverBuggify,
    canary: config.canary,
  };
  assert(settings.id > 0, 'a node id is positive: 0 means nobody');
  assert(settings.heartbeatTicks >= 1, 'heartbeatTicks is at least 1');
  assert(settings.electionTicks > settings.heartbeatTicks, 'electionTicks must exceed heartbeatTicks');
  assert(settings.inflightMessagesMax >= 1, 'inflightMessagesMax is at least 1');
  if (config.readMode === 'lease') {
    assert(config.lease !== undefined, 'lease reads need a lease clock');
    assert(settings.preVote && settings.checkQuorum, 'lease reads need pre-vote and check-quorum');
  }
  return settings;
}
