import { assert, type NodeId } from '@holdfast/io';
import type { Settings } from './config.ts';
import type { Tracked } from './quorum.ts';
import { Window } from './window.ts';

/**
 * How the leader feeds a peer.
 * - `probe`: it does not know where the logs meet; one append at a time, then it waits for an answer.
 * - `replicate`: the logs met; appends are pipelined within the in-flight limits.
 * - `snapshot`: the log no longer reaches back far enough; nothing is sent until the snapshot has arrived.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What the leader knows about one member, itself included. Meaningful only while leading. */
export class Progress implements Tracked {
  readonly id: NodeId;
  /** Durable there and equal to the leader's log. Never shrinks within a term. */
  match = 0;
  /** The next index to send. Invariant: match < next. Entries between are on their way. */
  next: number;
  state: ProgressState = 'probe';
  learner: boolean;
  /** In `probe`: an append is on its way; wait for its answer or for the next heartbeat's. */
  paused = false;
  /** Send an append even if it is empty: to find out where the log of the peer ends. */
  appendDue = false;
  /** The highest commit index sent. Falls back when the appends that carried it may have been lost. */
  sentCommit = 0;
  commit = 0;
  heardAt: number;
  /** When an answer to a heartbeat last made the leader ask where the peer's log ends. */
  askedAt: number;
  readRound = 0;
  readonly inflights = new Window();

  constructor(id: NodeId, learner: boolean, next: number, heardAt: number) {
    this.id = id;
    this.learner = learner;
    this.next = next;
    this.heardAt = heardAt;
    this.askedAt = heardAt;
  }

  /** A new term of leadership begins: nothing is known but that the peer deserves the benefit of the doubt. */
  reset(next: number, heardAt: number): void {
    this.match = 0;
    this.sentCommit = 0;
    this.commit = 0;
    this.readRound = 0;
    this.heardAt = heardAt;
    this.askedAt = heardAt;
    this.state = 'probe';
    this.next = next;
    this.paused = false;
    this.appendDue = true;
    this.inflights.clear();
  }

  /** @param next where to probe; at least `match + 1`. */
  becomeProbe(next: number): void {
    assert(next > this.match, 'match < next');
    this.state = 'probe';
    this.next = next;
    this.paused = false;
    this.appendDue = true;
    this.inflights.clear();
    if (this.sentCommit >= next) this.sentCommit = next - 1;
  }

  becomeReplicate(): void {
    this.state = 'replicate';
    this.next = this.match + 1;
    this.paused = false;
    this.inflights.clear();
  }

  becomeSnapshot(): void {
    this.state = 'snapshot';
    this.paused = false;
    this.appendDue = false;
    this.inflights.clear();
  }

  /** Whether the in-flight limits forbid more entries for now. */
  full(settings: Settings): boolean {
    return (
      this.inflights.count >= settings.inflightMessagesMax ||
      this.inflights.bytes >= settings.inflightBytesMax
    );
  }

  /** An append with `count` entries from `next` on has been handed out. */
  sent(count: number, bytes: number, commit: number): void {
    this.appendDue = false;
    this.sentCommit = commit;
    if (this.state === 'probe') {
      this.paused = true;
    } else if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
  }

  /**
   * Whether an empty append is worth sending for the commit index alone: the peer can use it and has not been told.
   * While entries are on the way it waits for their answer: under load the next entries bring the news for free.
   */
  wantsCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1 && this.inflights.count === 0;
  }

  /** The peer holds everything up to `index`. Returns false when that was known. */
  acknowledge(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    if (this.next <= index) this.next = index + 1;
    return true;
  }

  /**
   * The peer refused an append after `rejected` and says that the logs could meet at `hint`.
   * Returns false when the refusal is an old one that tells nothing.
   */
  reject(rejected: number, hint: number): boolean {
    if (this.state === 'snapshot') return false;
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.becomeProbe(this.match + 1);
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.becomeProbe(Math.max(Math.min(rejected, hint + 1), this.match + 1));
    return true;
  }
}
