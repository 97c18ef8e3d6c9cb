import { type RaftCore } from './core.ts';
import { campaign } from './election.ts';
import { sendHeartbeats } from './replication.ts';
import { becomeFollower } from './role.ts';
import { resign } from './transfer.ts';

/** One unit of time has passed. */
export function tick(core: RaftCore): void {
  if (core.quiet) return;
  core.now++;
  if (core.role === 'leader') tickLeader(core);
  else tickFollower(core);
}

function tickFollower(core: RaftCore): void {
  core.reads.expireForwarded(core.now - core.settings.electionTicks, core.readsDropped);
  // When it may not campaign yet, every tick tries again.
  if (core.now - core.electionStart >= core.electionTimeout) campaign(core);
}

function tickLeader(core: RaftCore): void {
  const { membership, settings } = core;
  if (membership.self !== undefined) membership.self.heardAt = core.now;
  if (settings.checkQuorum && core.now - membership.reached('heardAt') >= settings.electionTicks) {
    // A majority may follow somebody else by now: serve nothing that could be stale (thesis 6.2).
    return becomeFollower(core, core.term, 0);
  }
  if (core.stepDownAt > 0 && core.now >= core.stepDownDeadline) return resign(core);
  if (core.transferee !== 0 && core.now >= core.transferDeadline) core.transferee = 0;
  if (core.now >= core.nextHeartbeat) sendHeartbeats(core);
}
