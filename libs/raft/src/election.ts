import { assert, type NodeId, unreachable } from '@holdfast/io';
import type { RaftCore } from './core.ts';
import { type Message, MessageKind } from './message.ts';
import { becomeLeader } from './replication.ts';
import { becomeFollower, isSticky, resetElectionTimer, resetRole } from './role.ts';

/** Whether this node could lead: it votes, it knows the configuration, and its log is whole. */
export function mayCampaign(core: RaftCore): boolean {
  return (
    core.role !== 'leader' &&
    core.membership.selfVotes &&
    core.log.snapshot === undefined &&
    !core.log.confChangeUnapplied
  );
}

/** Starts a campaign if this node may: with pre-vote first, if that is on. Returns whether it began. */
export function campaign(core: RaftCore): boolean {
  if (!mayCampaign(core)) return false;
  // With lease reads this node's own vote, too, is promised to the leader that it heard.
  if (core.settings.lease !== undefined && core.now < core.stickyUntil) return false;
  if (core.settings.preVote) startPreVote(core);
  else startElection(core, false);
  return true;
}

/** Thesis 9.6: asks whether an election could be won, without disturbing anybody's term. */
function startPreVote(core: RaftCore): void {
  resetRole(core, core.term);
  core.role = 'pre-candidate';
  core.leader = 0;
  core.stickyUntil = 0;
  for (const peer of core.membership.peers) {
    if (!peer.learner && peer.id !== core.settings.id) askPreVote(core, peer.id);
  }
  recordVote(core, core.settings.id, true);
}

function askPreVote(core: RaftCore, to: NodeId): void {
  const { log, term } = core;
  const kind = MessageKind.preVoteRequest;
  core.messages.push(core.message(kind, to, term + 1, log.last, log.lastTerm, false, log.commitTerm, 0));
}

/**
 * Paper 5.2. The own vote counts when it is durable (`ownVoteDurable`), and the requests leave no earlier.
 * @param byTransfer the leader itself asked for it, so stickiness must let it pass (thesis 4.2.3).
 */
export function startElection(core: RaftCore, byTransfer: boolean): void {
  assert(core.role !== 'leader', 'a leader does not campaign');
  resetRole(core, core.term + 1);
  const { log, term, settings } = core;
  core.role = 'candidate';
  core.leader = 0;
  core.stickyUntil = 0;
  core.vote = settings.id;
  core.campaignByTransfer = byTransfer;
  const kind = MessageKind.voteRequest;
  const context = byTransfer ? 1 : 0;
  for (const peer of core.membership.peers) {
    if (peer.learner || peer.id === settings.id) continue;
    const request = core.message(kind, peer.id, term, log.last, log.lastTerm, false, log.commitTerm, context);
    core.messagesAfterPersist.push(request);
  }
}

/** Storage holds the hard state of `term`, in which this node campaigned. */
export function ownVoteDurable(core: RaftCore, term: number): void {
  if (core.role === 'candidate' && core.term === term) recordVote(core, core.settings.id, true);
}

function recordVote(core: RaftCore, from: NodeId, granted: boolean): void {
  const counts = core.membership.isVoter(from) || core.settings.canary === 'removed-node-votes';
  if (!counts || core.votes.has(from)) return;
  core.votes.set(from, granted);
  const result = tally(core);
  switch (result) {
    case 'won':
      if (core.role === 'pre-candidate') startElection(core, false);
      else becomeLeader(core);
      break;
    case 'lost':
      becomeFollower(core, core.term, 0);
      break;
    case 'pending':
      break;
    default:
      unreachable(result);
  }
}

function tally(core: RaftCore): 'won' | 'lost' | 'pending' {
  if (core.settings.canary !== 'removed-node-votes') return core.membership.tally(core.votes);
  let granted = 0;
  for (const vote of core.votes.values()) if (vote) granted++;
  return granted > core.membership.conf.voters.length >> 1 ? 'won' : 'pending';
}

/**
 * Votes carry the sender's commit index and the term there. If the own log agrees at that place, it is committed
 * here too. It matters when the others cannot lead any more: a node that was removed, and knows it, may have the
 * longest log, while the one that remains still believes that it needs that node's vote.
 */
