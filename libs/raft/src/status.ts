import type { NodeId } from '@holdfast/io';
import { type RaftCore } from './core.ts';
import type { ConfState } from './message.ts';
import type { ProgressState } from './progress.ts';
import type { Role } from './ready.ts';

/** What the leader knows about a member. */
export interface PeerStatus {
  readonly id: NodeId;
  readonly learner: boolean;
  readonly state: ProgressState;
  readonly match: number;
  readonly next: number;
  /** Ticks since the last message from it. */
  readonly silentTicks: number;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly vote: NodeId | 0;
  readonly leader: NodeId | 0;
  readonly first: number;
  readonly last: number;
  readonly lastTerm: number;
  /** Durable here. */
  readonly stable: number;
  readonly commit: number;
  readonly applied: number;
  readonly conf: ConfState;
  readonly uncommittedBytes: number;
  readonly readsWaiting: number;
  /** Heir of a transfer under way, else 0. */
  readonly transferee: NodeId | 0;
  readonly quiet: boolean;
  /** Only on the leader, in order of node id, itself included. */
  readonly peers: readonly PeerStatus[];
}

export function statusOf(core: RaftCore): RaftStatus {
  const { log, membership } = core;
  return {
    id: core.settings.id,
    role: core.role,
    term: core.term,
    vote: core.vote,
    leader: core.leader,
    first: log.first,
    last: log.last,
    lastTerm: log.lastTerm,
    stable: log.stable,
    commit: log.commit,
    applied: log.applied,
    conf: membership.conf,
    uncommittedBytes: core.uncommitted.bytes,
    readsWaiting: core.reads.size,
    transferee: core.transferee,
    quiet: core.quiet,
    peers: core.role === 'leader' ? membership.peers.map((peer) => peerStatusOf(core, peer.id)) : [],
  };
}

function peerStatusOf(core: RaftCore, id: NodeId): PeerStatus {
  const peer = core.membership.get(id)!;
  return {
    id,
    learner: peer.learner,
    state: peer.state,
    match: peer.match,
    next: peer.next,
    silentTicks: core.now - peer.heardAt,
    inflightMessages: peer.inflights.count,
    inflightBytes: peer.inflights.bytes,
  };
}
