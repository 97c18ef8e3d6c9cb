import { describe, expect, test } from 'vitest';
import { Cluster, textOf } from '../testing/cluster.ts';

describe('a group of three', () => {
  test('elects, replicates, commits, serves reads', () => {
    const cluster = new Cluster([1, 2, 3]);
    const leader = cluster.elect(1);
    expect(leader.raft.isLeader).toBe(true);
    cluster.propose(1, 'a', 'b');
    for (const id of [1, 2, 3]) {
      expect(cluster.log.get(id)!.map((entry) => textOf(entry.data))).toEqual(['', 'a', 'b']);
    }
    leader.raft.readIndex(1);
    leader.raft.readIndex(2);
    cluster.at(2).raft.readIndex(3);
    cluster.settle();
    expect(cluster.served.map(({ at, read }) => [at, read.token, read.index])).toEqual([
      [1, 1, 3],
      [1, 2, 3],
      [2, 3, 3],
    ]);
  });

  test('elects by ticks alone, and again when the leader is gone', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.tick(25);
    const first = cluster.leader!;
    expect(first).toBeDefined();
    cluster.propose(first.id, 'x');
    first.crash();
    cluster.tick(45);
    const second = cluster.leader!;
    expect(second.id).not.toBe(first.id);
    cluster.propose(second.id, 'y');
    first.restart();
    cluster.tick(5);
    expect(cluster.log.get(second.id)!.map((entry) => textOf(entry.data))).toContain('y');
    expect(first.raft.commit).toBe(second.raft.commit);
  });
});
