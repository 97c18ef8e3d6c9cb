import type { NodeId, RangeId } from '@holdfast/io';
import type { ErrorCode, Hello } from '@holdfast/wire';
import type { Replica } from '../range/replica.ts';
import type { Roster } from './roster.ts';

/** Why a node is not spoken with. */
export interface HelloRefusal {
  readonly code: ErrorCode;
  readonly detail: string;
}

/**
 * Decides which nodes may speak with this one. A node that the record has dropped is still heard as long as a replica
 * here has it in its configuration: until a quorum knows of the removal, its vote may be needed. One that the record does
 * not have yet is heard when it goes by a later record (`Roster.introduce`).
 */
export class Admission {
  readonly #roster: Roster;
  readonly #replicas: ReadonlyMap<RangeId, Replica>;
  /** The first data directory that has spoken for each node, in the life of this process. */
  readonly #storages = new Map<NodeId, number>();

  constructor(roster: Roster, replicas: ReadonlyMap<RangeId, Replica>, self: NodeId, storage: number) {
    this.#roster = roster;
    this.#replicas = replicas;
    this.#storages.set(self, storage);
  }

  /** 0 when the node was not heard yet. */
  storageOf(node: NodeId): number {
    return this.#storages.get(node) ?? 0;
  }

  /** Whether a link to the node is of use. */
  admits(node: NodeId): boolean {
    if (this.#roster.knows(node)) return true;
    for (const { descriptor } of this.#replicas.values()) {
      const { voters, votersOutgoing, learners } = descriptor.conf;
      if (voters.includes(node) || votersOutgoing.includes(node) || learners.includes(node)) return true;
    }
    return false;
  }

  /** Undefined when the node may speak; what it says of itself is remembered then. */
  refusalOf({ nodeId, storage }: Hello & { readonly nodeId: NodeId }): HelloRefusal | undefined {
    if (!this.admits(nodeId)) {
      return this.#roster.wasRemoved(nodeId)
        ? { code: 'HF_NODE_REMOVED', detail: `node ${nodeId} was taken out of the cluster` }
        : { code: 'HF_WRONG_NODE', detail: `node ${nodeId} is not a member` };
    }
    const recorded = this.#roster.record(nodeId)?.storage ?? 0;
    const known = recorded === 0 ? this.storageOf(nodeId) : recorded;
    if (known !== 0 && storage !== known) {
      return { code: 'HF_NODE_DISK_LOST', detail: `node ${nodeId} is known with another data directory` };
    }
    this.#storages.set(nodeId, storage);
    return undefined;
  }
}
