import { assert, EMPTY_BYTES, type NodeId } from '@holdfast/io';
import { NEEDS_SNAPSHOT, type RaftCore } from './core.ts';
import { ENTRY_OVERHEAD_BYTES } from './log.ts';
import { type Entry, EntryKind, type Message, MessageKind } from './message.ts';
import { type Progress } from './progress.ts';
import { confirmReads, openRound } from './reads.ts';
import { resetRole } from './role.ts';
import { continueTransfer, resign } from './transfer.ts';

const NO_OP: readonly Uint8Array[] = [EMPTY_BYTES];

/** A quorum voted for this node. Begins the term with a no-op, so that earlier entries can commit (paper 8). */
export function becomeLeader(core: RaftCore): void {
  assert(core.role === 'candidate', 'only a candidate is elected');
  const { log, membership } = core;
  resetRole(core, core.term);
  core.role = 'leader';
  core.leader = core.settings.id;
  core.stickyUntil = 0;
  core.pendingConf = log.last;
  core.termStart = log.last + 1;
  for (const peer of membership.peers) peer.reset(log.last + 1, core.now);
  membership.self?.becomeReplicate();
  core.nextHeartbeat = core.now + core.settings.heartbeatTicks; // The appends of the no-op are the first.
  appendEntries(core, NO_OP, EntryKind.normal);
}

/** Appends to the own log. Nothing is sent: the next Ready does that once for everything. */
export function appendEntries(core: RaftCore, datas: readonly Uint8Array[], kind: EntryKind): void {
  const { log, term } = core;
  let bytes = 0;
  for (let i = 0; i < datas.length; i++) {
    const data = datas[i];
    bytes += data.length + ENTRY_OVERHEAD_BYTES;
    const entry: Entry = { term, index: log.last + 1, kind, data };
    log.append(entry);
  }
  core.uncommitted.add(log.last, bytes);
  core.appendsDue = true;
}

/** What is durable here now counts as this node's own copy (paper 10.2.1 of the thesis: disk and network in parallel). */
export function ownCopyDurable(core: RaftCore): void {
  const { self } = core.membership;
  if (core.role !== 'leader' || self === undefined) return;
  if (self.acknowledge(core.log.stable)) advanceCommit(core);
}

/** Commits what a quorum holds, if it ends with an entry of this term (paper 5.4.2). */
export function advanceCommit(core: RaftCore): void {
  const { log, membership } = core;
  const reached = Math.min(membership.reached('match'), log.last);
  if (reached <= log.commit) return;
  if (log.term(reached) !== core.term && core.settings.canary !== 'old-term-commit') return;
  log.commitTo(reached);
  core.uncommitted.freeTo(reached);
  core.appendsDue = true;
}

/** Makes the append messages of this Ready for every peer. */
export function sendAppends(core: RaftCore): void {
  core.appendsDue = false;
  const notice = core.noticesDue || core.settings.commitNotice === 'at-once';
  const { peers } = core.membership;
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i];
    if (peer.id !== core.settings.id) sendAppendsTo(core, peer, notice);
  }
  core.noticesDue = false;
}

/** Whether a peer could use the news of a commit index and nothing is on its way that brings it. */
export function owesCommit(core: RaftCore): boolean {
  if (core.role !== 'leader') return false;
  const { membership, log, settings } = core;
  return membership.peers.some((peer) => peer.id !== settings.id && peer.wantsCommit(log.commit));
}

function sendAppendsTo(core: RaftCore, peer: Progress, notice: boolean): void {
  const { log, settings } = core;
  while (peer.state !== 'snapshot' && !peer.paused) {
    const previous = peer.next - 1;
    const previousTerm = log.term(previous);
    if (previousTerm === undefined) return needSnapshot(core, peer);
    const open = peer.next <= log.last && (peer.state === 'probe' || !peer.full(settings));
    const bytesMax = open && settings.buggify('append-one-entry') ? 1 : settings.appendBytesMax;
    const entries = open ? log.slice(peer.next, log.last + 1, bytesMax) : undefined;
    if (open && entries === undefined) return needSnapshot(core, peer);
    if (entries === undefined && !peer.appendDue && !(notice && peer.wantsCommit(log.commit))) return;
    const kind = MessageKind.appendRequest;
    core.messages.push(
      core.message(kind, peer.id, core.term, previous, previousTerm, false, 0, 0, log.commit, entries),
    );
    peer.sent(
      entries === undefined ? 0 : entries.length,
      entries === undefined ? 0 : log.sliceBytes,
      log.commit,
    );
    assert(peer.match < peer.next, 'match < next');
    if (entries === undefined) return;
  }
}

