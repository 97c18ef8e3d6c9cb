import type { NodeId, RangeId } from '@holdfast/io';
import {
  changeConfiguration,
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryKind,
  type HardState,
  isJoint,
  type Message,
  MessageKind,
  type Ready,
  type Role,
  type SnapshotMeta,
} from '@holdfast/raft';
import { checksum } from '../world/host-kernels.ts';
import { ChainedLog, ReplicaRecord } from './replica-record.ts';
import { type Coverage, type Report, Violation } from './violation.ts';

/** What a node tells while it runs. The observer of `store` has this shape; so has any toy node of a spec. */
export interface RaftObserver {
  role(group: RangeId, role: Role, term: number, leader: NodeId | 0): void;
  ready(group: RangeId, ready: Ready): void;
  persisted(group: RangeId, ready: Ready): void;
  sent(message: Message): void;
  applied(group: RangeId, entry: Entry): void;
  /** What the entry at `index` does to the state. Nothing is told by nodes without one. */
  wrote(group: RangeId, index: number, records: Uint8Array): void;
  /** The state machine stands at a snapshot: a newer one, or the repair of what it had. Raft may not hear of it. */
  installed(group: RangeId, snapshot: Pick<SnapshotMeta, 'index'>): void;
  recovered(group: RangeId, state: RecoveredState): void;
}

export interface RecoveredState {
  readonly hardState: HardState;
  readonly applied: number;
  readonly last: number;
}

/** What all replicas of one group agree on. */
interface GroupRecord {
  readonly id: RangeId;
  readonly replicas: Map<NodeId, ReplicaRecord>;
  /** Replicas whose disk is gone: what they have answered for still counts, and nobody may need it. */
  readonly lost: Map<NodeId, ReplicaRecord>;
  readonly leaders: Map<number, NodeId>;
  /** Chain value of each (term, index) ever seen, by `term * 2^32 + index`. */
  readonly chains: Map<number, number>;
  readonly committed: ChainedLog;
  /** The term of the node that was first to know each index committed; never below the term that did it. */
  readonly committedIn: number[];
  /** The configurations that committed entries made, in order; the first is valid from index 0. */
  readonly confs: { readonly index: number; readonly conf: ConfState }[];
  /** Digest of what the entry at each index does to the state, as the first replica did it. */
  readonly effects: Map<number, number>;
}

/**
 * The invariants of Raft (paper, figure 3, and RELIABILITY.md), checked at every event that could break one.
 * Follows each replica across its restarts, so it also sees what a disk lost.
 */
export class RaftInvariants {
  readonly #report: Report;
  readonly #coverage: Coverage;
  readonly #conf: ConfState;
  readonly #groups = new Map<RangeId, GroupRecord>();

  /** @param conf of every group at its beginning */
  constructor(report: Report, coverage: Coverage, conf: ConfState) {
    this.#report = report;
    this.#coverage = coverage;
    this.#conf = conf;
  }

  /** The highest index known to be committed in any group: how much work was done. */
  get committedEntries(): number {
    let total = 0;
    for (const group of this.#groups.values()) total += group.committed.last;
    return total;
  }

  /** The node that leads `group` in its highest term so far, if it is alive and knows it. */
  leader(group: RangeId): NodeId | undefined {
    const record = this.#groups.get(group);
    if (record === undefined) return undefined;
    let best: ReplicaRecord | undefined;
    for (const replica of record.replicas.values()) {
      if (replica.alive && replica.role === 'leader' && replica.term >= (best?.term ?? 0)) best = replica;
    }
    return best?.node;
  }

  /** The observer of one node. The same for all its lives. */
  of(node: NodeId): RaftObserver {
    const replica = (group: RangeId): readonly [GroupRecord, ReplicaRecord] => this.#replica(group, node);
    return {
      role: (group, role, term) => this.#onRole(...replica(group), role, term),
      ready: (group, ready) => this.#onReady(...replica(group), ready),
      persisted: (group, ready) => this.#onPersisted(...replica(group), ready),
      sent: (message) => this.#onSent(...replica(message.group), message),
      applied: (group, entry) => this.#onApplied(...replica(group), entry),
      wrote: (group, index, records) => this.#onWrote(...replica(group), index, records),
      installed: (group, { index }) => this.#onInstalled(...replica(group), index),
      recovered: (group, state) => this.#onRecovered(...replica(group), state),
    };
  }

  /** The process of `node` died. */
  died(node: NodeId): void {
    for (const group of this.#groups.values()) {
      const replica = group.replicas.get(node);
      if (replica !== undefined) replica.alive = false;
    }
  }

  /** The disk of `node` is empty now, so its next life has promised nothing. */
  forget(node: NodeId): void {
    for (const { replicas, lost } of this.#groups.values()) {
      const replica = replicas.get(node);
      if (replica !== undefined) lost.set(node, replica);
      replicas.delete(node);
    }
  }

  #replica(id: RangeId, node: NodeId): readonly [GroupRecord, ReplicaRecord] {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = {
        id,
        replicas: new Map(),
        lost: new Map(),
        leaders: new Map(),
        chains: new Map(),
        committed: new ChainedLog(),
        committedIn: [0],
        confs: [{ index: 0, conf: this.#conf }],
        effects: new Map(),
      };
      this.#groups.set(id, group);
    }
    let replica = group.replicas.get(node);
    if (replica === undefined) {
      replica = new ReplicaRecord(node);
      group.replicas.set(node, replica);
    }
    return [group, replica];
  }

