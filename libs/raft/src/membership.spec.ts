import { nodeId } from '@holdfast/io';
import { describe, expect, test } from 'vitest';
import { Cluster } from '../testing/cluster.ts';
import { describeConf } from '../testing/describe.ts';
import { ids } from '../testing/memory-storage.ts';
import { Solo } from '../testing/solo.ts';
import {
  type ConfChange,
  type ConfChangeTransition,
  type ConfState,
  confStateOf,
  LEAVE_JOINT,
  MessageKind,
} from './index.ts';

function change(text: string, transition: ConfChangeTransition = 'auto'): ConfChange {
  const actions = { '+': 'add-voter', '~': 'add-learner', '-': 'remove' } as const;
  const steps = text
    .split(' ')
    .map((word) => ({ action: actions[word[0] as '+' | '~' | '-'], node: nodeId(Number(word.slice(1))) }));
  return { steps, transition, context: new Uint8Array() };
}

const confAt = (cluster: Cluster, id: number) => describeConf(cluster.at(id).raft.status().conf);

function apply(cluster: Cluster, text: string, transition: ConfChangeTransition = 'auto'): void {
  const result = cluster.leader!.raft.proposeConfChange(change(text, transition));
  if (!result.ok) throw new Error(result.reason);
  cluster.settle();
  cluster.tick(4);
}

