import type { NodeId } from '@holdfast/io';
import type { RaftCore } from './core.ts';
import { MessageKind } from './message.ts';
import type { Progress } from './progress.ts';
import { wake } from './quiescence.ts';
import { becomeFollower } from './role.ts';

export type TransferRefusal = 'not-leader' | 'not-a-voter' | 'already-leader' | 'no-candidate';
export type TransferResult =
  | { readonly ok: true; readonly to: NodeId }
  | { readonly ok: false; readonly reason: TransferRefusal };

/**
 * Thesis 3.10: stops taking proposals, brings `to` up to date, and orders it to campaign. Given up after an
 * election timeout; then proposals are taken again. Asking again meanwhile changes nothing, unless another heir is
 * named: a caller that insists could otherwise keep the group from ever taking proposals.
 */
export function transferLeadership(core: RaftCore, to: NodeId | undefined): TransferResult {
  if (core.role !== 'leader') return { ok: false, reason: 'not-leader' };
  if (to === core.settings.id) return { ok: false, reason: 'already-leader' };
  const { transferee } = core;
  if (transferee !== 0 && (to === undefined || to === transferee)) return { ok: true, to: transferee };
  const heir = to === undefined ? bestHeir(core) : core.membership.get(to);
  if (heir === undefined) return { ok: false, reason: to === undefined ? 'no-candidate' : 'not-a-voter' };
  if (heir.learner) return { ok: false, reason: 'not-a-voter' };
  core.transferee = heir.id;
  core.transferDeadline = core.now + core.settings.electionTicks;
  wake(core);
  heir.appendDue = true;
  core.appendsDue = true;
  continueTransfer(core, heir);
  return { ok: true, to: heir.id };
}

/** The heir may have caught up. */
export function continueTransfer(core: RaftCore, heir: Progress): void {
  if (core.transferee !== heir.id || heir.match < core.log.last) return;
  orderCampaign(core, heir);
}

/** The order can arrive at any later time: no lease is worth anything from here on. */
export function orderCampaign(core: RaftCore, heir: Progress): void {
  core.leaseBroken = true;
  core.messages.push(core.message(MessageKind.timeoutNow, heir.id, core.term, 0, 0, false, 0, 0));
}

/** This leader votes no more, and a quorum knows it: the furthest of them takes over at once. */
export function resign(core: RaftCore): void {
  const heir = bestHeir(core);
  if (heir !== undefined) orderCampaign(core, heir);
  becomeFollower(core, core.term, 0);
}

/** The voter of the incoming half that is furthest, among those that were heard lately. */
export function bestHeir(core: RaftCore): Progress | undefined {
  let best: Progress | undefined;
  for (const peer of core.membership.voters) {
    if (peer.id === core.settings.id || peer.learner) continue;
    if (core.now - peer.heardAt >= core.settings.electionTicks) continue;
    if (best === undefined || peer.match > best.match) best = peer;
  }
  return best;
}
