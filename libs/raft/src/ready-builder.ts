import { assert } from '@holdfast/io';
import { type RaftCore } from './core.ts';
import { type LogWrite } from './log.ts';
import type { Entry, HardState, Message, SnapshotMeta } from './message.ts';
import { readsDue, sendReads } from './reads.ts';
import type { Ready, ReadState, SnapshotNeed, SoftState } from './ready.ts';
import { sendAppends } from './replication.ts';

const NONE: readonly never[] = Object.freeze([]);

/** The Ready that drivers see, and what is needed to understand `persisted` later. */
export class ReadyWork implements Ready, LogWrite {
  softState: SoftState | undefined = undefined;
  messages: readonly Message[] = NONE;
  snapshot: SnapshotMeta | undefined = undefined;
  hardState: HardState | undefined = undefined;
  entries: readonly Entry[] = NONE;
  messagesAfterPersist: readonly Message[] = NONE;
  committed: readonly Entry[] = NONE;
  readStates: readonly ReadState[] = NONE;
  readsDropped: readonly number[] = NONE;
  snapshotsNeeded: readonly SnapshotNeed[] = NONE;
  mustSync = false;
  durableTo = 0;
  /** The term of the hard state that is durable with this. */
  readonly term: number;
  /** Whether `persisted` has something to do. */
  waits = false;

  constructor(term: number) {
    this.term = term;
  }
}

/** Makes Readies, one at a time, and remembers what the last one said. */
export class ReadyBuilder {
  /** Readies in storage that wait for `persisted`. */
  waiting = 0;
  private readonly core: RaftCore;
  private hardState: HardState;
  private softState: SoftState = { role: 'follower', leader: 0 };

  constructor(core: RaftCore, hardState: HardState) {
    this.core = core;
    this.hardState = hardState;
  }

  /** Whether there is anything to do. May say yes for a Ready that turns out empty, never no for work. */
  hasReady(): boolean {
    const { core } = this;
    const { log } = core;
    return (
      core.messages.length > 0 ||
      core.messagesAfterPersist.length > 0 ||
      log.handed < log.last ||
      this.committedDue() ||
      core.appendsDue ||
      this.hardStateChanged() ||
      this.softStateChanged() ||
      readsDue(core) ||
      core.readStates.length > 0 ||
      core.readsDropped.length > 0 ||
      core.snapshotsNeeded.length > 0 ||
      (log.snapshot !== undefined && !log.snapshotHanded)
    );
  }

  build(): ReadyWork {
    const { core } = this;
    const { log } = core;
    if (core.appendsDue && core.role === 'leader') sendAppends(core);
    core.appendsDue = false;
    if (readsDue(core)) sendReads(core);
    const work = new ReadyWork(core.term);
    if (this.softStateChanged()) work.softState = this.softState = { role: core.role, leader: core.leader };
    if (log.snapshot !== undefined && !log.snapshotHanded) {
      work.snapshot = log.snapshot;
      log.snapshotHanded = true;
      work.mustSync = true;
    }
    if (this.hardStateChanged()) this.takeHardState(work);
    if (log.handed < log.last) {
      work.entries = log.takeUnhanded();
      work.mustSync = true;
    }
    if (this.committedDue()) this.takeCommitted(work);
    this.takeOutbox(work);
    if (work.waits) {
      log.addWrite(work);
      this.waiting++;
    }
    log.forgetSlice();
    return work;
  }

  private committedDue(): boolean {
    const { log } = this.core;
    return log.handedApplied < log.commit && log.snapshot === undefined;
  }

  private hardStateChanged(): boolean {
    const { core, hardState } = this;
    return (
      core.log.commit !== hardState.commit || core.term !== hardState.term || core.vote !== hardState.vote
    );
  }

  private softStateChanged(): boolean {
    return this.core.role !== this.softState.role || this.core.leader !== this.softState.leader;
  }

  private takeHardState(work: ReadyWork): void {
    const { core } = this;
    const before = this.hardState;
    assert(core.term >= before.term, 'terms only rise');
    assert(core.term > before.term || before.vote === 0 || core.vote === before.vote, 'one vote in a term');
    this.hardState = { term: core.term, vote: core.vote, commit: core.log.commit };
    work.hardState = this.hardState;
    if (core.term === before.term && core.vote === before.vote) return;
    if (core.settings.canary === 'term-not-persisted' && core.vote === 0) {
      work.hardState = { term: before.term, vote: before.vote, commit: core.log.commit };
      return;
    }
    work.mustSync = true;
  }

  private takeCommitted(work: ReadyWork): void {
    const { log, settings } = this.core;
    const low = log.handedApplied + 1;
    const bytesMax = settings.buggify('commit-one-entry') ? 1 : settings.committedBytesMax;
    const committed = log.slice(low, log.commit + 1, bytesMax);
    assert(committed !== undefined, 'storage keeps unapplied entries in memory');
    work.committed = committed;
    log.handedApplied = committed[committed.length - 1].index;
    assert(log.applied <= log.handedApplied && log.handedApplied <= log.commit, 'applied <= commit');
    assert(log.commit <= log.last, 'commit <= last');
  }

  /** Takes the arrays themselves; the core gets new ones only where something was in them. */
  private takeOutbox(work: ReadyWork): void {
    const { core } = this;
    if (core.messagesAfterPersist.length > 0) {
      if (work.mustSync || this.waiting > 0) {
        work.messagesAfterPersist = core.messagesAfterPersist;
      } else {
        // Everything that these rely on is durable already.
        for (const message of core.messagesAfterPersist) core.messages.push(message);
      }
      core.messagesAfterPersist = [];
    }
    work.waits = work.mustSync || work.messagesAfterPersist.length > 0;
    if (core.messages.length > 0) {
      work.messages = core.messages;
      core.messages = [];
    }
    if (core.readStates.length > 0) {
      work.readStates = core.readStates;
      core.readStates = [];
    }
    if (core.readsDropped.length > 0) {
      work.readsDropped = core.readsDropped;
      core.readsDropped = [];
    }
    if (core.snapshotsNeeded.length > 0) {
      work.snapshotsNeeded = core.snapshotsNeeded;
      core.snapshotsNeeded = [];
    }
  }
}
