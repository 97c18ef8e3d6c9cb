import { describe, expect, test } from 'vitest';
import { CALM, Chaos, type ChaosOptions } from '../testing/chaos.ts';
import { Cluster } from '../testing/cluster.ts';
import { Solo } from '../testing/solo.ts';
import { type ConfChange, type Message, MessageKind, type RaftCanary } from './index.ts';

/** Each planted bug is seen by a check that passes without it. `lease-over-clock-jump` stands in reads.spec.ts. */
type Run = (canary: RaftCanary | undefined) => boolean;

const withCanary = (canary: RaftCanary | undefined) => (canary === undefined ? {} : { canary });

/** Whether random schedules find something wrong. */
function chaosFinds(options: ChaosOptions, seeds: number): Run {
  return (canary) => {
    for (let seed = 0; seed < seeds; seed++) {
      try {
        new Chaos(seed, { ...options, config: { ...options.config, ...withCanary(canary) } }).run();
      } catch {
        return true;
      }
    }
    return false;
  };
}

function removal(cluster: Cluster, id: number): ConfChange {
  return {
    steps: [{ action: 'remove', node: cluster.at(id).id }],
    transition: 'auto',
    context: new Uint8Array(),
  };
}

const checks: Record<Exclude<RaftCanary, 'lease-over-clock-jump'>, Run> = {
  /** A power loss after the vote has left: the node votes for somebody else in the same term. */
  'vote-not-persisted': (canary) => {
    const solo = new Solo([1, 2, 3], withCanary(canary));
    const ask = (from: number) => {
      solo.raft.step({ ...voteRequest(solo), from: from as Message['from'] });
      solo.replica.take();
      return solo.outbox.splice(0).some(({ kind, reject }) => kind === MessageKind.voteResponse && !reject);
    };
    const first = ask(2);
    solo.replica.crash();
    solo.replica.restart();
    const second = ask(3);
    return first && second;
  },

  /** An entry of term 5 is acknowledged; after a crash the node obeys the leader of term 4. */
  'term-not-persisted': (canary) => {
    const solo = new Solo([1, 2, 3], withCanary(canary));
    solo.receive('heartbeatRequest', 2, { term: 5 });
    solo.replica.crash();
    solo.replica.restart();
    return solo.receive('appendRequest', 3, { term: 4 }).some(({ term }) => term < 5);
  },

  /** A leader that was cut off, and does not know it yet, serves a read. */
  'read-without-quorum': (canary) => {
    const cluster = new Cluster([1, 2, 3], withCanary(canary));
    cluster.elect(1);
    cluster.isolate(1);
    cluster.elect(2);
    cluster.at(1).raft.readIndex(1);
    cluster.settle();
    return cluster.served.length > 0;
  },

  /** The answer to a round before the read was asked confirms it. */
  'late-read-index': (canary) => {
    const solo = new Solo([1, 2, 3], withCanary(canary)).lead(2);
    solo.acknowledge(2);
    solo.raft.readIndex(1);
    const old = solo.settle().find(({ context }) => context > 0)!;
    solo.raft.readIndex(2);
    solo.settle();
    solo.receive('heartbeatResponse', 2, { context: old.context });
    return solo.served.some(({ token }) => token === 2);
  },

  /** Figure 8 (d): an entry of an older term commits by copies alone. */
  'old-term-commit': (canary) => {
    const solo = new Solo([1, 2, 3], withCanary(canary), { term: 3, terms: [1, 2] }).lead(2);
    solo.receive('appendResponse', 2, { index: 2 });
    return solo.status.commit === 2;
  },

  'conf-change-without-own-term-commit': chaosFinds(
    { ...CALM, steps: 2000, spares: 2, confChangeChance: 0.02, crashChance: 0.01 },
    5,
  ),

  /** One voter of three and two learners have the entry. */
  'learner-in-quorum': (canary) => {
    const solo = new Solo([1, 2, 3], withCanary(canary), { learners: [4, 5, 6, 7] }).lead(2, 3);
    solo.acknowledge(4, 5, 6, 7);
    return solo.status.commit > 0;
  },

  /** A candidate counts the vote of a node that its configuration no longer holds. */
  'removed-node-votes': (canary) => {
    const cluster = new Cluster([1, 2, 3, 4, 5], withCanary(canary));
    cluster.elect(1);
    for (const id of [5, 4]) {
      cluster.at(1).raft.proposeConfChange(removal(cluster, id));
      cluster.settle();
    }
    const { raft } = cluster.at(2);
    raft.leaderUnreachable(cluster.at(1).id);
    const base = raft.snapshotMessage(cluster.at(2).id, cluster.at(2).snapshot());
    const grant = { ...base, kind: MessageKind.preVoteResponse, from: cluster.at(4).id, snapshot: undefined };
    raft.step({ ...grant, term: raft.term + 1 });
    return raft.role === 'candidate';
  },
};

function voteRequest(solo: Solo): Message {
  const base = solo.raft.snapshotMessage(solo.replica.id, solo.replica.snapshot());
  return { ...base, kind: MessageKind.voteRequest, term: 7, index: 0, logTerm: 0, snapshot: undefined };
}

describe('planted bugs are seen', () => {
  for (const [name, run] of Object.entries(checks)) {
    test(name, () => {
      expect(run(undefined)).toBe(false);
      expect(run(name as RaftCanary)).toBe(true);
    });
  }
});
