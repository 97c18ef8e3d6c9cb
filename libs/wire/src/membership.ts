import { type Address, decodeUtf8, type NodeId, nodeId, type RangeId, rangeId, utf8 } from '@holdfast/io';
import { HoldfastError } from './holdfast-error.ts';
import { ADDRESS_BYTES_MAX, REPLICAS_MAX } from './limits.ts';

/**
 * Who belongs to a cluster: one record, in the `meta` range, under {@link MEMBERSHIP_KEY} of the keyspace with the
 * id {@link MEMBERSHIP_KEYSPACE}. It says what is wanted. Whoever changes it writes it back under the condition that
 * nobody else has; the leaders of the ranges then move their replicas to where it says, and the leader of `meta`
 * closes the change when all of them are there.
 *
 * JSON, because people read it in dumps and it changes rarely.
 */
export interface Membership {
  readonly nodes: readonly MemberRecord[];
  /** Ids that were members once: never taken again, because others may remember what they promised. */
  readonly removed: readonly NodeId[];
  /** Every range of the cluster: a change is over when it is over in each. */
  readonly ranges: readonly RangeId[];
}

export interface MemberRecord {
  readonly id: NodeId;
  readonly address: Address;
  /**
   * - `voter`: votes in every range.
   * - `joining`: gets a copy of every range, then votes.
   * - `leaving`: loses its vote in every range, then leaves the record.
   */
  readonly state: 'voter' | 'joining' | 'leaving';
  /** Which data directory speaks for this id; 0 until it has been heard. Another one is refused. */
  readonly storage: number;
}

export const MEMBERSHIP_KEYSPACE = 0;
export const MEMBERSHIP_KEY: Uint8Array = utf8('cluster/membership');
/** Ids in `removed`. A cluster that has replaced this many nodes takes no further change. */
export const REMOVED_NODES_MAX = 100_000;

/** What an operator asks for: nodes that come and nodes that go, in one step. */
export interface MembershipChange {
  readonly add?: readonly { readonly id: NodeId; readonly address: Address }[];
  readonly remove?: readonly NodeId[];
}

export function encodeMembership(membership: Membership): Uint8Array {
  return utf8(JSON.stringify(membership));
}

/** @throws HoldfastError `HF_CORRUPTION` when the bytes are not a membership. */
export function decodeMembership(bytes: Uint8Array): Membership {
  try {
    const json = JSON.parse(decodeUtf8(bytes) ?? '') as Membership;
    return {
      nodes: json.nodes.map(({ id, address, state, storage }) => ({
        id: nodeId(id),
        address,
        state,
        storage,
      })),
      removed: json.removed.map(nodeId),
      ranges: json.ranges.map(rangeId),
    };
  } catch (cause) {
    throw new HoldfastError('HF_CORRUPTION', {
      detail: 'the membership of the cluster is not readable',
      cause,
    });
  }
}

/** Whether a change has begun and is not over. */
export function isChanging(membership: Membership): boolean {
  return membership.nodes.some(({ state }) => state !== 'voter');
}

/** Who is to vote in every range in the end. */
export function wantedVoters({ nodes }: Membership): readonly NodeId[] {
  return nodes.flatMap(({ id, state }) => (state === 'leaving' ? [] : [id])).sort((a, b) => a - b);
}

/**
 * The record with which a change begins.
 *
 * @throws HoldfastError `HF_CONFLICT` while another change runs; `HF_BAD_REQUEST` for a change that makes no sense:
 *   an id or address that is taken, an id that was removed before, a stranger to remove, nobody left.
 */
export function beginChange(membership: Membership, change: MembershipChange): Membership {
  const { add = [], remove = [] } = change;
  if (isChanging(membership)) {
    throw new HoldfastError('HF_CONFLICT', { detail: 'another change of the membership is not over' });
  }
  if (add.length + remove.length === 0) throw bad('the change names no node');
  const known = new Map(membership.nodes.map((node) => [node.id, node]));
  const addresses = new Set(membership.nodes.map(({ address }) => address));
  for (const { id, address } of add) {
    if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) throw bad(`${id} is no id of a node`);
    if (utf8(address).length > ADDRESS_BYTES_MAX || !/^\S+:\d{1,5}$/.test(address)) {
      throw bad(`${address} is not host:port`);
    }
    if (membership.removed.includes(id)) throw bad(`node ${id} was removed: an id is never used again`);
    if (known.has(id)) throw bad(`node ${id} is a member`);
    if (addresses.has(address)) throw bad(`${address} belongs to another member`);
    known.set(id, { id, address, state: 'joining', storage: 0 });
    addresses.add(address);
  }
  for (const id of remove) {
    const node = known.get(id);
    if (node?.state !== 'voter') throw bad(`node ${id} is not a member`);
    known.set(id, { ...node, state: 'leaving' });
  }
  const nodes = [...known.values()];
  if (nodes.length > REPLICAS_MAX) throw bad(`a cluster has at most ${REPLICAS_MAX} nodes`);
  if (membership.removed.length + remove.length > REMOVED_NODES_MAX)
    throw bad('too many nodes were removed before');
  if (!nodes.some(({ state }) => state !== 'leaving')) throw bad('nobody would be left');
  return { ...membership, nodes };
}

/** Takes a change back that has begun: who was to come goes, who was to go stays. */
export function cancelChange(membership: Membership): Membership {
  if (!isChanging(membership)) throw bad('no change of the membership is under way');
  const nodes = membership.nodes.map((node): MemberRecord => {
    if (node.state === 'joining') return { ...node, state: 'leaving' };
    // Who was never heard of has nothing to stay with.
    return node.state === 'leaving' && node.storage !== 0 ? { ...node, state: 'voter' } : node;
  });
  return { ...membership, nodes };
}

/** The record after a change: who came is a voter, who went is gone for good. */
export function finishChange(membership: Membership): Membership {
  const gone = membership.nodes.flatMap(({ id, state }) => (state === 'leaving' ? [id] : []));
  return {
    ...membership,
    nodes: membership.nodes
      .filter(({ state }) => state !== 'leaving')
      .map((node) => ({ ...node, state: 'voter' as const })),
    removed: [...membership.removed, ...gone].sort((a, b) => a - b),
  };
}

function bad(detail: string): HoldfastError {
  return new HoldfastError('HF_BAD_REQUEST', { detail });
}
