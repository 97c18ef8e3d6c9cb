import { asError, type Disk, type NodeId, type RangeId } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import type { ErrorCode, Hello } from '@holdfast/wire';
import { META_RANGE } from '../node/bootstrap.ts';
import { type DirectoryIdentity, ExpelledError, markRemoved } from '../node/identity.ts';
import type { NodeObserver } from '../node/observer.ts';
import type { PeerLinkHost } from '../node/peer-link.ts';
import { Peers } from '../node/peers.ts';
import { appliedMarkOf, decodeAppliedMark } from '../range/applied-mark.ts';
import type { Replica } from '../range/replica.ts';
import { Admission, type HelloRefusal } from './admission.ts';
import { Reconciler } from './reconciler.ts';
import type { Roster } from './roster.ts';

export interface ClusterHost extends PeerLinkHost {
  readonly disk: Disk;
  readonly tree: Tree;
  wake(replica: Replica): void;
  /** Nodes have come or gone: sessions with those that are not admitted end. */
  admissionChanged(admits: (node: NodeId) => boolean): void;
  /** A member says that this node was taken out: clients are served no more. */
  expelled(): void;
}

/**
 * The cluster as this node takes part in it: whom it knows, whom it speaks with, what it does to bring the ranges
 * that it leads to the wanted members, and what it does when others say that it is none itself.
 */
export class Cluster {
  readonly peers: Peers;
  readonly roster: Roster;
  readonly #host: ClusterHost;
  readonly #identity: DirectoryIdentity;
  readonly #directory: string;
  readonly #replicas: ReadonlyMap<RangeId, Replica>;
  readonly #observer: NodeObserver;
  readonly #admission: Admission;
  readonly #reconciler: Reconciler;
  /** Who says that this node was taken out. */
  readonly #expelledBy = new Set<NodeId>();
  /** Counts the changes of configurations that the links follow. */
  #generation = 0;

  constructor(
    host: ClusterHost,
    parts: {
      readonly roster: Roster;
      readonly identity: DirectoryIdentity;
      readonly directory: string;
      readonly replicas: ReadonlyMap<RangeId, Replica>;
      readonly electionTicks: number;
      readonly observer: NodeObserver;
    },
  ) {
    const { roster, identity, replicas, electionTicks } = parts;
    this.#host = host;
    this.roster = roster;
    this.#identity = identity;
    this.#directory = parts.directory;
    this.#replicas = replicas;
    this.#observer = parts.observer;
    this.#admission = new Admission(roster, replicas, identity.nodeId, identity.storage);
    this.peers = new Peers(host, roster.members);
    this.#reconciler = new Reconciler({
      electionTicks,
      replicas,
      roster,
      storageOf: (node) => this.#admission.storageOf(node),
      isConfDurable: ({ id, confIndex }) => {
        const durable = host.tree.durableMark(appliedMarkOf(id));
        return confIndex === 0 || (durable !== undefined && decodeAppliedMark(durable).index >= confIndex);
      },
      flush: () => this.#flush(),
      wake: (replica) => host.wake(replica),
    });
  }

  tick(): void {
    for (const link of this.peers.links.values()) link.tick();
    const meta = this.#replicas.get(META_RANGE);
    if (meta !== undefined) {
      this.roster
        .refresh(meta.applied.index, () => this.#changed())
        .catch((error: unknown) => {
          this.#host.fail(asError(error));
        });
    }
    let generation = 0;
    for (const { descriptor } of this.#replicas.values()) generation += descriptor.generation;
    // A node that the record has dropped is needed until the last configuration here has dropped it too.
    if (generation !== this.#generation) this.#follow();
    this.#generation = generation;
    this.#reconciler.tick();
  }

  /** Why the node that says hello is not spoken with; undefined when it is. */
  helloRefusal(hello: Hello & { readonly nodeId: NodeId }): HelloRefusal | undefined {
    if (this.roster.introduce(hello.nodeId, hello.address, hello.membership ?? 0)) this.#follow();
    return this.#admission.refusalOf(hello);
  }

  /**
   * A peer does not speak with this node. One word is enough to serve nobody any more: it rests on a committed record.
   * To vote no more takes a majority: until then the removal may not be known to enough others to go on without.
   */
  refused(peer: NodeId, code: ErrorCode, detail: string): void {
    this.#observer.refusedBy?.(peer, code, detail);
    if (code === 'HF_NODE_DISK_LOST') {
      this.#host.fail(
        new ExpelledError(code, `${detail}: take it out of the cluster and add a node with a new id`),
      );
    }
    if (code !== 'HF_NODE_REMOVED') return;
    this.#expelledBy.add(peer);
    this.#host.expelled();
    const others = this.roster.members.filter(
      ({ id }) => id !== this.#identity.nodeId && this.roster.record(id)?.state !== 'leaving',
    );
    const agreeing = others.filter(({ id }) => this.#expelledBy.has(id)).length;
    if (agreeing * 2 <= others.length) return;
    const gone = (): void =>
      this.#host.fail(new ExpelledError(code, `node ${this.#identity.nodeId} was taken out of the cluster`));
    markRemoved(this.#host.disk, this.#directory, this.#identity).then(gone, gone);
  }

  #changed(): void {
    const { membership, revision } = this.roster;
    if (membership !== undefined) this.#observer.membership?.(membership, revision);
    // Durable in the tree, not only in the log: a node that starts knows what it has applied, and the log is applied when
    // there is a leader. By then it may have taken the vote of a node whose disk was replaced meanwhile, and which has
    // forgotten what it had promised.
    this.#flush();
    this.#follow();
  }

  /** A broken tree tells by its own event. What met a full disk is tried again (`FlushRetry`). */
  #flush(): void {
    this.#host.tree.flush().catch(() => undefined);
  }

  #follow(): void {
    const admits = (node: NodeId): boolean => this.#admission.admits(node);
    this.peers.follow(this.roster.members, admits);
    this.#host.admissionChanged(admits);
  }
}
