import { AssertionError, type NodeId } from '@holdfast/io';
import { type ConfChange, encodeConfChange, LEAVE_JOINT } from './conf-change.ts';
import { changeConfiguration, type ConfigurationRefusal } from './configuration.ts';
import { type RaftCore } from './core.ts';
import { type ConfState, EntryKind } from './message.ts';
import { wake } from './quiescence.ts';
import { confirmRounds } from './reads.ts';
import { advanceCommit, appendEntries } from './replication.ts';

export type ConfChangeRefusal =
  | ConfigurationRefusal
  | 'not-leader'
  | 'transferring'
  /** An earlier change, or one that a leader before may have left, is not applied yet. */
  | 'pending'
  /** No entry of this leader's term has committed yet. */
  | 'term-not-committed'
  /** Voters are promoted learners: `node` is none, was not heard lately, or has too much to catch up. */
  | 'learner-behind';

export type ConfChangeResult =
  | { readonly ok: true; readonly index: number; readonly term: number }
  | { readonly ok: false; readonly reason: ConfChangeRefusal; readonly leader: NodeId | 0 };

/** Appends a configuration change. It takes effect on each replica when that applies it. */
export function proposeConfChange(core: RaftCore, change: ConfChange): ConfChangeResult {
  const reason = refusalOf(core, change);
  if (reason !== undefined) return { ok: false, reason, leader: core.leader };
  appendEntries(core, [encodeConfChange(change)], EntryKind.confChange);
  core.pendingConf = core.log.last;
  wake(core);
  return { ok: true, index: core.log.last, term: core.term };
}

function refusalOf(core: RaftCore, change: ConfChange): ConfChangeRefusal | undefined {
  const { log, membership } = core;
  if (core.role !== 'leader' || core.stepDownAt > 0) return 'not-leader';
  if (core.transferee !== 0) return 'transferring';
  if (core.settings.canary !== 'conf-change-without-own-term-commit') {
    if (!core.ownTermCommitted) return 'term-not-committed';
    if (core.pendingConf > log.applied) return 'pending';
  }
  const next = changeConfiguration(membership.conf, change);
  if (typeof next === 'string') return next;
  for (const { action, node } of change.steps) {
    if (action === 'add-voter' && !readyToVote(core, node)) return 'learner-behind';
  }
  return undefined;
}

/** A new voter must not make the group wait for it (thesis 4.2.1). */
function readyToVote(core: RaftCore, node: NodeId): boolean {
  const { membership, log, settings } = core;
  if (membership.conf.voters.includes(node)) return true;
  const progress = membership.get(node);
  return (
    progress !== undefined &&
    progress.state === 'replicate' &&
    core.now - progress.heardAt < settings.electionTicks &&
    log.last - progress.match <= settings.promotionLagEntriesMax
  );
}

/** A configuration change has been applied: from now on the new configuration counts. */
export function applyConfChange(core: RaftCore, change: ConfChange): ConfState {
  const { log, membership } = core;
  const next = changeConfiguration(membership.conf, change);
  if (typeof next === 'string')
    throw new AssertionError(`a change that its leader accepted cannot be applied: ${next}`);
  membership.change(next, log.last + 1, core.now);
  if (core.role !== 'leader') return next;
  if (core.transferee !== 0 && !membership.isVoter(core.transferee)) core.transferee = 0;
  core.appendsDue = true;
  advanceCommit(core);
  confirmRounds(core);
  if (!membership.selfVotes) beginStepDown(core);
  return next;
}

/**
 * A leader that took itself out (thesis 4.2.2) keeps leading, without counting itself, until a quorum of the
 * others knows the change to be committed: if it went before, they might still need its vote.
 */
function beginStepDown(core: RaftCore): void {
  core.stepDownAt = core.log.commit;
  core.stepDownDeadline = core.now + core.settings.electionTicks;
}

/** Leaves a joint configuration that was meant to be left, once it is applied (thesis 4.3). */
export function leaveJointIfDue(core: RaftCore): void {
  const { membership, log } = core;
  if (core.role !== 'leader' || !membership.conf.autoLeave || core.pendingConf > log.applied) return;
  if (core.stepDownAt > 0 || !core.ownTermCommitted) return;
  appendEntries(core, [encodeConfChange(LEAVE_JOINT)], EntryKind.confChange);
  core.pendingConf = log.last;
}
