import type { NodeId, RangeId } from '@holdfast/io';
import {
  finishChange,
  isChanging,
  type Membership,
  MEMBERSHIP_KEY,
  MEMBERSHIP_KEYSPACE,
  encodeMembership,
  wantedVoters,
} from '@holdfast/wire';
import { META_RANGE } from '../node/bootstrap.ts';
import { ConditionKind } from '../range/command.ts';
import { confChangeContext } from '../range/conf-revision.ts';
import type { WriteWaiter } from '../range/proposals.ts';
import type { Replica } from '../range/replica.ts';
import { confirmingChange, isSettled, nextConfChange } from './next-change.ts';
import { MEMBERSHIP_TYPE, type Roster } from './roster.ts';

/** Ticks between two looks: changes are rare, and a learner needs longer than this to catch up. */
const LOOK_TICKS = 4;

export interface ReconcilerHost {
  readonly electionTicks: number;
  readonly replicas: ReadonlyMap<RangeId, Replica>;
  readonly roster: Roster;
  /** The data directory that has spoken for a node, 0 when it was not heard yet. */
  storageOf(node: NodeId): number;
  /** Whether the configuration that this replica shows is still known here after a loss of power. */
  isConfDurable(replica: Replica): boolean;
  /** Makes what is applied here durable, some time. */
  flush(): void;
  wake(replica: Replica): void;
}

/**
 * Moves the ranges that this node leads to where the membership wants them, one Raft change at a time, and keeps the
 * record itself when this node leads `meta`. It holds no state of its own: after a change of leaders the next one
 * sees the same configurations, and goes on.
 *
 * What it knows of the record can be old: that of another range's leader as far as this node has applied `meta`, and
 * that of `meta` itself as far as it was read. So every change carries the revision of its record into the range, and
 * whoever knows only an older one leaves the range alone. A change of the members is over when each range has been moved,
 * or confirmed where it is, by its record: from then on nobody can bring back a node that was taken out.
 */
export class Reconciler {
  readonly #host: ReconcilerHost;
  #ticks = 0;
  /** The record that is being acted on, and for how many ticks. */
  #revision = 0;
  #age = 0;
  /** A new record has been proposed, and its fate is not known. */
  #proposing = false;

  constructor(host: ReconcilerHost) {
    this.#host = host;
  }

  tick(): void {
    const { replicas, roster } = this.#host;
    this.#age = roster.revision === this.#revision ? this.#age + 1 : 0;
    this.#revision = roster.revision;
    if (++this.#ticks < LOOK_TICKS) return;
    this.#ticks = 0;
    const { membership, revision } = roster;
    if (membership === undefined) return;
    const wanted = wantedVoters(membership);
    for (const replica of replicas.values()) {
      if (!replica.isLeader || replica.descriptor.confRevision > revision) continue;
      if (this.#hasFollowed(replica, membership, wanted)) continue;
      this.#move(replica, wanted, replica.id === META_RANGE ? this.#listening(membership, wanted) : []);
    }
    const meta = replicas.get(META_RANGE);
    if (meta?.isLeader !== true || this.#proposing) return;
    const next = this.#nextRecord(membership, wanted);
    if (next !== undefined) this.#propose(meta, next);
  }

  /**
   * Who leaves stays in `meta`, without a vote, until every other range has let it go: it may lead one of them, and
   * only members of `meta` hear what is wanted. One that had missed the last word would lead on by an older one.
   */
  #listening(membership: Membership, wanted: readonly NodeId[]): readonly NodeId[] {
    const { nodes, ranges } = membership;
    const others = ranges.filter((range) => range !== META_RANGE);
    if (this.#haveFollowed(others, membership, wanted)) return [];
    return nodes.flatMap(({ id, state }) => (state === 'leaving' ? [id] : []));
  }

  #move(replica: Replica, wanted: readonly NodeId[], listening: readonly NodeId[]): void {
    // A leader that sleeps hears nobody, and would take the dead for alive.
    replica.rouse();
    const { raft } = replica;
    const { electionTicks } = this.#host;
    const { peers } = raft.status();
    // Who died just before the change was asked for must have had the time to be missed.
    const heard = (node: NodeId): boolean =>
      node === raft.id ||
      (replica.leadTicks > electionTicks &&
        this.#age > electionTicks + LOOK_TICKS &&
        peers.some(({ id, silentTicks }) => id === node && silentTicks < electionTicks));
    const { conf } = replica.descriptor;
    const change = isSettled(conf, wanted)
      ? confirmingChange(conf)
      : nextConfChange(conf, wanted, heard, listening);
    if (change === undefined) return;
    const context = confChangeContext(this.#host.roster.revision);
    // A refusal says "not yet": another change, a learner that lags, no commit in this term. The next look asks again.
    if (raft.proposeConfChange({ ...change, context }).ok) this.#host.wake(replica);
  }

  #nextRecord(membership: Membership, wanted: readonly NodeId[]): Membership | undefined {
    if (isChanging(membership) && this.#haveFollowed(membership.ranges, membership, wanted)) {
      if (this.#allDurable(membership)) return finishChange(membership);
      this.#host.flush();
    }
    const nodes = membership.nodes.map((node) =>
      node.storage === 0 ? { ...node, storage: this.#host.storageOf(node.id) } : node,
    );
    const news = nodes.some(({ storage }, i) => storage !== membership.nodes[i].storage);
    return news ? { ...membership, nodes } : undefined;
  }

  /** Configurations only move by committed entries: what this node's own replicas show is true everywhere. */
  #haveFollowed(ranges: readonly RangeId[], membership: Membership, wanted: readonly NodeId[]): boolean {
    const { replicas } = this.#host;
    return ranges.every((range) => {
      const replica = replicas.get(range);
      return replica !== undefined && this.#hasFollowed(replica, membership, wanted);
    });
  }

  /** The range is where it is wanted and, while a change is under way, has it from the record that says so. */
  #hasFollowed({ descriptor }: Replica, membership: Membership, wanted: readonly NodeId[]): boolean {
    if (!isSettled(descriptor.conf, wanted)) return false;
    return !isChanging(membership) || descriptor.confRevision >= this.#host.roster.revision;
  }

  /**
   * Nodes that were taken out end for good when the change is closed. A replica counts a configuration from when it has
   * applied it, so if all lost power now and had forgotten that the change was committed, they would wait for votes
   * of nodes that are gone. One that remembers is enough: votes carry commit indexes.
   */
  #allDurable({ ranges }: Membership): boolean {
    return ranges.every((range) => this.#host.isConfDurable(this.#host.replicas.get(range)!));
  }

  #propose(meta: Replica, membership: Membership): void {
    this.#proposing = true;
    const done = (): void => {
      this.#proposing = false;
    };
    const waiter: WriteWaiter = { applied: done, settled: done, failed: done };
    meta
      .mutation(waiter, 0)
      .put(
        MEMBERSHIP_KEYSPACE,
        MEMBERSHIP_KEY,
        MEMBERSHIP_TYPE,
        encodeMembership(membership),
        0,
        ConditionKind.revisionEquals,
        this.#host.roster.revision,
      );
    this.#host.wake(meta);
  }
}