function learnCommit(core: RaftCore, commit: number, commitTerm: number): void {
  const { log } = core;
  if (core.role === 'leader' || commit <= log.commit || log.term(commit) !== commitTerm) return;
  log.commitTo(commit);
  if (core.role === 'follower' || !log.confChangeUnapplied) return;
  // The configuration of this campaign is out of date. Again as soon as the change is applied.
  becomeFollower(core, core.term, 0);
  core.electionTimeout = 0;
}

export function handlePreVoteResponse(core: RaftCore, message: Message): void {
  learnCommit(core, message.commit, message.logTerm);
  if (core.role !== 'pre-candidate') return;
  // A grant names the term that was asked for; another one answers an older question.
  if (!message.reject && message.term !== core.term + 1) return;
  recordVote(core, message.from, !message.reject);
}

export function handleVoteResponse(core: RaftCore, message: Message): void {
  learnCommit(core, message.commit, message.logTerm);
  if (core.role === 'candidate') recordVote(core, message.from, !message.reject);
}

/**
 * `message.term` is ours. With lease reads the promise to the last leader heard outlives its term: another message may
 * have brought this term here, and the candidate of it must wait like one of a later term.
 */
export function handleVoteRequest(core: RaftCore, message: Message): void {
  learnCommit(core, message.commit, message.rejectHint);
  const { log } = core;
  const promised = isSticky(core) && message.context !== 1;
  const free = core.vote === message.from || (core.vote === 0 && core.leader === 0 && !promised);
  const granted = free && log.upToDate(message.logTerm, message.index);
  if (granted) {
    if (core.role === 'pre-candidate') becomeFollower(core, core.term, 0);
    core.vote = message.from;
    resetElectionTimer(core);
  }
  const kind = MessageKind.voteResponse;
  const response = core.message(kind, message.from, core.term, message.index, log.commitTerm, !granted, 0, 0);
  if (core.settings.canary === 'vote-not-persisted') core.messages.push(response);
  else core.messagesAfterPersist.push(response);
}

/** Granting promises nothing: it leaves at once, and changes neither term nor vote. */
export function handlePreVoteRequest(core: RaftCore, message: Message): void {
  learnCommit(core, message.commit, message.rejectHint);
  const { log } = core;
  const free =
    message.term > core.term || core.vote === message.from || (core.vote === 0 && core.leader === 0);
  let granted = free && log.upToDate(message.logTerm, message.index);
  if (core.role === 'pre-candidate' && message.term === core.term + 1) {
    if (granted) granted = givesWay(core, message);
    if (granted) becomeFollower(core, core.term, 0);
    else askPreVote(core, message.from);
  }
  const kind = MessageKind.preVoteResponse;
  const term = granted ? message.term : core.term;
  core.messages.push(core.message(kind, message.from, term, message.index, log.commitTerm, !granted, 0, 0));
}

/**
 * Two nodes lost the same leader at the same moment (D9). If both went on, both would vote for themselves and
 * the group would wait for a random timeout. So one gives way: to the better log, or the smaller id. The one
 * that stays asks again, for its first question may have come when the rival still trusted the leader.
 */
function givesWay(core: RaftCore, message: Message): boolean {
  const { log, settings } = core;
  const equalLogs = message.logTerm === log.lastTerm && message.index === log.last;
  return !equalLogs || message.from < settings.id;
}

/**
 * Evidence that `node` is gone, such as a closed connection (D9). If it led, campaign at once; peers that have
 * the same evidence grant the pre-vote, the others stay with the leader, and a false alarm ends with its next
 * message. Not with lease reads: there, a leader may count on the whole timeout. Who does not vote only gives the others
 * free rein: it cannot ask, so nothing would end a false alarm in a group that sleeps.
 */
export function leaderUnreachable(core: RaftCore, node: NodeId): void {
  if (core.role !== 'follower' || core.leader !== node || core.settings.lease !== undefined) return;
  core.stickyUntil = 0;
  if (!core.membership.selfVotes) return;
  core.leader = 0;
  core.quiet = false;
  // When it cannot campaign yet (a configuration change is still to be applied), every tick tries again.
  if (core.settings.preVote && !campaign(core)) core.electionTimeout = 0;
}
