import { nodeId, rangeId } from '@holdfast/io';
import { describe, expect, test } from 'vitest';
import { Cluster, textOf } from '../testing/cluster.ts';
import { entriesAfter, leaderOfLaggard, messageOf, Solo } from '../testing/solo.ts';
import { type Message, MessageKind } from './index.ts';

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

/** A leader that does not know yet where the log of 3 ends: its first append there was not answered. */
function leaderThatReads(): Solo {
  const solo = new Solo([1, 2, 3]).lead(2);
  solo.acknowledge(2);
  return solo;
}

/** One round of reads that 3 answers at once. Returns the appends that its answer causes. */
function readAndAnswer(solo: Solo, token: number): readonly Message[] {
  solo.raft.readIndex(token);
  const round = solo.settle().find(({ kind, to }) => kind === MessageKind.heartbeatRequest && to === 3);
  const caused = solo.receive('heartbeatResponse', 3, { context: round!.context });
  return caused.filter(({ kind }) => kind === MessageKind.appendRequest);
}

describe('limits', () => {
  test('uncommitted bytes are bounded; one proposal always passes', () => {
    const solo = new Solo([1, 2, 3], { uncommittedBytesMax: 100 }).lead(2);
    solo.acknowledge(2);
    const propose = (bytes: number) => {
      const result = solo.raft.propose([new Uint8Array(bytes)]);
      return result.ok ? result.index : result.reason;
    };
    expect(propose(500)).toBe(2);
    expect(propose(1)).toBe('uncommitted-limit');
    solo.settle();
    solo.acknowledge(2);
    expect(propose(40)).toBe(3);
    expect(propose(28)).toBe(4);
    expect(propose(0)).toBe('uncommitted-limit');
  });

  test('what an earlier leadership had not committed does not count in the next', () => {
    const solo = new Solo([1, 2, 3], { uncommittedBytesMax: 100 }).lead(2);
    while (solo.raft.propose([new Uint8Array(20)]).ok);
    solo.settle();
    solo.receive('heartbeatRequest', 3, { term: 2 });
    solo.tick(20);
    solo.lead(2);
    expect(solo.raft.propose([new Uint8Array(20)]).ok).toBe(true);
  });

  test('the no-op of a term and entries without data count too: a log of them is not free', () => {
    const solo = new Solo([1, 2, 3], { uncommittedBytesMax: 100 }).lead(2);
    let accepted = 0;
    while (accepted < 100 && solo.raft.propose([new Uint8Array(0)]).ok) accepted++;
    expect(accepted).toBe(5);
  });

  test('reads do not make a probe repeat what is on its way', () => {
    const solo = leaderThatReads();
    const appends: Message[] = [];
    for (let token = 1; token <= 20; token++) appends.push(...readAndAnswer(solo, token));
    expect(appends).toEqual([]);
    solo.tick(2);
    for (let token = 21; token <= 40; token++) appends.push(...readAndAnswer(solo, token));
    expect(appends).toMatchObject([{ kind: MessageKind.appendRequest, to: 3, index: 0 }]);
  });

  test('what is on its way to a peer is bounded, in messages and in bytes', () => {
    const solo = new Solo([1, 2, 3], { inflightMessagesMax: 3, inflightBytesMax: 100 }).lead(2);
    solo.acknowledge(2, 3);
    const sentTo2 = () => {
      solo.raft.propose([new Uint8Array(8)]);
      return solo.settle().filter(({ to, entries }) => to === 2 && entries.length > 0).length;
    };
    expect([sentTo2(), sentTo2(), sentTo2(), sentTo2()]).toEqual([1, 1, 1, 0]);
    solo.receive('appendResponse', 2, { index: 3 });
    solo.propose('x'.repeat(200));
    expect(solo.status.peers[1].inflightBytes).toBeGreaterThan(100);
    expect(sentTo2()).toBe(0);
  });

  test('a full pipeline that was lost is found out by a heartbeat', () => {
    const solo = new Solo([1, 2, 3], { inflightMessagesMax: 1 }).lead(2);
    solo.acknowledge(2, 3);
    solo.propose('a');
    solo.propose('b');
    // What left a moment ago is probably still on its way.
    expect(solo.receive('heartbeatResponse', 2)).toEqual([]);
    solo.tick(2);
    const probe = solo.receive('heartbeatResponse', 2);
    expect(probe).toMatchObject([{ kind: MessageKind.appendRequest, index: 2, entries: [] }]);
    const again = solo.receive('appendResponse', 2, { reject: true, index: 2, rejectHint: 1, logTerm: 1 });
    expect(again[0].entries.map(({ index }) => index)).toEqual([2, 3]);
  });

  test('append messages and committed batches respect their byte limits', () => {
    const solo = new Solo([1, 2, 3], { appendBytesMax: 60, committedBytesMax: 60 }).lead(2);
    solo.acknowledge(2, 3);
    solo.raft.propose(Array.from({ length: 9 }, () => new Uint8Array(10)));
    const ready = solo.raft.ready();
    const sizes = ready.messages.filter(({ to }) => to === 2).map(({ entries }) => entries.length);
    expect(sizes).toEqual([2, 2, 2, 2, 1]);
    solo.replica.perform(ready);
    solo.settle();
    solo.raft.step(messageOf('appendResponse', 2, { term: 1, index: 10 }));
    const batches: number[] = [];
    while (solo.raft.hasReady()) {
      const next = solo.raft.ready();
      batches.push(next.committed.length);
      solo.replica.perform(next);
    }
    expect(batches).toEqual([2, 2, 2, 2, 1]);
  });
});

