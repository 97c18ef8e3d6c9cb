import type { NodeId, Random } from '@holdfast/io';
import { settingsOf, type RaftConfig, type Settings } from './config.ts';
import { RaftLog } from './log.ts';
import { Membership } from './membership.ts';
import type { Entry, Message, MessageKind, SnapshotMeta } from './message.ts';
import { ReadQueue } from './read-index.ts';
import type { LogStorage, ReadState, Role, SnapshotNeed } from './ready.ts';
import { Window } from './window.ts';

export const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/**
 * In `context` of a refused append: this replica is new and knows no configuration. The log alone would not do,
 * since the first configuration and the first state of a group stand in no entry.
 */
export const NEEDS_SNAPSHOT = 1;

/**
 * The state of one replica. It has no behaviour beyond making messages: the files around it are the protocol
 * (`election`, `replication`, `follower`, `reads`, `reconfigure`, `transfer`), and `raft` is the door.
 */
export class RaftCore {
  readonly settings: Settings;
  readonly random: Random;
  readonly log: RaftLog;
  readonly membership: Membership;

  // Paper, figure 2: persistent state (with the log).
  term: number;
  vote: NodeId | 0;

  role: Role = 'follower';
  leader: NodeId | 0 = 0;

  /** Ticks since the start. The only time there is. */
  now = 0;
  /** When the election timer was last set back. */
  electionStart = 0;
  /** Ticks after `electionStart` when a follower or candidate campaigns; drawn anew each time. */
  electionTimeout = 0;
  /** Until this tick (excluded) no vote against the leader that was heard. */
  stickyUntil = 0;
  /** Pre-votes or votes of the campaign under way, this node's included once it may count. */
  readonly votes = new Map<NodeId, boolean>();
  /** The campaign under way was ordered by the leader before. */
  campaignByTransfer = false;

  // Leader.
  nextHeartbeat = 0;
  /** Index of the no-op that began this term: when it is committed, so is everything before. */
  termStart = 0;
  /** No configuration change while `applied` is below: one may be on its way. */
  pendingConf = 0;
  /** The heir of a leadership transfer under way, else 0. */
  transferee: NodeId | 0 = 0;
  transferDeadline = 0;
  /** A `timeoutNow` was sent in this term: an heir may take over at any time, without regard to leases. */
  leaseBroken = false;
  /** When the latest confirmed round began, by the lease clock and in ticks. 0: none in this term. */
  leaseStartMs = 0;
  leaseStartTick = 0;
  /** This leader is no voter any more; it goes when a quorum knows the commit index given here. 0 when it stays. */
  stepDownAt = 0;
  stepDownDeadline = 0;
  readonly uncommitted = new Window();

  readonly reads: ReadQueue;
  /** An idle group: no ticks until something happens. */
  quiet = false;

  /** A snapshot that waits until the driver has applied what it was given before. */
  snapshotPostponed: Message | undefined = undefined;

  // What the next Ready takes along.
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  readStates: ReadState[] = [];
  readsDropped: number[] = [];
  snapshotsNeeded: SnapshotNeed[] = [];
  /** The leader may have something to send to a peer: look when the next Ready is made. */
  appendsDue = false;
  /** The next appends may be empty, for the commit index alone (`commitNotice`). */
  noticesDue = false;

  constructor(config: RaftConfig, storage: LogStorage, random: Random) {
    this.settings = settingsOf(config);
    this.random = random;
    const { hardState, conf } = storage.initialState();
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.log = new RaftLog(storage, hardState.commit, config.applied ?? storage.firstIndex() - 1);
    this.membership = new Membership(config.id, conf, this.settings.canary === 'learner-in-quorum');
    this.membership.change(conf, this.log.last + 1, 0);
    this.reads = new ReadQueue(random.nextU32());
  }

  get ownTermCommitted(): boolean {
    return this.log.commit >= this.termStart;
  }

  /** One shape for all messages, made in one place. The clock is read for each (D4). */
  message(
    kind: MessageKind,
    to: NodeId,
    term: number,
    index: number,
    logTerm: number,
    reject: boolean,
    rejectHint: number,
    context: number,
    commit: number = this.log.commit,
    entries: readonly Entry[] = NO_ENTRIES,
    snapshot?: SnapshotMeta,
  ): Message {
    const { id, group, clock } = this.settings;
    return {
      kind,
      group,
      from: id,
      to,
      term,
      index,
      logTerm,
      commit,
      reject,
      rejectHint,
      context,
      clock: clock === undefined ? 0 : clock.read(),
      entries,
      snapshot,
    };
  }
}
