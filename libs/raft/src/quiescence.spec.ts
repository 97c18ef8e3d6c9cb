import { nodeId } from '@holdfast/io';
import { describe, expect, test } from 'vitest';
import { Cluster } from '../testing/cluster.ts';
import { Solo } from '../testing/solo.ts';

function asleep(): Cluster {
  const cluster = new Cluster([1, 2, 3]);
  cluster.elect(1);
  cluster.tick(3);
  expect(cluster.at(1).raft.quiesce()).toBe(true);
  cluster.settle();
  return cluster;
}

const quiet = (cluster: Cluster) => [1, 2, 3].map((id) => cluster.at(id).raft.quiet);

describe('quiescence', () => {
  test('an idle group sleeps for as long as it likes', () => {
    const cluster = asleep();
    for (let i = 0; i < 500; i++) {
      for (const replica of cluster.replicas.values()) replica.raft.tick();
      expect([...cluster.replicas.values()].some(({ raft }) => raft.hasReady())).toBe(false);
    }
    expect(quiet(cluster)).toEqual([true, true, true]);
  });

  test('a proposal wakes it; so do a read and a message', () => {
    const cluster = asleep();
    cluster.propose(1, 'a');
    expect(quiet(cluster)).toEqual([false, false, false]);
    expect(cluster.at(3).raft.commit).toBe(2);
    const reading = asleep();
    reading.at(2).raft.readIndex(1);
    reading.settle();
    expect(reading.served).toHaveLength(1);
    expect(reading.at(1).raft.quiet).toBe(false);
  });

  test('a leader with something under way does not sleep', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    expect(solo.raft.quiesce()).toBe(false);
    solo.acknowledge(2);
    expect(solo.raft.quiesce()).toBe(false);
    solo.receive('appendResponse', 3, { index: 1, commit: 1 });
    expect(solo.raft.quiesce()).toBe(false);
    solo.receive('appendResponse', 2, { index: 1, commit: 1 });
    expect(solo.raft.quiesce()).toBe(true);
    solo.raft.wake();
    solo.tick(9);
    expect(solo.raft.quiesce()).toBe(true);
    solo.raft.wake();
    solo.tick(1);
    expect(solo.raft.quiesce()).toBe(false);
  });

  test('a learner whose link broke still reads in a group that sleeps', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.add(4);
    cluster.elect(1);
    const steps = [{ action: 'add-learner', node: nodeId(4) }] as const;
    cluster.leader!.raft.proposeConfChange({ steps, transition: 'auto', context: new Uint8Array() });
    cluster.settle();
    cluster.tick(4);
    expect(cluster.at(1).raft.quiesce()).toBe(true);
    cluster.settle();
    expect(cluster.at(4).raft.quiet).toBe(true);
    cluster.at(4).raft.leaderUnreachable(nodeId(1));
    cluster.tick(30);
    cluster.at(4).raft.readIndex(1);
    cluster.settle();
    expect(cluster.served).toMatchObject([{ at: 4, read: { token: 1 } }]);
  });

  test('a follower that missed the message wakes the leader, and nothing else changes', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.tick(3);
    cluster.passes = ({ to, reject }) => !(to === 3 && reject);
    cluster.at(1).raft.quiesce();
    cluster.settle();
    expect(quiet(cluster)).toEqual([true, true, false]);
    cluster.tick(25);
    expect(cluster.leader?.id).toBe(1);
    expect(cluster.leader?.raft.term).toBe(1);
    expect(cluster.at(3).raft.leader).toBe(1);
  });

  test('a leader that dies while its group sleeps is replaced when its connections close', () => {
    const cluster = asleep();
    cluster.at(1).crash();
    cluster.tick(100);
    expect(cluster.leader).toBe(undefined);
    cluster.at(2).raft.leaderUnreachable(nodeId(1));
    cluster.at(3).raft.leaderUnreachable(nodeId(1));
    cluster.settle();
    expect(cluster.leader?.id).toBe(2);
  });
});