  #fail(group: GroupRecord, replica: ReplicaRecord, invariant: string, detail: string): void {
    this.#report(new Violation(invariant, `node ${replica.node}, group ${group.id}: ${detail}`));
  }

  #onRole(group: GroupRecord, replica: ReplicaRecord, role: Role, term: number): void {
    if (term > replica.term) replica.term = term;
    const before = replica.role;
    this.#changeRole(replica, role);
    if (role === 'leader' && before !== 'leader') this.#onElected(group, replica, term);
  }

  #changeRole(replica: ReplicaRecord, role: Role): void {
    if (role === replica.role) return;
    if (replica.role === 'leader') this.#coverage.hit('leader stepped down');
    if (role === 'pre-candidate') this.#coverage.hit('pre-vote started');
    if (role === 'candidate') this.#coverage.hit('election started');
    replica.role = role;
  }

  #onElected(group: GroupRecord, replica: ReplicaRecord, term: number): void {
    this.#coverage.hit('leader elected');
    const other = group.leaders.get(term);
    if (other !== undefined && other !== replica.node) {
      this.#fail(group, replica, 'one-leader-per-term', `leads term ${term}, as node ${other} did`);
    }
    group.leaders.set(term, replica.node);
    let index = group.committed.last;
    while (index > 0 && group.committedIn[index] >= term) index--;
    replica.narrow((log) => log.chain(index) === group.committed.chain(index));
    if (replica.log.chain(index) !== group.committed.chain(index)) {
      this.#fail(
        group,
        replica,
        'leader-completeness',
        `leads term ${term} without the committed entry ${index} of term ${group.committed.term(index)}`,
      );
    }
  }

  #onReady(group: GroupRecord, replica: ReplicaRecord, ready: Ready): void {
    const { softState, snapshot, hardState, entries, committed } = ready;
    replica.handOut(ready);
    // A leader that steps down may replace its log in the same Ready.
    if (softState !== undefined && softState.role !== 'leader') this.#changeRole(replica, softState.role);
    if (hardState !== undefined) this.#onHardState(group, replica, hardState);
    if (snapshot !== undefined) this.#onSnapshot(group, replica, snapshot);
    if (entries.length > 0) this.#onAppend(group, replica, entries);
    if (hardState !== undefined) this.#onCommit(group, replica, hardState.commit, undefined);
    for (const entry of committed) this.#onCommit(group, replica, entry.index, entry);
  }

  #onHardState(group: GroupRecord, replica: ReplicaRecord, { term, vote, commit }: HardState): void {
    const before = replica.handedOut;
    if (term < before.term) this.#fail(group, replica, 'term-monotonic', `term ${term} after ${before.term}`);
    if (term === before.term && before.vote !== 0 && vote !== before.vote) {
      this.#fail(
        group,
        replica,
        'one-vote-per-term',
        `votes for ${vote} in term ${term}, after ${before.vote}`,
      );
    }
    if (commit < replica.commit) {
      this.#fail(group, replica, 'commit-monotonic', `commit ${commit} after ${replica.commit}`);
    }
    replica.handedOut = { term, vote, commit };
    replica.term = Math.max(replica.term, term);
  }

  /** The log is replaced by everything that `snapshot` stands for, which others have committed. */
  #onSnapshot(group: GroupRecord, replica: ReplicaRecord, { index, term }: SnapshotMeta): void {
    this.#coverage.hit('snapshot installed');
    if (group.committed.term(index) !== term) {
      this.#fail(
        group,
        replica,
        'snapshot-is-committed',
        `installs entry ${index} of term ${term}, never committed`,
      );
    }
    if (index <= replica.commit) {
      this.#fail(
        group,
        replica,
        'snapshot-moves-forward',
        `installs ${index}, committed is ${replica.commit}`,
      );
    }
    replica.install(group.committed, index);
    replica.commit = Math.max(replica.commit, index);
  }

  #onAppend(group: GroupRecord, replica: ReplicaRecord, entries: readonly Entry[]): void {
    const first = entries[0].index;
    if (first <= replica.log.last) {
      this.#coverage.hit('log suffix replaced');
      if (replica.role === 'leader') {
        this.#fail(
          group,
          replica,
          'leader-append-only',
          `rewrites its log from ${first}, last is ${replica.log.last}`,
        );
      }
      if (first <= replica.commit) {
        this.#fail(
          group,
          replica,
          'committed-stays',
          `rewrites ${first}, but ${replica.commit} is committed`,
        );
      }
    }
    for (const entry of entries) {
      if (!replica.append(entry)) {
        this.#fail(
          group,
          replica,
          'log-without-gap',
          `appends ${entry.index} to a log that ends at ${replica.log.last}`,
        );
        return;
      }
      const name = entry.term * 2 ** 32 + entry.index;
      const known = group.chains.get(name);
      replica.narrow((log) => known === undefined || log.chain(entry.index) === known);
      const chain = replica.log.chain(entry.index) ?? 0;
      if (known === undefined) group.chains.set(name, chain);
      else if (known !== chain) {
        this.#fail(
          group,
          replica,
          'log-matching',
          `entry ${entry.index} of term ${entry.term} has another prefix`,
        );
      }
    }
  }

  /** Everything up to `index` is committed, as far as this replica knows. */
  #onCommit(group: GroupRecord, replica: ReplicaRecord, index: number, entry: Entry | undefined): void {
    if (index > replica.log.last) {
      this.#fail(
        group,
        replica,
        'commit-at-most-last',
        `commits ${index}, its log ends at ${replica.log.last}`,
      );
      return;
    }
    const known = Math.min(index, group.committed.last);
    replica.narrow((log) => log.chain(known) === group.committed.chain(known));
    if (replica.log.chain(known) !== group.committed.chain(known)) {
      this.#fail(
        group,
        replica,
        'committed-never-changes',
        `commits ${index} with another entry at or below ${known} (term ${replica.log.term(known)}, ` +
          `committed in term ${group.committed.term(known)})`,
      );
    }
    if (entry !== undefined && replica.log.term(index) !== entry.term) {
      this.#fail(group, replica, 'committed-is-in-log', `hands out entry ${index} that is not in its log`);
    }
    replica.commit = Math.max(replica.commit, index);
    if (index <= group.committed.last) return;
    if (replica.role === 'leader') this.#onLeaderCommit(group, replica, index);
    for (let i = group.committed.last + 1; i <= index; i++) group.committedIn[i] = replica.term;
    group.committed.adoptTail(replica.log, index);
  }

  /** A leader moved the commit index further than anybody before. */
  #onLeaderCommit(group: GroupRecord, replica: ReplicaRecord, index: number): void {
    if (replica.log.term(index) !== replica.term) {
      this.#fail(
        group,
        replica,
        'commit-own-term',
        `commits ${index} of term ${replica.log.term(index)} by counting, in term ${replica.term}`,
      );
    }
    const conf = confAt(group, replica.applied);
    for (const voters of [conf.voters, conf.votersOutgoing]) {
      const holds = (record: ReplicaRecord | undefined): boolean =>
        record?.synced.chain(index) === replica.log.chain(index);
      const copies = voters.filter(
        (voter) => holds(group.replicas.get(voter)) || holds(group.lost.get(voter)),
      );
      if (voters.length === 0 || copies.length * 2 > voters.length) continue;
      const detail = `commits ${index}, which only ${copies.join(', ') || 'nobody'} of ${voters.join(', ')} has synced`;
      this.#fail(group, replica, 'commit-needs-majority', detail);
    }
  }

  #onPersisted(group: GroupRecord, replica: ReplicaRecord, ready: Ready): void {
    if (!replica.sync(ready, group.committed)) {
      this.#fail(group, replica, 'persisted-in-order', 'a Ready that must be synced was passed over');
    }
  }

  #onSent(group: GroupRecord, replica: ReplicaRecord, message: Message): void {
    const { term, vote } = replica.hardState;
    switch (message.kind) {
      case MessageKind.voteResponse:
        if (message.reject) break;
        if (term < message.term || (term === message.term && vote !== message.to)) {
          const detail = `grants term ${message.term} to ${message.to}, on disk is term ${term} vote ${vote}`;
          this.#fail(group, replica, 'vote-synced-before-sent', detail);
        }
        break;
      case MessageKind.voteRequest:
        if (term < message.term || (term === message.term && vote !== replica.node)) {
          const detail = `asks for votes in term ${message.term}, on disk is term ${term} vote ${vote}`;
          this.#fail(group, replica, 'candidacy-synced-before-sent', detail);
        }
        break;
      case MessageKind.appendResponse:
        if (message.reject) break;
        if (term < message.term) {
          this.#fail(
            group,
            replica,
            'term-synced-before-sent',
            `answers in term ${message.term}, on disk is ${term}`,
          );
        }
        // In a newer term the entries may have been replaced before they were synced: as if just after.
        if (term === message.term && message.index > replica.synced.last) {
          const detail = `acknowledges ${message.index}, synced is ${replica.synced.last}`;
          this.#fail(group, replica, 'append-synced-before-sent', detail);
        }
        break;
      case MessageKind.snapshotRequest:
        if (message.snapshot !== undefined) {
          this.#replica(group.id, message.to)[1].offered.add(message.snapshot.index);
        }
        break;
      default:
    }
  }

  #onApplied(group: GroupRecord, replica: ReplicaRecord, entry: Entry): void {
    if (entry.index !== replica.applied + 1 && !replica.offered.has(entry.index - 1)) {
      this.#fail(group, replica, 'apply-in-order', `applies ${entry.index} after ${replica.applied}`);
    }
    if (entry.index > replica.commit) {
      this.#fail(
        group,
        replica,
        'applied-at-most-commit',
        `applies ${entry.index}, committed is ${replica.commit}`,
      );
    }
    if (group.committed.term(entry.index) !== entry.term) {
      this.#fail(
        group,
        replica,
        'state-machine-safety',
        `applies another entry ${entry.index} than was committed`,
      );
    }
    replica.applied = entry.index;
    if (entry.kind === EntryKind.confChange && entry.index > last(group.confs).index) {
      const next = changeConfiguration(last(group.confs).conf, decodeConfChange(entry.data));
      if (typeof next === 'string')
        this.#fail(group, replica, 'conf-change-valid', `applies a change that is ${next}`);
      else group.confs.push({ index: entry.index, conf: next });
      this.#coverage.hit(
        typeof next !== 'string' && isJoint(next) ? 'joint configuration entered' : 'configuration changed',
      );
    }
  }

  /** Equal steps from an equal beginning: at the same index, all replicas have the same state. */
  #onWrote(group: GroupRecord, replica: ReplicaRecord, index: number, records: Uint8Array): void {
    const digest = checksum(records);
    const known = group.effects.get(index);
    if (known === undefined) group.effects.set(index, digest);
    else if (known !== digest) {
      this.#fail(group, replica, 'same-state', `entry ${index} does something else here than elsewhere`);
    }
  }

  #onInstalled(group: GroupRecord, replica: ReplicaRecord, index: number): void {
    if (index > group.committed.last) {
      this.#fail(
        group,
        replica,
        'snapshot-is-committed',
        `its state is that of entry ${index}, committed is ${group.committed.last}`,
      );
    }
    replica.applied = Math.max(replica.applied, index);
  }

  #onRecovered(
    group: GroupRecord,
    replica: ReplicaRecord,
    { hardState, applied, last }: RecoveredState,
  ): void {
    const first = replica.recoverable()[0];
    this.#coverage.hit('replica recovered');
    // What the state machine had flushed counts too: it was committed, and the log may start behind it.
    const flushed = last === applied && applied > first.last && applied <= group.committed.last;
    if (!flushed && !replica.recoverable().some((state) => state.last === last)) {
      const detail = `finds a log that ends at ${last}, synced was ${first.last}`;
      this.#fail(group, replica, 'synced-log-survives', detail);
    }
    if (hardState.term < first.term) {
      this.#fail(
        group,
        replica,
        'synced-term-survives',
        `finds term ${hardState.term}, synced was ${first.term}`,
      );
    }
    if (hardState.term === first.term && first.vote !== 0 && hardState.vote !== first.vote) {
      const detail = `finds vote ${hardState.vote} in term ${first.term}, synced was ${first.vote}`;
      this.#fail(group, replica, 'synced-vote-survives', detail);
    }
    if (last > first.last) this.#coverage.hit('unsynced log survived a crash');
    if (applied > group.committed.last) {
      this.#fail(
        group,
        replica,
        'applied-at-most-commit',
        `finds ${applied} applied, committed is ${group.committed.last}`,
      );
    }
    replica.restart(hardState, last, applied, group.committed);
    replica.narrow((log) => log.chain(applied) === group.committed.chain(applied));
    if (replica.log.chain(applied) !== group.committed.chain(applied)) {
      const detail = `finds ${applied} applied, but holds another entry of term ${replica.log.term(applied)} there`;
      this.#fail(group, replica, 'log-holds-what-is-applied', detail);
    }
  }
}

function confAt(group: GroupRecord, index: number): ConfState {
  return (group.confs.findLast((made) => made.index <= index) ?? group.confs[0]).conf;
}

function last<T>(items: readonly T[]): T {
  return items[items.length - 1];
}
