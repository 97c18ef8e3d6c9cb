import { assert, type Buggify, neverBuggify, type NodeId, type RangeId } from '@holdfast/io';
import { decodeConfChange, EntryKind, type Entry, type Message, type Raft, type Ready } from '@holdfast/raft';
import { CorruptionError } from '@holdfast/lsm';
import type { HybridClock } from '../hybrid-clock.ts';
import type { GroupLog } from '../log/group-log.ts';
import type { NodeBuggifyPoint } from '../node/buggify.ts';
import type { ReplicaCanary } from '../node/canary.ts';
import type { NodeObserver } from '../node/observer.ts';
import type { StagedSnapshot } from '../snapshot/snapshot-receiver.ts';
import type { AppliedMark } from './applied-mark.ts';
import type { ChangeTap } from './change-tap.ts';
import { closeCommand, type CommandBuilder, CommandReader } from './command.ts';
import type { CommandBuilders } from './command-builders.ts';
import { isMemberOf, isVoterOf } from './conf-members.ts';
import { readConfRevision } from './conf-revision.ts';
import type { RangeDescriptor } from './descriptor.ts';
import type { ExpiryBound } from './expiry-bound.ts';
import { Proposals, type ProposeResult, type WriteWaiter } from './proposals.ts';
import { type ReadWaiter, Reads } from './reads.ts';
import type { StateMachine } from './state-machine.ts';

/** How much of the log a replica keeps. */
export interface LogLimits {
  /** Entry bytes kept in memory and on disk for followers that lag, per range. */
  readonly logKeepBytes: number;
  /** Above this a lagging member no longer holds back compaction: it will get a snapshot. Per range. */
  readonly logBytesMax: number;
  /** Above this the ranges whose entries keep the oldest segment give them up. Of the whole node. */
  readonly logDiskBytesKeep: number;
  /** Above this they do so although a member lags. Of the whole node. */
  readonly logDiskBytesMax: number;
}

/** Fewer mutations than this wait for the log as long as it is writing. */
const HELD_OPS_MIN = 8;

/** Ticks that a range stays awake at least when a message has woken it. */
const WAKE_TICKS = 4;

/** What a replica hands to its node in one turn. */
export interface TurnOutput {
  send(message: Message): void;
  /** The replica has work for another turn. */
  wake(replica: Replica): void;
  /** The node cannot go on. */
  fail(error: unknown): void;
  /** Appends to the node log; `Replica.persisted` is owed when it is synced. */
  persist(replica: Replica, ready: Ready): void;
  /** Followers of `replica` wait for the news of a commit: `raft.announceCommit` is owed unless entries bring it soon. */
  commitUnannounced(replica: Replica): void;
  /** The peer needs a snapshot of the range; `raft.reportSnapshot` is owed. */
  sendSnapshot(replica: Replica, to: NodeId): void;
}

/**
 * One node's copy of one range: a Raft group, the proposals and reads that wait on it, and the state machine
 * behind it. Performs every Ready in the order that `@holdfast/raft` demands; does no I/O itself.
 */
export class Replica {
  readonly raft: Raft;
  readonly log: GroupLog;
  readonly proposals: Proposals;
  readonly #reads = new Reads();
  readonly #stateMachine: StateMachine;
  readonly #clock: HybridClock;
  readonly #observer: NodeObserver;
  readonly #buggify: Buggify<NodeBuggifyPoint>;
  readonly #canary: ReplicaCanary | undefined;
  #descriptor: RangeDescriptor;
  #confIndex = 0;
  #isMember: boolean;
  #isVoter: boolean;
  #applied: AppliedMark;
  #tap: ChangeTap | undefined;
  /** Committed and not applied, in order. */
  #toApply: Entry[] = [];
  #applying = false;
  /** An entry could not be applied because what it has to look at is damaged here. A snapshot ends it. */
  #stuck = false;
  #held = false;
  /** Ticks since the range had anything to do. */
  #idleTicks = 0;
  #asleep = false;
  #leadTicks = 0;
  /** To whom this leader gives the range, or gave it when it led last; else 0. */
  #heir: NodeId | 0 = 0;

