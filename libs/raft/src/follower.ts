import { assert } from '@holdfast/io';
import { NEEDS_SNAPSHOT, type RaftCore } from './core.ts';
import { startElection, mayCampaign } from './election.ts';
import { type Message, MessageKind, type SnapshotMeta } from './message.ts';
import { followToSleep } from './quiescence.ts';
import { heardFromLeader } from './role.ts';

/** Paper, figure 2: AppendEntries, receiver. The answer leaves when what it promises is durable. */
export function handleAppendRequest(core: RaftCore, message: Message): void {
  heardFromLeader(core, message.from);
  const { log } = core;
  const { index, logTerm, entries } = message;
  if (core.membership.conf.voters.length === 0) return refuse(core, message, NEEDS_SNAPSHOT);
  if (index < log.commit) {
    // An old or duplicated append. Everything up to the commit index is known to be equal.
    return answer(core, message, log.commit);
  }
  if (log.term(index) !== logTerm) return refuse(core, message, 0);
  let known = 0;
  if (index < log.last) {
    // Skip what is there already: cutting it would take back what was acknowledged (paper 5.3).
    while (known < entries.length && log.term(index + known + 1) === entries[known].term) known++;
  }
  if (known < entries.length) {
    if (index + known < log.last) log.truncate(index + known + 1);
    for (let i = known; i < entries.length; i++) log.append(entries[i]);
  }
  const matched = index + entries.length;
  log.commitTo(Math.min(message.commit, matched));
  assert(
    log.confChangesUncommitted <= 1 || core.settings.canary !== undefined,
    'a leader has at most one uncommitted configuration change',
  );
  answer(core, message, matched);
}

/** Acknowledges everything up to `index`. Appends of one Ready share one answer: they become durable together. */
function answer(core: RaftCore, message: Message, index: number): void {
  const kind = MessageKind.appendResponse;
  const waiting = core.messagesAfterPersist;
  const before = waiting.at(-1);
  let matched = index;
  if (before !== undefined && before.kind === kind && before.term === core.term && !before.reject) {
    matched = Math.max(index, before.index);
    waiting.pop();
  }
  waiting.push(core.message(kind, message.from, core.term, matched, 0, false, 0, 0));
}

/**
 * Tells the leader where the logs could meet: the last own entry at or before the refused index whose term is
 * not above the leader's term there. Saves it from trying every index (paper 5.3, end).
 */
function refuse(core: RaftCore, message: Message, context: number): void {
  const { log } = core;
  const hint = log.lastIndexWithTermAtMost(Math.min(message.index, log.last), message.logTerm);
  const hintTerm = log.term(hint) ?? 0;
  const kind = MessageKind.appendResponse;
  core.messagesAfterPersist.push(
    core.message(kind, message.from, core.term, message.index, hintTerm, true, hint, context),
  );
}

/** Leaves at once, never behind a sync: it confirms who leads, and promises nothing that is not durable yet. */
export function handleHeartbeatRequest(core: RaftCore, message: Message): void {
  heardFromLeader(core, message.from);
  core.log.commitTo(message.commit);
  if (message.reject && followToSleep(core, message)) return;
  const kind = MessageKind.heartbeatResponse;
  core.messages.push(core.message(kind, message.from, core.term, 0, 0, false, 0, message.context));
}

/**
 * Paper 7. The bytes are here already; the next Ready asks the driver to put them in place. First the driver
 * applies what it has been given: those entries must not meet the state and the configuration of a later time.
 */
export function handleSnapshotRequest(core: RaftCore, message: Message): void {
  assert(message.snapshot !== undefined, 'a snapshot request describes a snapshot');
  heardFromLeader(core, message.from);
  if (core.log.applied < core.log.handedApplied) {
    core.snapshotPostponed = message;
    return;
  }
  restore(core, message.snapshot);
  answer(core, message, core.log.commit);
}

function restore(core: RaftCore, snapshot: SnapshotMeta): void {
  const { log, membership } = core;
  if (snapshot.index <= log.commit) return;
  if (log.term(snapshot.index) === snapshot.term) {
    // The log holds all of it already, and now knows that it is committed.
    log.commitTo(snapshot.index);
    return;
  }
  log.restore(snapshot);
  membership.change(snapshot.conf, log.last + 1, core.now);
}

/** The leader's order to take over (thesis 3.10). No pre-vote: the old leader itself has agreed. */
export function handleTimeoutNow(core: RaftCore): void {
  if (core.role === 'follower' && mayCampaign(core)) startElection(core, true);
}