/** The log does not reach back far enough for `peer`. A peer that is silent is not worth the effort yet. */
function needSnapshot(core: RaftCore, peer: Progress): void {
  if (core.now - peer.heardAt >= core.settings.electionTicks) return;
  peer.becomeSnapshot();
  core.snapshotsNeeded.push({ to: peer.id });
}

/**
 * Heartbeats to everybody. They carry the latest ReadIndex round that is not confirmed, and never a commit
 * index beyond what the peer is known to hold.
 */
export function sendHeartbeats(core: RaftCore): void {
  const { log, reads } = core;
  // A round takes along every read that waits; before the own term has committed they must go on waiting.
  const mayOpen = reads.waiting.length === 0 || core.ownTermCommitted;
  if (core.settings.lease !== undefined && mayOpen) openRound(core);
  const context = reads.rounds.length > 0 ? reads.sequence : 0;
  core.nextHeartbeat = core.now + core.settings.heartbeatTicks;
  for (const peer of core.membership.peers) {
    if (peer.id === core.settings.id) continue;
    const commit = Math.min(peer.match, log.commit);
    const kind = MessageKind.heartbeatRequest;
    core.messages.push(core.message(kind, peer.id, core.term, 0, 0, false, 0, context, commit));
  }
}

/** Any answer shows that the peer is there, and how far it has followed. */
function heardFrom(core: RaftCore, peer: Progress, message: Message): void {
  peer.heardAt = core.now;
  // A lost unsynced commit index may have come back lower; it only ever helps to remember the highest.
  if (message.commit > peer.commit) peer.commit = Math.min(message.commit, core.log.last);
  if (core.stepDownAt > 0 && core.membership.reached('commit') >= core.stepDownAt) resign(core);
}

export function handleAppendResponse(core: RaftCore, message: Message): void {
  const peer = core.membership.get(message.from);
  if (peer === undefined) return;
  heardFrom(core, peer, message);
  if (core.role !== 'leader') return;
  if (message.reject) {
    if (message.context === NEEDS_SNAPSHOT) {
      if (peer.state === 'probe') needSnapshot(core, peer);
      return;
    }
    // The peer's log ends a term at `rejectHint` with `logTerm`; where the own log has higher terms they cannot meet.
    const { rejectHint, logTerm } = message;
    const hint = logTerm === 0 ? rejectHint : core.log.lastIndexWithTermAtMost(rejectHint, logTerm);
    if (peer.reject(message.index, hint)) core.appendsDue = true;
    return;
  }
  assert(message.index <= core.log.last, 'nobody holds more of this term than its leader');
  const news = peer.acknowledge(message.index);
  if (!news && !(peer.state === 'probe' && peer.match === message.index)) return;
  if (peer.state === 'replicate') peer.inflights.freeTo(message.index);
  else if (peer.state === 'probe' || peer.match + 1 >= core.log.first) peer.becomeReplicate();
  core.appendsDue = true;
  if (news) advanceCommit(core);
  continueTransfer(core, peer);
}

export function handleHeartbeatResponse(core: RaftCore, message: Message): void {
  const peer = core.membership.get(message.from);
  if (peer === undefined) return;
  heardFrom(core, peer, message);
  if (core.role !== 'leader') return;
  // Appends may have been lost: an append at the end of what was sent shows it. While reads keep heartbeats coming,
  // entries are always on the way when one is answered, and a slow disk keeps a probe waiting: once in a while is enough.
  const isDue = core.now - peer.askedAt >= core.settings.heartbeatTicks;
  if (isDue && (peer.match < core.log.last || peer.state === 'probe')) {
    peer.askedAt = core.now;
    peer.paused = false;
    peer.appendDue = true;
    core.appendsDue = true;
  }
  if (message.context > 0) confirmReads(core, peer, message.context);
  continueTransfer(core, peer); // The order to campaign may have been lost.
}

/** The driver could not reach `node`: what was on its way is probably lost. */
export function reportUnreachable(core: RaftCore, node: NodeId): void {
  const peer = core.membership.get(node);
  if (core.role !== 'leader' || peer === undefined || peer.state !== 'replicate') return;
  peer.becomeProbe(peer.match + 1);
  // Wait for a sign of life instead of sending into the void.
  peer.paused = true;
}

/** The driver has finished (or given up) the transfer of a snapshot to `node`. */
export function reportSnapshot(core: RaftCore, node: NodeId, ok: boolean): void {
  const peer = core.membership.get(node);
  if (core.role !== 'leader' || peer === undefined || peer.state !== 'snapshot') return;
  // Whatever snapshot it was, it reached at least to where the log began then. A wrong guess costs a refusal.
  peer.becomeProbe(ok ? Math.max(peer.match + 1, core.log.first) : peer.match + 1);
  peer.paused = true;
}