  constructor(parts: {
    readonly raft: Raft;
    readonly log: GroupLog;
    readonly stateMachine: StateMachine;
    readonly descriptor: RangeDescriptor;
    readonly applied: AppliedMark;
    readonly clock: HybridClock;
    readonly observer: NodeObserver;
    readonly builders: CommandBuilders;
    readonly buggify?: Buggify<NodeBuggifyPoint>;
    readonly canary?: ReplicaCanary;
  }) {
    this.raft = parts.raft;
    this.log = parts.log;
    this.proposals = new Proposals(parts.builders);
    this.#stateMachine = parts.stateMachine;
    this.#descriptor = parts.descriptor;
    this.#isMember = isMemberOf(parts.descriptor.conf, parts.raft.id);
    this.#isVoter = isVoterOf(parts.descriptor.conf, parts.raft.id);
    this.#applied = parts.applied;
    this.#clock = parts.clock;
    this.#observer = parts.observer;
    this.#buggify = parts.buggify ?? neverBuggify;
    this.#canary = parts.canary;
  }

  get id(): RangeId {
    return this.#descriptor.id;
  }

  get descriptor(): RangeDescriptor {
    return this.#descriptor;
  }

  /** Index of the entry that made the configuration; 0 when it was found on disk, or came with a snapshot. */
  get confIndex(): number {
    return this.#confIndex;
  }

  /** Whether this node holds the range as a voter or learner, as far as it has applied the changes. */
  get isMember(): boolean {
    return this.#isMember;
  }

  /** Whether this node votes in the range, as far as it has applied the changes. */
  get isVoter(): boolean {
    return this.#isVoter;
  }

  get applied(): AppliedMark {
    return this.#applied;
  }

  /** When the next of its keys may expire. */
  get expiry(): ExpiryBound {
    return this.#stateMachine.expiry;
  }

  get isLeader(): boolean {
    return this.raft.isLeader;
  }

  /** Ticks for which this replica has led, awake: after an election's worth of them it knows who is there. */
  get leadTicks(): number {
    return this.#leadTicks;
  }

  /** 0 when unknown. */
  get leader(): NodeId | 0 {
    return this.raft.leader;
  }

  /** Who leads or, while this replica has just given the leadership away, who was to have it. 0 when unknown. */
  get likelyLeader(): NodeId | 0 {
    return this.raft.leader === 0 ? this.#heir : this.raft.leader;
  }

  /** Where the caller adds `ops` ops, which are proposed at the end of the turn. */
  mutation(waiter: WriteWaiter, requestOp: number, ops = 1, alone = false): CommandBuilder {
    return this.proposals.next(waiter, requestOp, ops, alone);
  }

