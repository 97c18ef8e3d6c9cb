import { assert } from '@holdfast/io';
import { type RaftCore } from './core.ts';
import { type Message, MessageKind } from './message.ts';
import { type Progress } from './progress.ts';
import { type ReadRound, type ReadWaiter } from './read-index.ts';

/** A read of this node. It waits for the next Ready, which serves all that wait with one round or message. */
export function readIndex(core: RaftCore, token: number): void {
  if (core.reads.size >= core.settings.readsWaitingMax || (core.role !== 'leader' && core.leader === 0)) {
    core.readsDropped.push(token);
  } else {
    core.reads.add(0, token);
  }
}

/** Whether the next Ready could do something for a read. */
export function readsDue(core: RaftCore): boolean {
  return core.reads.waiting.length > 0 && (core.role !== 'leader' || core.ownTermCommitted);
}

/** Serves or passes on the reads that wait. Called when a Ready is made. */
export function sendReads(core: RaftCore): void {
  if (core.role === 'leader') beginRound(core);
  else forwardReads(core);
}

/**
 * Thesis 6.4. The commit index of a new leader may be behind what was served before it, until an entry of its
 * own term commits: `readsDue` waits for that. Then a quorum must confirm that nobody else leads.
 */
function beginRound(core: RaftCore): void {
  const { log, reads, settings, membership } = core;
  if (leaseHolds(core) || settings.canary === 'read-without-quorum') {
    // Rounds under way are left alone: nothing but a quorum's answer may confirm them and prolong the lease.
    for (const waiter of reads.takeWaiting()) answer(core, waiter, log.commit);
    return;
  }
  const sequence = openRound(core);
  for (const peer of membership.peers) {
    if (peer.learner || peer.id === settings.id) continue;
    const kind = MessageKind.heartbeatRequest;
    const commit = Math.min(peer.match, log.commit);
    core.messages.push(core.message(kind, peer.id, core.term, 0, 0, false, 0, sequence, commit));
  }
  completeRounds(core, reads.takeConfirmed(membership.reached('readRound')));
}

/** Begins a round that this node itself confirms. With lease reads, every heartbeat is one. */
export function openRound(core: RaftCore): number {
  const { reads, settings, membership } = core;
  const sentMs = settings.lease === undefined ? 0 : settings.lease.nowMs();
  const { sequence } = reads.openRound(core.log.commit, sentMs, core.now);
  if (membership.self !== undefined) membership.self.readRound = sequence;
  return sequence;
}

/** `peer` has answered a heartbeat of round `sequence`, and with it all that were sent before. */
export function confirmReads(core: RaftCore, peer: Progress, sequence: number): void {
  const { reads } = core;
  assert(sequence <= reads.sequence, 'an answer follows its question');
  const confirmed = core.settings.canary === 'late-read-index' ? reads.sequence : sequence;
  if (confirmed <= peer.readRound) return;
  peer.readRound = confirmed;
  confirmRounds(core);
}

/**
 * Answers what a quorum has confirmed. Owed when somebody has confirmed, and when fewer are needed: a round that has its
 * quorum by a change of the configuration would wait for an answer that nobody owes any more.
 */
export function confirmRounds(core: RaftCore): void {
  const { reads, membership } = core;
  if (reads.rounds.length > 0) completeRounds(core, reads.takeConfirmed(membership.reached('readRound')));
}

function completeRounds(core: RaftCore, rounds: readonly ReadRound[]): void {
  for (const round of rounds) {
    core.leaseStartMs = Math.max(core.leaseStartMs, round.sentMs);
    core.leaseStartTick = Math.max(core.leaseStartTick, round.sentTick);
    for (const waiter of round.waiters) answer(core, waiter, round.index);
  }
}

function answer(core: RaftCore, waiter: ReadWaiter, index: number): void {
  if (waiter.from === 0) {
    core.readStates.push({ token: waiter.token, index });
  } else {
    const kind = MessageKind.readIndexResponse;
    core.messages.push(core.message(kind, waiter.from, core.term, index, 0, false, 0, waiter.token));
    // The reader waits until it has applied `index`, which it may not know to be committed yet.
    core.noticesDue = true;
    core.appendsDue = true;
  }
}

/**
 * Thesis 6.4.1. Those who confirmed a round grant no vote for a whole election timeout after it was sent, so
 * until then nobody else leads; an heir called by `timeoutNow` is the exception.
 */
function leaseHolds(core: RaftCore): boolean {
  const { lease, canary, electionTicks } = core.settings;
  if (lease === undefined || core.leaseBroken || core.leaseStartMs === 0) return false;
  if (canary === 'lease-over-clock-jump') return core.now - core.leaseStartTick < electionTicks;
  return lease.nowMs() - core.leaseStartMs < lease.durationMs;
}

/** A follower or learner asks its leader, for all its readers in one message. */
function forwardReads(core: RaftCore): void {
  if (core.leader === 0) return core.reads.clear(core.readsDropped);
  const { batch } = core.reads.forward(core.now);
  const kind = MessageKind.readIndexRequest;
  core.messages.push(core.message(kind, core.leader, core.term, 0, 0, false, 0, batch));
}

export function handleReadIndexRequest(core: RaftCore, message: Message): void {
  if (core.role === 'leader' && core.reads.size < core.settings.readsWaitingMax) {
    core.reads.add(message.from, message.context);
    return;
  }
  const kind = MessageKind.readIndexResponse;
  core.messages.push(core.message(kind, message.from, core.term, 0, 0, true, 0, message.context));
}

export function handleReadIndexResponse(core: RaftCore, message: Message): void {
  const reads = core.reads.takeForwarded(message.context);
  if (reads === undefined) return;
  for (const token of reads.tokens) {
    if (message.reject) core.readsDropped.push(token);
    else core.readStates.push({ token, index: message.index });
  }
}
