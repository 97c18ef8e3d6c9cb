import { assert, type NodeId, randomInteger } from '@holdfast/io';
import type { RaftCore } from './core.ts';

/** Starts the election timer anew, with a fresh random timeout (paper 5.2). */
export function resetElectionTimer(core: RaftCore): void {
  const { electionTicks } = core.settings;
  core.electionStart = core.now;
  core.electionTimeout = randomInteger(core.random, electionTicks, 2 * electionTicks - 1);
}

/** Moves to `term` and forgets everything that belonged to the role so far. */
export function resetRole(core: RaftCore, term: number): void {
  assert(term >= core.term, 'terms only rise');
  if (term > core.term) {
    core.term = term;
    core.vote = 0;
  }
  core.votes.clear();
  core.campaignByTransfer = false;
  core.transferee = 0;
  core.leaseBroken = false;
  core.leaseStartMs = 0;
  core.leaseStartTick = 0;
  core.stepDownAt = 0;
  core.termStart = 0;
  core.pendingConf = 0;
  core.quiet = false;
  core.appendsDue = false;
  core.noticesDue = false;
  core.snapshotsNeeded.length = 0;
  core.uncommitted.clear();
  core.reads.clear(core.readsDropped);
  resetElectionTimer(core);
}

/** @param leader who leads `term`, 0 when unknown. */
export function becomeFollower(core: RaftCore, term: number, leader: NodeId | 0): void {
  resetRole(core, term);
  core.role = 'follower';
  core.leader = leader;
  // With lease reads the last leader heard may count on the whole timeout, whatever became of it.
  if (leader === 0 && core.settings.lease === undefined) core.stickyUntil = 0;
}

/** A message from the leader of this term has arrived. */
export function heardFromLeader(core: RaftCore, leader: NodeId): void {
  assert(core.role !== 'leader' && (core.leader === 0 || core.leader === leader), 'one term has one leader');
  if (core.role !== 'follower' || core.leader !== leader) becomeFollower(core, core.term, leader);
  else resetElectionTimer(core);
  core.stickyUntil = core.now + core.settings.electionTicks;
  core.quiet = false;
}

/** Whether a leader was heard so recently that nobody may campaign against it (thesis 4.2.3, 9.6). */
export function isSticky(core: RaftCore): boolean {
  if (!core.settings.checkQuorum) return false;
  return core.role === 'leader' || core.now < core.stickyUntil;
}