  /** From now on `tap` hears what is applied. Not while a command is half applied. */
  tap(tap: ChangeTap | undefined): void {
    assert(tap === undefined || !this.#applying, 'a tap hears whole commands');
    this.#tap = tap;
    this.#stateMachine.tap = tap;
  }

  /**
   * Proposes that nothing at or below `revision` will be written any more. The node's clock has reached it, so no
   * later command is stamped at or below, and every earlier one stands in front of it in the log.
   */
  closeRevision(revision: number): void {
    assert(revision <= this.#clock.read(), 'the clock never stamps at or below a closed revision');
    this.#propose(closeCommand(revision));
  }

  /** Joins the linearizable read round of this turn. */
  read(waiter: ReadWaiter): void {
    this.#reads.add(waiter);
  }

  /**
   * One unit of time has passed. A leader without work sends its range to sleep; Raft refuses while a member is away
   * or behind. Returns whether there is something to do: a sleeping range costs nothing else.
   * @param quiesceTicks idle ticks before it does
   */
  tick(quiesceTicks: number): boolean {
    const { raft } = this;
    if (raft.quiet) {
      this.#asleep = true;
      return false;
    }
    if (this.#asleep) {
      // A message has woken it: long enough for a heartbeat and its answers.
      this.#asleep = false;
      this.#idleTicks = Math.min(this.#idleTicks, quiesceTicks - WAKE_TICKS);
    }
    // Not in a tick that sends heartbeats: their answers would wake the range at once.
    const idle = ++this.#idleTicks >= quiesceTicks || this.#buggify('sleep-now');
    if (idle && raft.isLeader && raft.quiesce()) return true;
    if (raft.isLeader && this.#buggify('hand-over')) raft.transferLeadership(this.#someVoter());
    raft.tick();
    this.#leadTicks = raft.isLeader ? this.#leadTicks + 1 : 0;
    // A transfer may have been given up: the writes that wait for its end are proposed.
    return raft.hasReady() || this.proposals.hasOpen;
  }

  /** A member may be gone: a leader that sleeps must see who is there, and stays awake until it must have noticed. */
  rouse(): void {
    this.#idleTicks = 0;
    this.raft.wake();
  }

  /**
   * Proposes and asks what was collected, then takes every Ready.
   * @param logIsIdle false while the node log is writing: mutations then wait to become one entry, until they are
   * half as many as are under way. Two batches of equal size then take turns at the log and at the processors,
   * however many clients there are.
   */
  turn(out: TurnOutput, logIsIdle: boolean): void {
    const { proposals, raft } = this;
    if (raft.isLeader) this.#heir = raft.transferee;
    // Nothing is proposed during a transfer. Who waits is not sent away: this node is the first to know how it ends.
    const isGivenAway = raft.transferee !== 0;
    const heldOps = Math.max(HELD_OPS_MIN, proposals.inLogOps / 2);
    // Who leads no more refuses at once: somebody else may be waiting for these writes.
    const mayGo = logIsIdle || proposals.openOps >= heldOps || !raft.isLeader;
    const due = proposals.hasOpen && mayGo && !isGivenAway;
    if (due && this.#buggify('propose-late')) {
      out.wake(this);
    } else if (due) {
      proposals.submit(
        (ops) => this.#clock.stamp(ops),
        (command) => this.#propose(command),
      );
    }
    if (this.#reads.hasCollected) this.#idleTicks = 0;
    this.#reads.submit((token) => raft.readIndex(token));
    while (raft.hasReady()) this.#take(raft.ready(), out);
    if (raft.owesCommit) out.commitUnannounced(this);
  }

  /** The node log has synced `ready`: it may be counted and its answers may leave. */
  persisted(ready: Ready, out: TurnOutput): void {
    if (ready.snapshot !== undefined) this.log.resetTo(ready.snapshot.index, ready.snapshot.term);
    if (ready.hardState !== undefined) this.log.setHardState(ready.hardState);
    this.log.append(ready.entries);
    this.#observer.persisted?.(this.id, ready);
    this.raft.persisted(ready);
    for (const message of ready.messagesAfterPersist) out.send(message);
  }

  /**
   * Applies what is committed and serves the reads that waited for it. When a condition needs the disk, or the
   * tree asks for a pause, applying goes on by itself later: `out` hears of it then.
   */
  apply(out: TurnOutput): void {
    if (this.#applying || this.#stuck || this.#held) {
      this.#reads.serve(this.#applied.index);
      return;
    }
    if (this.#toApply.length > 0 && this.#buggify('apply-late')) {
      this.#reads.serve(this.#applied.index);
      out.wake(this);
      return;
    }
    let next = this.#canary === 'apply-past-gap' && this.#toApply.length > 1 ? 1 : 0;
    let pending: Promise<void> | undefined;
    while (next < this.#toApply.length && pending === undefined && !this.#stuck) {
      pending = this.#stateMachine.writable() ?? this.#tryEntry(this.#toApply[next]);
      if (pending === undefined && !this.#stuck) next++;
    }
    this.#toApply = next === this.#toApply.length ? [] : this.#toApply.slice(next);
    if (pending !== undefined) {
      this.#applying = true;
      const ended = pending.catch((error: unknown) => this.#stopAt(error));
      ended.then(
        () => {
          this.#applying = false;
          out.wake(this);
        },
        (error: unknown) => out.fail(error),
      );
    }
    this.#tap?.advanced(this.#applied.revision);
    this.#reads.serve(this.#applied.index);
  }

  /**
   * Replaces the state by a snapshot that is newer than what is applied; nothing is applied meanwhile. Raft
   * hears of the snapshot only afterwards: until then a crash leaves the old state or the new one, and either
   * fits the log.
   */
  async install(snapshot: StagedSnapshot): Promise<void> {
    assert(!this.#applying, 'a snapshot is installed between two entries');
    assert(this.wants(snapshot.head.mark.index), 'a snapshot never replaces newer state');
    this.#applying = true;
    try {
      await this.#stateMachine.install(snapshot);
      this.#applied = snapshot.head.mark;
      this.#stuck = false;
      this.#describe(snapshot.head.descriptor);
      this.#confIndex = 0;
      this.#clock.observe(this.#applied.revision);
      this.proposals.abandonUpTo(this.#applied.index);
      this.#tap?.replaced();
      const { mark, descriptor } = snapshot.head;
      this.#observer.installed?.(this.id, { index: mark.index, term: mark.term, conf: descriptor.conf });
    } finally {
      this.#applying = false;
    }
  }

  /** Whether a snapshot of the state at `index` would bring anything. A damaged copy is replaced by an equal one. */
  wants(index: number): boolean {
    const isDamaged = this.#held || this.#stuck;
    if (isDamaged && index === this.#applied.index) return true;
    return index > this.#applied.index || this.#canary === 'snapshot-over-newer-state';
  }

  /** What an entry looks at is damaged here: nothing is applied before a snapshot has come. */
  get isStuck(): boolean {
    return this.#stuck;
  }

  /** Whether somebody else could have a sound copy. */
  get hasOtherVoters(): boolean {
    const { voters, votersOutgoing } = this.#descriptor.conf;
    return [...voters, ...votersOutgoing].some((voter) => voter !== this.raft.id);
  }

  /** While held, nothing is applied: a snapshot that is under way is then not overtaken. Votes and appends go on. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** Entries are being applied, or a snapshot installed, across an await. */
  get applying(): boolean {
    return this.#applying;
  }

  /**
   * Forgets log entries that an SSTable holds (`durable`: the index up to which). Some are kept for followers
   * that lag; more than that only as long as a member is known to need them and memory and disk allow.
   *
   * @param pinning entries up to this index hold up the disk's oldest segment; 0: none do
   * @param isDiskFull the node's log has all the room on disk that it may have
   */
  compactLog(durable: number, limits: LogLimits, pinning: number, isDiskFull: boolean): void {
    const now = this.#buggify('compact-log-now');
    const isLong = this.log.bytes > limits.logKeepBytes;
    const spare = Math.max(
      now ? this.log.lastIndex() : isLong ? this.log.indexBefore(limits.logKeepBytes) : 0,
      pinning,
    );
    if (Math.min(durable, spare) < this.log.firstIndex()) return;
    const isFull = now || isDiskFull || this.log.bytes > limits.logBytesMax;
    const needed = isFull ? spare : this.raft.matchedByAll();
    // A snapshot makes state durable before Raft takes it: until then Raft hands out entries that it covers. What others
    // have committed can be applied before the log here has it.
    const { appliedIndex, stable } = this.raft;
    this.log.compactTo(Math.min(durable, spare, needed, appliedIndex, stable));
  }

  /** Answers everyone who waits: the node stops. */
  stop(): void {
    this.proposals.abandon();
    this.#reads.failAll('stopped');
  }

  /** Not always the same one. */
  #someVoter(): NodeId {
    const { voters } = this.#descriptor.conf;
    return voters[this.#leadTicks % voters.length];
  }

  #propose(command: Uint8Array): ProposeResult {
    const result = this.raft.propose([command]);
    if (result.ok) return { accepted: true, index: result.index, term: result.term };
    const failure = result.reason === 'uncommitted-limit' ? 'overloaded' : 'not-leader';
    return { accepted: false, failure, leader: this.likelyLeader };
  }

  #take(ready: Ready, out: TurnOutput): void {
    this.#observer.ready?.(this.id, ready);
    if (ready.committed.length > 0 || ready.entries.length > 0) this.#idleTicks = 0;
    if (ready.softState !== undefined) {
      this.#observer.role?.(this.id, ready.softState.role, this.raft.term, ready.softState.leader);
    }
    for (const message of ready.messages) out.send(message);
    for (const entry of ready.committed) this.#toApply.push(entry);
    for (const state of ready.readStates) this.#reads.confirm(state);
    for (const token of ready.readsDropped) this.#reads.drop(token);
    for (const { to } of ready.snapshotsNeeded) out.sendSnapshot(this, to);
    this.raft.advance(ready);
    out.persist(this, ready);
  }

  #tryEntry(entry: Entry): Promise<void> | undefined {
    try {
      return this.#applyEntry(entry)?.then(() => void this.#toApply.shift());
    } catch (error) {
      this.#stopAt(error);
      return undefined;
    }
  }

  /** What an entry has to look at is damaged. Its number stays where it is: a snapshot brings what it did. */
  #stopAt(error: unknown): void {
    if (!(error instanceof CorruptionError) || !this.hasOtherVoters) throw error;
    this.#stateMachine.discard();
    this.#stuck = true;
  }

  #applyEntry(entry: Entry): Promise<void> | undefined {
    if (entry.index <= this.#applied.index) {
      // A snapshot that covers it was installed while it waited. Raft counts its changes all the same.
      if (entry.kind === EntryKind.confChange) this.raft.applyConfChange(decodeConfChange(entry.data));
      this.raft.applied(entry.index);
      return undefined;
    }
    if (this.#canary !== 'apply-past-gap') {
      assert(entry.index === this.#applied.index + 1, 'entries are applied without a gap');
    }
    // Whatever kind it is: those who had proposed something else at its index hear so.
    const sink = this.proposals.take(entry);
    if (entry.kind === EntryKind.confChange) {
      this.#applyConfChange(entry);
      return undefined;
    }
    if (entry.data.length === 0) {
      const mark = this.#markOf(entry, this.#applied.revision);
      this.#stateMachine.applyMark(mark);
      this.#finish(entry, mark);
      return undefined;
    }
    const command = new CommandReader(entry.data);
    this.#clock.observe(command.lastRevision);
    const mark = this.#markOf(entry, Math.max(this.#applied.revision, command.lastRevision));
    const pending = this.#stateMachine.apply(command, mark, sink);
    if (pending === undefined) {
      this.#finish(entry, mark);
      return undefined;
    }
    return pending.then(() => this.#finish(entry, mark));
  }

  #applyConfChange(entry: Entry): void {
    const change = decodeConfChange(entry.data);
    const conf = this.raft.applyConfChange(change);
    const mark = this.#markOf(entry, this.#applied.revision);
    const { generation, confRevision } = this.#descriptor;
    this.#describe({
      ...this.#descriptor,
      conf,
      generation: generation + 1,
      confRevision: Math.max(confRevision, readConfRevision(change.context)),
    });
    this.#confIndex = entry.index;
    this.#stateMachine.applyMark(mark, this.#descriptor);
    this.#finish(entry, mark);
  }

  #describe(descriptor: RangeDescriptor): void {
    this.#descriptor = descriptor;
    this.#isMember = isMemberOf(descriptor.conf, this.raft.id);
    this.#isVoter = isVoterOf(descriptor.conf, this.raft.id);
  }

  #markOf(entry: Entry, revision: number): AppliedMark {
    return { index: entry.index, term: entry.term, revision };
  }

  #finish(entry: Entry, mark: AppliedMark): void {
    this.#applied = mark;
    this.#observer.applied?.(this.id, entry);
    this.raft.applied(entry.index);
  }
}
