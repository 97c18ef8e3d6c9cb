import { type Address, type NodeId, utf8 } from '@holdfast/io';
import { CorruptionError, type Tree } from '@holdfast/lsm';
import {
  decodeMembership,
  encodeMembership,
  type Membership,
  MEMBERSHIP_KEY,
  MEMBERSHIP_KEYSPACE,
  type MemberRecord,
} from '@holdfast/wire';
import { encodeStoredValue, readStoredValue } from '../range/stored-value.ts';
import { dataKey } from '../tree-keys.ts';

/** A node of the cluster and where it is reached. */
export interface Member {
  readonly id: NodeId;
  readonly address: Address;
}

const TREE_KEY = dataKey(MEMBERSHIP_KEYSPACE, MEMBERSHIP_KEY);
export const MEMBERSHIP_TYPE: Uint8Array = utf8('application/json');

/** The record as the tree holds it. */
export function storedMembership(membership: Membership): Uint8Array {
  return encodeStoredValue(MEMBERSHIP_TYPE, encodeMembership(membership), 0);
}

export function membershipTreeKey(): Uint8Array {
  return TREE_KEY;
}

/** Members of later records that are kept: each is a link. */
const AHEAD_MAX = 16;

/**
 * Who belongs to the cluster, as far as this node has heard: the record that its replica of `meta` has applied.
 * Before there is one, those that the configuration names, and nodes that have introduced themselves.
 */
export class Roster {
  readonly #tree: Tree;
  readonly #contacts: Map<NodeId, Address>;
  #membership: Membership | undefined;
  #records: ReadonlyMap<NodeId, MemberRecord> = new Map();
  #removed: ReadonlySet<NodeId> = new Set();
  #revision = 0;
  /**
   * Nodes that go by a later record than this node. While it was away, others may have taken the place of all that its
   * own record names: if it did not listen to them, it would never hear of them.
   */
  readonly #ahead = new Map<NodeId, Address>();
  /** Applied index of `meta` at which the record was read last. */
  #readAt = -1;
  #reading = false;

  constructor(tree: Tree, contacts: readonly Member[]) {
    this.#tree = tree;
    this.#contacts = new Map(contacts.map(({ id, address }) => [id, address]));
  }

  /** Undefined until this node holds `meta`. */
  get membership(): Membership | undefined {
    return this.#membership;
  }

  /** Of the record; the condition of whoever replaces it. Also counts its changes. */
  get revision(): number {
    return this.#revision;
  }

  get members(): readonly Member[] {
    const known = this.#membership?.nodes ?? Array.from(this.#contacts, ([id, address]) => ({ id, address }));
    return [...known, ...Array.from(this.#ahead, ([id, address]) => ({ id, address }))];
  }

  record(node: NodeId): MemberRecord | undefined {
    return this.#records.get(node);
  }

  /** Whether the node may be spoken with. */
  knows(node: NodeId): boolean {
    if (this.#ahead.has(node)) return true;
    return this.#membership === undefined ? this.#contacts.has(node) : this.#records.has(node);
  }

  /** The node was taken out, and every range of this node's knowledge agreed when that was written. */
  wasRemoved(node: NodeId): boolean {
    return this.#removed.has(node);
  }

  /**
   * A node of the cluster has introduced itself. True when that is news that this node acts on.
   * @param revision of the record that it goes by; 0 for none
   */
  introduce(node: NodeId, address: Address, revision: number): boolean {
    if (address === '') return false;
    if (this.#membership === undefined) return isNews(this.#contacts, node, address);
    if (revision <= this.#revision || this.#records.has(node) || this.#removed.has(node)) return false;
    if (this.#ahead.size >= AHEAD_MAX && !this.#ahead.has(node)) return false;
    return isNews(this.#ahead, node, address);
  }

  /**
   * Reads the record when `meta` has applied something since; `changed` is called when there is a new one.
   * @throws HoldfastError `HF_CORRUPTION` when the record is not readable.
   */
  async refresh(metaApplied: number, changed: () => void): Promise<void> {
    if (this.#reading || metaApplied === this.#readAt) return;
    this.#reading = true;
    try {
      const version = await this.#tree.get(TREE_KEY);
      this.#readAt = metaApplied;
      if (version === undefined || version.revision === this.#revision) return;
      this.#membership = decodeMembership(readStoredValue(version.value).value);
      this.#revision = version.revision;
      this.#records = new Map(this.#membership.nodes.map((node) => [node.id, node]));
      this.#removed = new Set(this.#membership.removed);
      // Who is still ahead of this record says so when it comes again.
      this.#ahead.clear();
      changed();
    } catch (error) {
      // Another replica of `meta` has the record, and this one will: until then the node goes by what it knows.
      if (!(error instanceof CorruptionError) || this.#contacts.size < 2) throw error;
    } finally {
      this.#reading = false;
    }
  }
}

function isNews(known: Map<NodeId, Address>, node: NodeId, address: Address): boolean {
  if (known.get(node) === address) return false;
  known.set(node, address);
  return true;
}
