import { type RaftCore } from './core.ts';
import { type Message, MessageKind } from './message.ts';
import { resetElectionTimer } from './role.ts';

/**
 * An idle group sleeps: no heartbeats, no ticks. Safety does not rest on it: a sleeper only hears less of the
 * time. What wakes it is a message, a request, evidence that the leader is gone, or `wake`.
 *
 * The leader may send everybody to sleep when all members are there and hold everything, committed and known
 * to be committed, and nothing is under way. Returns whether it did.
 */
export function quiesce(core: RaftCore): boolean {
  if (!mayQuiesce(core)) return false;
  const { log, membership } = core;
  for (const peer of membership.peers) {
    if (peer.id === core.settings.id) continue;
    const kind = MessageKind.heartbeatRequest;
    core.messages.push(core.message(kind, peer.id, core.term, log.last, log.lastTerm, true, 0, 0));
  }
  core.quiet = true;
  return true;
}

function mayQuiesce(core: RaftCore): boolean {
  const { log, membership, settings } = core;
  if (core.role !== 'leader' || core.transferee !== 0 || core.stepDownAt > 0 || membership.joint)
    return false;
  if (settings.lease !== undefined || core.reads.size > 0 || log.applied < log.last) return false;
  for (const peer of membership.peers) {
    if (peer.match < log.last) return false;
    if (peer.id === settings.id) continue;
    if (peer.commit < log.last || core.now - peer.heardAt >= settings.electionTicks) return false;
  }
  return true;
}

/**
 * The leader wants to sleep. A follower that holds exactly what the leader holds does so too, without an
 * answer; any other answers as usual, and that wakes the leader. Returns whether it sleeps.
 */
export function followToSleep(core: RaftCore, message: Message): boolean {
  const { log } = core;
  core.quiet =
    log.last === message.index &&
    log.lastTerm === message.logTerm &&
    log.commit === log.last &&
    log.stable === log.last &&
    core.reads.size === 0;
  return core.quiet;
}

/** Time passes again. A leader says so with the next tick. */
export function wake(core: RaftCore): void {
  if (!core.quiet) return;
  core.quiet = false;
  if (core.role === 'leader') core.nextHeartbeat = core.now;
  else resetElectionTimer(core);
}