describe('membership', () => {
  test('1 to 3 to 5 to 3: learners first, then voters; new members start from a snapshot', () => {
    const cluster = new Cluster([1]);
    for (const id of [2, 3, 4, 5]) cluster.add(id);
    cluster.elect(1);
    cluster.propose(1, 'a');
    apply(cluster, '~2 ~3');
    apply(cluster, '+2 +3');
    expect(confAt(cluster, 3)).toBe('(1 2 3)');
    apply(cluster, '~4 ~5');
    apply(cluster, '+4 +5');
    expect(confAt(cluster, 5)).toBe('(1 2 3 4 5)');
    cluster.propose(1, 'b');
    expect(cluster.at(5).raft.commit).toBe(cluster.at(1).raft.commit);
    apply(cluster, '-4 -5');
    expect(confAt(cluster, 2)).toBe('(1 2 3)');
  });

  test('a second change is refused while the first is under way', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    expect(solo.raft.proposeConfChange(change('~4'))).toMatchObject({
      ok: false,
      reason: 'term-not-committed',
    });
    solo.acknowledge(2);
    expect(solo.raft.proposeConfChange(change('~4'))).toMatchObject({ ok: true, index: 2 });
    expect(solo.raft.proposeConfChange(change('~5'))).toMatchObject({ ok: false, reason: 'pending' });
    solo.acknowledge(2);
    expect(solo.raft.proposeConfChange(change('~5'))).toMatchObject({ ok: true });
  });

  test('a new leader waits for the change that an older one may have left', () => {
    const solo = new Solo([1, 2, 3], {}, { terms: [1, 1] }).lead(2);
    solo.receive('appendResponse', 2, { index: 2 });
    expect(solo.raft.proposeConfChange(change('~4'))).toMatchObject({ reason: 'term-not-committed' });
    expect(new Solo([1, 2]).raft.proposeConfChange(change('~4'))).toMatchObject({
      reason: 'not-leader',
      leader: 0,
    });
  });

  test('a voter is a learner that has caught up', () => {
    const solo = new Solo([1, 2, 3], { promotionLagEntriesMax: 2 }, { learners: [4] }).lead(2);
    solo.acknowledge(2);
    const promote = () => {
      const result = solo.raft.proposeConfChange(change('+4'));
      return result.ok ? 'ok' : result.reason;
    };
    expect(promote()).toBe('learner-behind');
    expect(solo.raft.proposeConfChange(change('+9'))).toMatchObject({ reason: 'learner-behind' });
    solo.receive('appendResponse', 4, { index: 1 });
    solo.propose('a', 'b', 'c');
    expect(promote()).toBe('learner-behind');
    solo.receive('appendResponse', 4, { index: 2 });
    for (let i = 0; i < 10; i++) {
      solo.tick();
      solo.receive('heartbeatResponse', 2);
    }
    expect(promote()).toBe('learner-behind');
    solo.receive('heartbeatResponse', 4);
    expect(promote()).toBe('ok');
  });

  test('a learner that is down does not hold anything up', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.at(1).raft.proposeConfChange(change('~4'));
    cluster.settle();
    cluster.at(2).crash();
    cluster.propose(1, 'a');
    expect(cluster.at(3).raft.commit).toBe(3);
  });

  test('a learner never campaigns, but votes when it is asked', () => {
    const solo = new Solo([2, 3], {}, { learners: [1] });
    solo.tick(100);
    expect(solo.status.role).toBe('follower');
    expect(solo.raft.campaign()).toBe(false);
    expect(solo.receive('voteRequest', 2, { term: 1 })[0]).toMatchObject({ reject: false });
  });

  test('a joint configuration that stays needs both halves, until it is left', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    apply(cluster, '-2', 'joint-stay');
    expect(confAt(cluster, 1)).toBe('(1 3) && (1 2 3)');
    expect(cluster.at(1).raft.proposeConfChange(change('-3'))).toMatchObject({ reason: 'joint' });
    cluster.at(3).crash();
    cluster.propose(1, 'needs 1 and 3');
    expect(cluster.at(1).raft.commit).toBe(2);
    cluster.at(3).restart();
    cluster.tick(4);
    expect(cluster.at(1).raft.commit).toBe(3);
    expect(cluster.at(1).raft.proposeConfChange(LEAVE_JOINT)).toMatchObject({ ok: true });
    cluster.settle();
    expect(confAt(cluster, 1)).toBe('(1 3)');
  });

  test('a leader that dies in a joint configuration is replaced, and its heir leaves it', () => {
    const cluster = new Cluster([1, 2, 3, 4]);
    cluster.elect(1);
    cluster.passes = ({ kind, entries }) =>
      kind !== MessageKind.appendRequest || entries.every(({ index }) => index < 3);
    cluster.at(1).raft.proposeConfChange(change('-1 -2', 'joint'));
    cluster.settle();
    cluster.tick(3);
    expect(confAt(cluster, 3)).toBe('(3 4) && (1 2 3 4) leaves by itself');
    cluster.at(1).crash();
    cluster.heal();
    cluster.tick(60);
    expect(cluster.leader?.id).toBeGreaterThan(2);
    expect(confAt(cluster, 3)).toBe('(3 4)');
  });

  test('a removed leader leads until the others know, then hands over at once', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.at(1).raft.proposeConfChange(change('-1'));
    cluster.settle();
    expect(cluster.at(1).raft.role).toBe('follower');
    expect([2, 3]).toContain(cluster.leader?.id);
    expect(cluster.leader!.raft.proposeConfChange(change('-2')).ok).toBe(true);
  });

  test('the last one left learns from a vote that the other was removed', () => {
    const cluster = new Cluster([1, 2]);
    cluster.elect(1);
    // 2 gets the change that removes 1, but never hears that it is committed.
    cluster.passes = ({ to, commit }) => to !== 2 || commit < 2;
    cluster.at(1).raft.proposeConfChange(change('-1'));
    cluster.settle();
    cluster.propose(1, 'more than 2 has');
    cluster.tick(15);
    expect(cluster.at(1).raft.role).toBe('follower');
    cluster.heal();
    cluster.tick(45);
    expect(cluster.leader?.id).toBe(2);
    expect(confAt(cluster, 2)).toBe('(2)');
  });

  test('a removed node that keeps running disturbs nobody', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.passes = ({ to, commit }) => to !== 3 || commit < 2;
    cluster.at(1).raft.proposeConfChange(change('-3'));
    cluster.settle();
    cluster.heal();
    cluster.tick(100);
    expect(cluster.leader?.id).toBe(1);
    expect(cluster.leader?.raft.term).toBe(1);
  });

  test('nobody campaigns while it has not applied a committed change', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.at(1).raft.proposeConfChange(change('-1'));
    cluster.settle();
    const other = cluster.at(2);
    other.crash();
    other.restart();
    // Restarted at applied 0: everything is to be applied again, before anything else.
    expect(other.raft.commit).toBeGreaterThanOrEqual(2);
    expect(other.raft.campaign()).toBe(false);
    other.take();
    expect(other.raft.campaign()).toBe(true);
  });

  test('a round of reads that has its quorum by a removal is answered', () => {
    const solo = new Solo([1, 2, 3, 4]).lead(2, 3);
    solo.acknowledge(2, 3, 4);
    solo.raft.proposeConfChange(change('-4'));
    solo.settle();
    solo.raft.readIndex(7);
    const round = solo.settle().find(({ context }) => context > 0)!.context;
    solo.receive('heartbeatResponse', 2, { context: round });
    expect(solo.served).toEqual([]);
    solo.acknowledge(2, 3);
    expect(solo.served).toEqual([{ token: 7, index: 1 }]);
  });

  test('an heir that loses its vote is none: proposals are taken again', () => {
    for (const text of ['-3', '~3']) {
      const solo = new Solo([1, 2, 3]).lead(2);
      solo.acknowledge(2);
      solo.raft.proposeConfChange(change(text));
      solo.settle();
      expect(solo.raft.transferLeadership(nodeId(3))).toEqual({ ok: true, to: 3 });
      expect(solo.raft.propose([new Uint8Array(1)])).toMatchObject({ reason: 'transferring' });
      solo.acknowledge(2);
      expect(solo.status.transferee).toBe(0);
      expect(solo.raft.propose([new Uint8Array(1)]).ok).toBe(true);
    }
  });

  test('a new voter has the benefit of the doubt: nobody steps down because it was not heard yet', () => {
    const cluster = new Cluster([1, 2]);
    cluster.add(3);
    cluster.elect(1);
    cluster.tick(50);
    apply(cluster, '~3');
    apply(cluster, '+3');
    cluster.passes = ({ from }) => from !== 3;
    cluster.tick(50);
    expect([cluster.leader?.id, cluster.at(1).raft.term]).toEqual([1, 1]);
  });

  test('learners are no quorum: a leader that hears only them steps down', () => {
    const solo = new Solo([1, 2, 3], {}, { learners: [4, 5] }).lead(2);
    for (let i = 0; i < 10; i++) {
      for (const learner of [4, 5]) solo.receive('heartbeatResponse', learner);
      solo.tick();
    }
    expect(solo.raft.role).toBe('follower');
  });

  test('a snapshot brings its configuration: joint, or without a vote for who receives it', () => {
    const receive = (text: string, conf: ConfState): Solo => {
      const solo = new Solo([1, 2, 3], { preVote: false });
      solo.receive('snapshotRequest', 2, { term: 1, snapshot: { index: 9, term: 1, conf } });
      expect(describeConf(solo.status.conf)).toBe(text);
      solo.raft.leaderUnreachable(nodeId(2));
      solo.tick(20);
      return solo;
    };
    const joint = { ...confStateOf(ids(1, 4)), votersOutgoing: ids(1, 2, 3), autoLeave: true };
    const candidate = receive('(1 4) && (1 2 3) leaves by itself', joint);
    candidate.receive('voteResponse', 2);
    expect(candidate.raft.role).toBe('candidate');
    candidate.receive('voteResponse', 4);
    expect(candidate.raft.role).toBe('leader');
    const demoted = receive('(2 3) learners (1)', confStateOf(ids(2, 3), ids(1)));
    expect(demoted.raft.campaign()).toBe(false);
    expect(receive('(2 3)', confStateOf(ids(2, 3))).raft.role).toBe('follower');
  });

  test('a new leader leaves a joint configuration that came with a snapshot', () => {
    const solo = new Solo([1, 2, 3], { preVote: false });
    const joint = { ...confStateOf(ids(1, 4)), votersOutgoing: ids(1, 2, 3), autoLeave: true };
    solo.receive('snapshotRequest', 2, { term: 1, snapshot: { index: 9, term: 1, conf: joint } });
    solo.tick(20);
    solo.receive('voteResponse', 2);
    solo.receive('voteResponse', 4);
    solo.acknowledge(2, 4);
    solo.acknowledge(2, 4);
    expect(describeConf(solo.status.conf)).toBe('(1 4)');
  });
});