describe('the contract with the driver', () => {
  test('a Ready with a new commit index alone need not be synced', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.raft.step(messageOf('appendResponse', 2, { term: 1, index: 1 }));
    const ready = solo.raft.ready();
    expect(ready.hardState).toEqual({ term: 1, vote: 1, commit: 1 });
    expect(ready.mustSync).toBe(false);
    expect(ready.messagesAfterPersist).toEqual([]);
  });

  test('an answer waits for writes of earlier Readies', () => {
    const solo = new Solo([1, 2, 3]);
    const append = messageOf('appendRequest', 2, { term: 1, entries: entriesAfter(0, 1) });
    solo.raft.step(append);
    const first = solo.raft.ready();
    solo.raft.advance(first);
    solo.raft.step(append);
    const second = solo.raft.ready();
    solo.raft.advance(second);
    expect([second.mustSync, second.messages.length, second.messagesAfterPersist.length]).toEqual([
      false,
      0,
      1,
    ]);
    solo.replica.storage.write(first);
    solo.raft.persisted(first);
    solo.raft.persisted(second);
    solo.raft.step(append);
    const third = solo.raft.ready();
    expect([third.messages.length, third.messagesAfterPersist.length]).toEqual([1, 0]);
  });

  test('appends that become durable together share one answer', () => {
    const solo = new Solo([1, 2, 3]);
    solo.raft.step(messageOf('appendRequest', 2, { term: 1, entries: entriesAfter(0, 1) }));
    solo.raft.step(
      messageOf('appendRequest', 2, { term: 1, index: 1, logTerm: 1, entries: entriesAfter(1, 1, 1) }),
    );
    solo.raft.step(messageOf('appendRequest', 2, { term: 1, entries: entriesAfter(0, 1) }));
    expect(solo.settle().map(({ kind, index }) => [kind, index])).toEqual([[MessageKind.appendResponse, 3]]);
  });

  test('a snapshot waits until the driver has applied what it was given', () => {
    const solo = new Solo([1, 2, 3]);
    solo.replica.lazy = true;
    solo.raft.step(messageOf('appendRequest', 2, { term: 1, commit: 2, entries: entriesAfter(0, 1, 1) }));
    solo.replica.take();
    solo.replica.sync();
    const snapshot = { index: 9, term: 1, conf: solo.status.conf };
    solo.raft.step(messageOf('snapshotRequest', 2, { term: 1, snapshot }));
    solo.replica.take();
    expect(solo.status).toMatchObject({ last: 2, applied: 0 });
    solo.replica.apply();
    expect(solo.settle().at(-1)).toMatchObject({ kind: MessageKind.appendResponse, index: 9 });
    expect(solo.status).toMatchObject({ last: 9, applied: 9, first: 10 });
  });

  test('advance comes between two Readies, persisted in order', () => {
    const solo = new Solo([1, 2, 3]);
    solo.raft.step(messageOf('appendRequest', 2, { term: 1, entries: entriesAfter(0, 1) }));
    const first = solo.raft.ready();
    expect(() => solo.raft.ready()).toThrow('advance');
    expect(() => solo.raft.persisted(first)).toThrow('advanced');
    solo.raft.advance(first);
    solo.raft.step(
      messageOf('appendRequest', 2, { term: 1, index: 1, logTerm: 1, entries: entriesAfter(1, 1) }),
    );
    const second = solo.raft.ready();
    solo.raft.advance(second);
    expect(() => solo.raft.persisted(second)).toThrow('in order');
  });

  test('the clock is read for every message sent and fed by every message received', () => {
    let clock = 10;
    const seen: number[] = [];
    const solo = new Solo([1, 2, 3], {
      clock: { read: () => clock++, observe: (value) => seen.push(value) },
    });
    const [vote] = solo.receive('voteRequest', 2, { term: 1, clock: 77 });
    expect(vote.clock).toBe(10);
    expect(seen).toEqual([77]);
  });

  test('messages for others are ignored', () => {
    const solo = new Solo([1, 2, 3]);
    solo.raft.step(messageOf('heartbeatRequest', 2, { term: 9, to: nodeId(3) }));
    solo.raft.step(messageOf('heartbeatRequest', 2, { term: 9, group: rangeId(99) }));
    expect(solo.status.term).toBe(0);
  });

  test('the own vote that becomes durable when the election is lost makes nobody a leader', () => {
    const solo = new Solo([1, 2, 3], { preVote: false });
    solo.raft.campaign();
    const ready = solo.raft.ready();
    solo.replica.perform(ready);
    for (const from of [2, 3]) solo.raft.step(messageOf('voteResponse', from, { term: 1, reject: true }));
    expect(solo.raft.role).toBe('follower');
    solo.settle();
    expect(solo.status).toMatchObject({ role: 'follower', term: 1, vote: 1 });
    expect(solo.raft.campaign()).toBe(true);
    solo.raft.step(messageOf('voteResponse', 2, { term: 1 }));
    expect(solo.raft.role).toBe('candidate');
  });

  test('a replica that knows no configuration is work for the driver at once', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.acknowledge(2);
    solo.raft.step(messageOf('appendResponse', 3, { term: 1, reject: true, context: 1 }));
    expect(solo.raft.hasReady()).toBe(true);
    solo.settle();
    expect(solo.needed).toEqual([3]);
  });

  test('an answer to an append of an earlier term does not send a probe back to the start', () => {
    const follower = new Solo([1, 2, 3], {}, { term: 2, terms: [1, 1, 1] });
    const [answer] = follower.receive('appendRequest', 3, { term: 1, index: 3, logTerm: 1 });
    const leader = new Solo([1, 2, 3], {}, { terms: [1, 1, 1] }).lead(2);
    leader.receive('appendResponse', 3, { ...answer, from: nodeId(3), to: nodeId(1) });
    expect(leader.status.term).toBe(answer.term);
    expect(leader.status.peers[2]).toMatchObject({ state: 'probe', match: 0, next: 3 });
  });

  test('a snapshot need is told once, and again when the transfer failed', () => {
    const solo = leaderOfLaggard();
    expect(solo.needed).toEqual([3]);
    solo.receive('heartbeatResponse', 3);
    expect(solo.needed).toEqual([3]);
    solo.raft.reportSnapshot(nodeId(3), false);
    solo.tick(2);
    solo.receive('heartbeatResponse', 3);
    expect(solo.needed).toEqual([3, 3]);
    solo.raft.reportSnapshot(nodeId(3), true);
    solo.receive('appendResponse', 3, { index: 3 });
    expect(solo.status.peers[2]).toMatchObject({ state: 'replicate', match: 3 });
  });
});

