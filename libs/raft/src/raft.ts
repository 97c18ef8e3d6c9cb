import { assert, type NodeId, type Random, type RangeId } from '@holdfast/io';
import type { ConfChange } from './conf-change.ts';
import type { RaftConfig } from './config.ts';
import { RaftCore } from './core.ts';
import { campaign, leaderUnreachable, ownVoteDurable } from './election.ts';
import { ENTRY_OVERHEAD_BYTES } from './log.ts';
import { type ConfState, EntryKind, type Message, MessageKind, type SnapshotMeta } from './message.ts';
import { quiesce, wake } from './quiescence.ts';
import { ReadyBuilder, ReadyWork } from './ready-builder.ts';
import type { LogStorage, Ready, Role } from './ready.ts';
import { readIndex } from './reads.ts';
import { applyConfChange, type ConfChangeResult, leaveJointIfDue, proposeConfChange } from './reconfigure.ts';
import {
  appendEntries,
  owesCommit,
  ownCopyDurable,
  reportSnapshot,
  reportUnreachable,
} from './replication.ts';
import { resetElectionTimer } from './role.ts';
import { type RaftStatus, statusOf } from './status.ts';
import { step } from './step.ts';
import { tick } from './tick.ts';
import { transferLeadership, type TransferResult } from './transfer.ts';

export type ProposeRefusal =
  /** `leader` may be known. */
  | 'not-leader'
  /** Too many bytes wait for a quorum: try again after some have committed. */
  | 'uncommitted-limit'
  /** Leadership is being handed over. */
  | 'transferring';

export type ProposeResult =
  /** Where the first of the datas stands; the others follow. Committed only if the entry there keeps this term. */
  | { readonly ok: true; readonly index: number; readonly term: number }
  | { readonly ok: false; readonly reason: ProposeRefusal; readonly leader: NodeId | 0 };

/**
 * One replica of one Raft group (Ongaro and Ousterhout 2014; Ongaro's thesis), as a pure state machine: ticks,
 * messages and requests go in, `Ready` comes out. It has no clock, no timer, no socket and no disk, and it
 * never calls back. The order in which a driver performs a Ready is a contract: see `Ready`.
 *
 * Not reentrant. Equal inputs, storage and random numbers give equal outputs.
 */
export class Raft {
  readonly #core: RaftCore;
  readonly #builder: ReadyBuilder;
  /** The Ready that was made and not yet taken over. */
  #open: ReadyWork | undefined = undefined;

