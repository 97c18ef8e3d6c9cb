import type { Address, NodeId, RangeId } from '@holdfast/io';
import type { Replica } from '../range/replica.ts';

export type NodeState = 'opened' | 'serving' | 'draining' | 'stopped' | 'failed';

export interface RangeStatus {
  readonly id: RangeId;
  readonly role: string;
  readonly leader: NodeId | 0;
  readonly term: number;
  readonly commit: number;
  readonly applied: number;
  readonly last: number;
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
  return {
    id: replica.id,
    role: raft.role,
    leader: raft.leader,
    term: raft.term,
    commit: raft.commit,
    applied: replica.applied.index,
    last: raft.status().last,
  };
}
