import { type Address, type Clock, type KeyspaceId, type NodeId, type Revision, utf8 } from '@holdfast/io';
import {
  beginChange,
  cancelChange,
  Condition,
  decodeMembership,
  encodeMembership,
  HoldfastError,
  isChanging,
  type Membership,
  MEMBERSHIP_KEY,
  MEMBERSHIP_KEYSPACE,
  type MembershipChange,
  OpKind,
} from '@holdfast/wire';
import type { Operation, OpResult } from '../operation.ts';
import type { Transport } from '../transport.ts';
import { execute } from './promise-sink.ts';

/** A node as the cluster counts it. */
export interface ClusterMember {
  readonly id: NodeId;
  readonly address: Address;
  /** `joining`: gets its copies, then votes. `leaving`: loses its votes, then is gone for good. */
  readonly state: 'voter' | 'joining' | 'leaving';
}

const KEYSPACE = MEMBERSHIP_KEYSPACE as KeyspaceId;
const TYPE = utf8('application/json');
/** Others write the record too: the cluster itself notes there who it has met. */
const TRIES_MAX = 20;
const POLL_MS = 100;
const SETTLED_MS_DEFAULT = 60_000;
const asIs = (result: OpResult): OpResult => result;

/**
 * Who belongs to the cluster. A change is asked for and runs by itself from then on: new nodes get a copy of every
 * range and vote when they have caught up, nodes that leave are replaced in every range before they are gone. One
 * change at a time; asking for one that has been asked for already changes nothing.
 *
 * A new node is started with an empty directory, as one that joins, before or after it is added. Its id was never used
 * before. Only over `holdfast://`: the gateway does not offer this.
 */
export class Cluster {
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** The nodes, by id. */
  async members(): Promise<readonly ClusterMember[]> {
    const { membership } = await this.#read();
    return membership.nodes
      .map(({ id, address, state }) => ({ id, address, state }))
      .sort((a, b) => a.id - b.id);
  }

  /** @throws HoldfastError as {@link change}. */
  addNode(id: NodeId, address: Address): Promise<void> {
    return this.change({ add: [{ id, address }] });
  }

  /** @throws HoldfastError as {@link change}. */
  removeNode(id: NodeId): Promise<void> {
    return this.change({ remove: [id] });
  }

  /**
   * Begins a change; {@link settled} waits for its end. Nodes that come and go in one change are exchanged in one step.
   *
   * @throws HoldfastError `HF_CONFLICT` while another change runs, `HF_BAD_REQUEST` for one that makes no sense; with
   *   outcome `unknown` when nobody answered: asking again is safe.
   */
  change(change: MembershipChange): Promise<void> {
    return this.#update((membership) =>
      holds(membership, change) ? membership : beginChange(membership, change),
    );
  }

  /**
   * Takes back a change that is not over: who was to come goes, who was to go stays.
   * @throws HoldfastError `HF_BAD_REQUEST` when none is under way.
   */
  cancelChange(): Promise<void> {
    return this.#update(cancelChange);
  }

  /**
   * Resolves when no change is under way.
   * @throws HoldfastError `HF_TIMEOUT` when that takes longer than `patienceMs` (60 s): the change goes on.
   */
  async settled(patienceMs: number = SETTLED_MS_DEFAULT): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + patienceMs;
    for (;;) {
      const { membership } = await this.#read();
      if (!isChanging(membership)) return;
      if (this.#clock.monotonicMs() > deadlineMs) {
        const under = membership.nodes.filter(({ state }) => state !== 'voter');
        const detail = under.map(({ id, state }) => `node ${id} is ${state}`).join(', ');
        throw new HoldfastError('HF_TIMEOUT', { detail: `the change is not over: ${detail}` });
      }
      await new Promise<void>((resolve) => {
        this.#clock.schedule(POLL_MS, resolve);
      });
    }
  }

  async #update(next: (membership: Membership) => Membership): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { membership, revision } = await this.#read();
      const wanted = next(membership);
      if (wanted === membership) return;
      try {
        await this.#execute({
          kind: OpKind.put,
          keyspace: KEYSPACE,
          key: MEMBERSHIP_KEY,
          value: encodeMembership(wanted),
          contentType: TYPE,
          condition: Condition.revisionEquals,
          revision,
        });
        return;
      } catch (error) {
        const lost = error instanceof HoldfastError && error.code === 'HF_PRECONDITION_FAILED';
        if (!lost || tries === TRIES_MAX) throw error;
      }
    }
  }

  async #read(): Promise<{ readonly membership: Membership; readonly revision: Revision }> {
    const { found, value, revision } = await this.#execute({
      kind: OpKind.get,
      keyspace: KEYSPACE,
      key: MEMBERSHIP_KEY,
    });
    if (!found)
      throw new HoldfastError('HF_UNSUPPORTED', { detail: 'the cluster keeps no record of its members' });
    return { membership: decodeMembership(value), revision };
  }

  #execute(operation: Operation): Promise<OpResult> {
    return execute(this.#transport, operation, asIs, undefined);
  }
}

/** Whether everything that the change asks for has been asked for, or done, already. */
function holds({ nodes, removed }: Membership, { add = [], remove = [] }: MembershipChange): boolean {
  const comes = add.every(({ id, address }) =>
    nodes.some((node) => node.id === id && node.address === address && node.state !== 'leaving'),
  );
  const goes = remove.every(
    (id) => removed.includes(id) || nodes.some((node) => node.id === id && node.state === 'leaving'),
  );
  return comes && goes && add.length + remove.length > 0;
}