describe('evidence that the leader is gone (D9)', () => {
  test('a new leader without a single tick, although everybody saw it at once', () => {
    const cluster = new Cluster([1, 2, 3, 4, 5]);
    cluster.elect(1);
    cluster.at(1).crash();
    for (const id of [5, 4, 3, 2]) cluster.at(id).raft.leaderUnreachable(nodeId(1));
    cluster.settle();
    expect(cluster.leader?.id).toBe(2);
    expect(cluster.leader?.raft.term).toBe(2);
  });

  test('the same when the news reaches them one by one, in any order', () => {
    for (const order of [
      [2, 3],
      [3, 2],
    ]) {
      const cluster = new Cluster([1, 2, 3]);
      cluster.elect(1);
      cluster.at(1).crash();
      for (const id of order) {
        cluster.at(id).raft.leaderUnreachable(nodeId(1));
        cluster.settle();
      }
      expect(cluster.leader?.id).toBe(2);
    }
  });

  test('the one with the better log leads, in whatever order the news comes', () => {
    for (const order of [
      [3, 2, 4, 5],
      [2, 4, 3, 5],
      [5, 4, 2, 3],
    ]) {
      const cluster = new Cluster([1, 2, 3, 4, 5]);
      cluster.elect(1);
      cluster.passes = ({ to }) => to === 1 || to === 3;
      cluster.propose(1, 'only 3 has this');
      cluster.heal();
      cluster.at(1).crash();
      for (const id of order) {
        cluster.at(id).raft.leaderUnreachable(nodeId(1));
        cluster.settle();
      }
      expect(cluster.leader).toBeDefined();
      expect(cluster.leader!.raft.term).toBe(2);
    }
  });

  test('a false alarm costs nothing', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.tick(3);
    cluster.at(2).raft.leaderUnreachable(nodeId(1));
    cluster.settle();
    cluster.tick(3);
    expect(cluster.leader?.id).toBe(1);
    expect(cluster.at(2).raft).toMatchObject({ role: 'follower', leader: 1, term: 1 });
  });
});
