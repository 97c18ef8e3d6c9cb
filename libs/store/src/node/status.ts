import type { Address, NodeId, RangeId } from '@holdfast/io';
import type { Replica } from '../range/replica.ts';

/** `expelled`: others say that the node was taken out of the cluster; it serves nobody and only votes. */
export type NodeState = 'opened' | 'serving' | 'draining' | 'expelled' | 'stopped' | 'failed';

export interface RangeStatus {
  readonly id: RangeId;
  readonly role: string;
  readonly leader: NodeId | 0;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly last: number;
  readonly lastTerm: number;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export interface NodeStatus {
  readonly id: NodeId;
  readonly address: Address;
  readonly state: NodeState;
  /** Every range has a leader that this node knows: strong operations have somewhere to go. */
  readonly ready: boolean;
  readonly ranges: readonly RangeStatus[];
  /** Peers to which a connection stands. */
  readonly connected: readonly NodeId[];
  readonly requestsInFlight: number;
  /** Watches that this node serves. */
  readonly watches: number;
  readonly revision: number;
}

/** A picture of one replica for observers. Allocates; not for every request. */
export function rangeStatus(replica: Replica): RangeStatus {
  const { raft } = replica;
  const { last, lastTerm } = raft.status();
  return {
    id: replica.id,
    role: raft.role,
    leader: raft.leader,
    term: raft.term,
    commit: raft.commit,
    applied: replica.applied.index,
    last,
    lastTerm,
    voters: replica.descriptor.conf.voters,
    learners: replica.descriptor.conf.learners,
  };
}