  /** @throws AssertionError when storage contradicts itself or the configuration makes no sense. */
  constructor(config: RaftConfig, storage: LogStorage, random: Random) {
    this.#core = new RaftCore(config, storage, random);
    const { log, term } = this.#core;
    assert(term >= log.lastTerm, 'the hard state is at least as new as the log: it was synced before it');
    this.#builder = new ReadyBuilder(this.#core, storage.initialState().hardState);
    resetElectionTimer(this.#core);
    // Before the restart a leader may have been promised a whole timeout.
    if (this.#core.settings.lease !== undefined) this.#core.stickyUntil = this.#core.settings.electionTicks;
  }

  get id(): NodeId {
    return this.#core.settings.id;
  }

  get group(): RangeId {
    return this.#core.settings.group;
  }

  /**
   * One unit of time has passed. A timer that was late is one tick, not many, and the driver reads its sockets
   * before it calls this, so that a heartbeat that has arrived is seen before an election begins.
   */
  tick(): void {
    tick(this.#core);
  }

  /** A message from a peer has arrived. Its entries are kept: they must not change afterwards. */
  step(message: Message): void {
    step(this.#core, message);
  }

  /**
   * Appends commands to the log of the leader. Nothing is sent before the next Ready, so many calls share one
   * message. The bytes are kept, not copied. @param datas at least one
   */
  propose(datas: readonly Uint8Array[], kind: EntryKind = EntryKind.normal): ProposeResult {
    assert(datas.length > 0, 'a proposal has at least one entry');
    assert(kind === EntryKind.normal, 'configuration changes go through proposeConfChange');
    const core = this.#core;
    const { leader, uncommitted, settings } = core;
    if (core.role !== 'leader' || core.stepDownAt > 0) return { ok: false, reason: 'not-leader', leader };
    if (core.transferee !== 0) return { ok: false, reason: 'transferring', leader };
    if (uncommitted.bytes > 0) {
      let bytes = uncommitted.bytes;
      for (let i = 0; i < datas.length; i++) bytes += datas[i].length + ENTRY_OVERHEAD_BYTES;
      if (bytes > settings.uncommittedBytesMax) return { ok: false, reason: 'uncommitted-limit', leader };
    }
    const index = core.log.last + 1;
    wake(core);
    appendEntries(core, datas, kind);
    return { ok: true, index, term: core.term };
  }

  /** Appends a configuration change. One at a time; see `ConfChangeRefusal` for when it is refused. */
  proposeConfChange(change: ConfChange): ConfChangeResult {
    return proposeConfChange(this.#core, change);
  }

  /**
   * Asks for an index at which a read is linearizable. The answer is a `ReadState` in some Ready, or the token
   * in `readsDropped`, or silence when messages are lost: the reader owes itself a deadline.
   * Works on every replica; a follower or learner asks the leader.
   * @param token unique among the reads that wait on this replica
   */
  readIndex(token: number): void {
    wake(this.#core);
    readIndex(this.#core, token);
  }

  /** Campaigns now (with pre-vote, if that is on). Returns false when this replica may not. */
  campaign(): boolean {
    return campaign(this.#core);
  }

  /** Evidence that `node` is gone: see decision D9. Harmless when it is false. */
  leaderUnreachable(node: NodeId): void {
    leaderUnreachable(this.#core, node);
  }

  /** With `commitNotice: 'deferred'`: peers wait for the news of a commit, and no entries bring it. */
  get owesCommit(): boolean {
    return owesCommit(this.#core);
  }

  /** The next Ready tells the commit index to every peer that waits for it. */
  announceCommit(): void {
    const core = this.#core;
    if (core.role !== 'leader') return;
    core.noticesDue = true;
    core.appendsDue = true;
  }

  /** Hands leadership to `to`, or to the voter that is furthest. Watch the role to see whether it worked. */
  transferLeadership(to?: NodeId): TransferResult {
    return transferLeadership(this.#core, to);
  }

  /**
   * Sends an idle group to sleep: ticks do nothing until something happens (`quiet`). Refused unless all members
   * are there and hold everything. The driver asks after some idle ticks, and owes everybody `leaderUnreachable`
   * when a connection closes: a sleeping follower notices a dead leader by nothing else.
   */
  quiesce(): boolean {
    return quiesce(this.#core);
  }

  /** Ends the sleep of this replica; a leader wakes the others with its next tick. */
  wake(): void {
    wake(this.#core);
  }

  /** A message to `node` was dropped or its connection broke: probe instead of sending on. */
  reportUnreachable(node: NodeId): void {
    reportUnreachable(this.#core, node);
  }

  /** The transfer asked for in `snapshotsNeeded` is over. Owed for every need, or the peer stays cut off. */
  reportSnapshot(node: NodeId, ok: boolean): void {
    reportSnapshot(this.#core, node, ok);
  }

  /**
   * The message that tells `to` that the snapshot `meta` has been transferred to it in full. It speaks in the
   * name of the leader of this term: the caller asks `isLeader` when the transfer is over, not when it began.
   */
  snapshotMessage(to: NodeId, meta: SnapshotMeta): Message {
    const core = this.#core;
    const kind = MessageKind.snapshotRequest;
    return core.message(
      kind,
      to,
      core.term,
      meta.index,
      meta.term,
      false,
      0,
      0,
      core.log.commit,
      undefined,
      meta,
    );
  }

  /** Whether `ready` has work. May say yes for a Ready that turns out empty, never no for work. */
  hasReady(): boolean {
    return this.#builder.hasReady();
  }

  /** The work to do. Each piece of work is in exactly one Ready. `advance` comes before the next one. */
  ready(): Ready {
    assert(this.#open === undefined, 'advance the Ready before');
    this.#open = this.#builder.build();
    return this.#open;
  }

  /** The driver has taken `ready` over: it will perform it, in order behind the ones before. */
  advance(ready: Ready): void {
    assert(ready === this.#open, 'this is not the Ready that was made last');
    this.#open = undefined;
  }

  /**
   * The writes of `ready` are durable, and `LogStorage` shows them. In the order of the Readies. Needed when
   * `mustSync` is set or `messagesAfterPersist` is not empty; else allowed and without effect.
   */
  persisted(ready: Ready): void {
    assert(ready instanceof ReadyWork && ready !== this.#open, 'a Ready of this replica that was advanced');
    if (!ready.waits) return;
    ready.waits = false;
    this.#builder.waiting--;
    const { log } = this.#core;
    if (ready.snapshot !== undefined) log.snapshotInstalled(ready.snapshot);
    if (log.confirmWrite(ready)) ownCopyDurable(this.#core);
    ownVoteDurable(this.#core, ready.term);
  }

  /** The state machine has applied everything up to `index`, `applyConfChange` included. */
  applied(index: number): void {
    const core = this.#core;
    core.log.appliedTo(index);
    leaveJointIfDue(core);
    const snapshot = core.snapshotPostponed;
    if (snapshot === undefined || core.log.applied < core.log.handedApplied) return;
    core.snapshotPostponed = undefined;
    step(core, snapshot);
  }

  /** An entry of kind `confChange` is being applied. Call it before `applied`; store the result with the state. */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#core, change);
  }

  /**
   * On the leader: up to here every member has the log, so nobody needs what lies before. A member that is
   * away holds it back; who wants to forget more looks at `status`. Elsewhere: what is applied.
   */
  matchedByAll(): number {
    const { log, membership, role } = this.#core;
    if (role !== 'leader') return log.applied;
    let lowest = log.stable;
    for (const peer of membership.peers) if (peer.match < lowest) lowest = peer.match;
    return lowest;
  }

  /** A picture for observers. Allocates; not for every message. */
  status(): RaftStatus {
    return statusOf(this.#core);
  }

  get role(): Role {
    return this.#core.role;
  }

  get isLeader(): boolean {
    return this.#core.role === 'leader';
  }

  get leader(): NodeId | 0 {
    return this.#core.leader;
  }

  /** The heir of a transfer of leadership under way, else 0. Nothing is proposed meanwhile. */
  get transferee(): NodeId | 0 {
    return this.#core.transferee;
  }

  /** Whether this replica sleeps: it needs no ticks. */
  get quiet(): boolean {
    return this.#core.quiet;
  }

  get term(): number {
    return this.#core.term;
  }

  get commit(): number {
    return this.#core.log.commit;
  }

  /** Entries behind this one are still asked of storage: the state machine may be further, by a snapshot. */
  get appliedIndex(): number {
    return this.#core.log.applied;
  }

  /** Where this replica's log ends, durable or not. */
  get last(): number {
    return this.#core.log.last;
  }

  /**
   * Up to here storage holds this replica's log. What is applied can be ahead of it (a quorum of others is
   * enough to commit): compact the log, and make applied state durable, no further than this. 0 while a
   * snapshot is being installed.
   */
  get stable(): number {
    const { log } = this.#core;
    return log.snapshot === undefined ? log.stable : 0;
  }
}
