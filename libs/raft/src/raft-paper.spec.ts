import { describe, expect, test } from 'vitest';
import { Cluster } from '../testing/cluster.ts';
import { entriesAfter, leaderOfLaggard, messageOf, Solo } from '../testing/solo.ts';
import { type Message, MessageKind } from './index.ts';

/**
 * A walk through "In Search of an Understandable Consensus Algorithm" (extended version, 2014) and the thesis
 * "Consensus: Bridging Theory and Practice" (2014). Section numbers are the paper's unless it says thesis.
 */
const kindsOf = (messages: readonly Message[]) => messages.map(({ kind }) => kind);
const plain = { preVote: false, checkQuorum: false };
const {
  appendRequest,
  appendResponse,
  heartbeatRequest,
  heartbeatResponse,
  voteRequest,
  voteResponse,
  timeoutNow,
} = MessageKind;

describe('5.1 Raft basics', () => {
  test.each(['follower', 'candidate', 'leader'])('a %s that sees a higher term follows it', (role) => {
    const solo = new Solo([1, 2, 3], plain, { term: 1 });
    if (role === 'candidate') solo.raft.campaign();
    if (role === 'leader') solo.lead(2);
    solo.receive('appendRequest', 2, { term: 5 });
    expect(solo.status).toMatchObject({ role: 'follower', term: 5, leader: 2, vote: 0 });
  });

  test('a stale term is refused, and the sender learns the term', () => {
    const solo = new Solo([1, 2, 3], plain, { term: 4 });
    const [answer] = solo.receive('appendRequest', 2, { term: 3, entries: entriesAfter(0, 3) });
    expect(answer).toMatchObject({ kind: appendResponse, term: 4, reject: true });
    expect(solo.status.last).toBe(0);
  });

  test('a replica starts as a follower', () => {
    expect(new Solo([1, 2, 3]).status).toMatchObject({ role: 'follower', term: 0, leader: 0 });
  });
});

describe('5.2 Leader election', () => {
  test('a leader sends heartbeats to everybody', () => {
    const solo = new Solo([1, 2, 3], { heartbeatTicks: 3 }).lead(2);
    expect(solo.tick(2)).toEqual([]);
    const sent = solo.tick();
    expect(kindsOf(sent)).toEqual([heartbeatRequest, heartbeatRequest]);
    expect(sent.map(({ to }) => to)).toEqual([2, 3]);
  });

  test('a follower that hears nothing becomes a candidate: new term, own vote, requests to all', () => {
    const solo = new Solo([1, 2, 3], plain, { term: 1 });
    const sent = solo.tick(20);
    expect(solo.status).toMatchObject({ role: 'candidate', term: 2, vote: 1 });
    expect(kindsOf(sent)).toEqual([voteRequest, voteRequest]);
  });

  test('a candidate whose election times out starts another', () => {
    const solo = new Solo([1, 2, 3], plain);
    solo.tick(20);
    const { term } = solo.status;
    solo.tick(20);
    expect(solo.status.role).toBe('candidate');
    expect(solo.status.term).toBeGreaterThan(term);
  });

  test.each([
    [1, [], 'leader'],
    [3, [2, 3], 'leader'],
    [3, [2], 'leader'],
    [5, [2, 3, 4, 5], 'leader'],
    [5, [2, 3], 'leader'],
    [5, [2], 'candidate'],
    [3, [-2, -3], 'follower'],
    [5, [-2, -3, -4, -5], 'follower'],
    [5, [2, -3, -4, -5], 'follower'],
    [3, [], 'candidate'],
    [5, [-2, -3], 'candidate'],
  ])('one round among %i with answers %j makes a %s', (size, answers, role) => {
    const solo = new Solo(
      Array.from({ length: size }, (_, i) => i + 1),
      plain,
    );
    solo.raft.campaign();
    solo.settle();
    for (const answer of answers)
      solo.receive('voteResponse', Math.abs(answer), { reject: answer < 0, term: 1 });
    expect(solo.status.role).toBe(role);
  });

  test.each([
    [0, 2, true],
    [0, 3, true],
    [2, 2, true],
    [3, 3, true],
    [2, 3, false],
    [3, 2, false],
  ])(
    'a follower that voted for %i, asked by %i: granted %j; first come, first served',
    (vote, from, granted) => {
      const solo = new Solo([1, 2, 3], plain, { term: 1, vote });
      const [answer] = solo.receive('voteRequest', from);
      expect(answer).toMatchObject({ kind: voteResponse, reject: !granted });
    },
  );

  test.each([0, 1])(
    'a candidate that hears a leader of its term (or of one %i higher) gives up',
    (higher) => {
      const solo = new Solo([1, 2, 3], plain);
      solo.raft.campaign();
      solo.receive('appendRequest', 2, { term: 1 + higher });
      expect(solo.status).toMatchObject({ role: 'follower', leader: 2, term: 1 + higher });
    },
  );

  test('timeouts are random between one and two election timeouts', () => {
    const seen = new Set<number>();
    const solo = new Solo([1, 2, 3], plain);
    for (let round = 0; round < 400; round++) {
      let ticks = 0;
      for (const { term } = solo.status; solo.status.term === term; ticks++) solo.tick();
      seen.add(ticks);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => 10 + i));
  });

  test('few elections split: replicas of one group draw different timeouts', () => {
    let split = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const cluster = new Cluster([seed * 3 + 1, seed * 3 + 2, seed * 3 + 3], plain);
      cluster.tick(20);
      if ((cluster.leader?.raft.term ?? 2) > 1) split++;
    }
    expect(split).toBeLessThan(30);
  });
});

describe('5.3 Log replication', () => {
  test('a leader appends, sends in parallel with its own write, and waits', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.acknowledge(2, 3);
    solo.raft.propose([new Uint8Array([1])]);
    const ready = solo.raft.ready();
    expect(kindsOf(ready.messages)).toEqual([appendRequest, appendRequest]);
    expect(ready.messages[0]).toMatchObject({ index: 1, logTerm: 1, commit: 1, term: 1 });
    expect(ready.entries.map(({ index }) => index)).toEqual([2]);
    expect(solo.status.commit).toBe(1);
  });

  test.each([
    [1, [], true],
    [3, [], false],
    [3, [2], true],
    [5, [2], false],
    [5, [2, 3], true],
  ])('among %i, copies on the leader and %j commit: %j', (size, copies, committed) => {
    const voters = Array.from({ length: size }, (_, i) => i + 1);
    const solo = new Solo(voters).lead(...voters.slice(1));
    solo.acknowledge(...voters.slice(1));
    solo.propose('x');
    solo.acknowledge(...copies);
    expect(solo.status.commit).toBe(committed ? 2 : 1);
  });

  test('a committed entry commits everything before it, whoever wrote it', () => {
    const solo = new Solo([1, 2, 3], {}, { terms: [1, 1, 2] }).lead(2);
    expect(solo.status.commit).toBe(0);
    solo.acknowledge(2);
    expect(solo.status.commit).toBe(4);
    expect(solo.appliedIndexes).toEqual([1, 2, 3, 4]);
  });

  test('the leader counts itself only when its own write is durable', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.acknowledge(2);
    solo.raft.propose([new Uint8Array([1])]);
    solo.replica.take();
    solo.raft.step(messageOf('appendResponse', 2, { term: 1, index: 2 }));
    expect(solo.status.commit).toBe(1);
    solo.replica.sync();
    expect(solo.status.commit).toBe(2);
  });

  test('a follower commits what the leader says, as far as it holds it', () => {
    const solo = new Solo([1, 2, 3]);
    solo.receive('appendRequest', 2, { term: 1, commit: 9, entries: entriesAfter(0, 1, 1) });
    expect(solo.status.commit).toBe(2);
    expect(solo.appliedIndexes).toEqual([1, 2]);
  });

  test.each([
    [0, 0, true],
    [1, 1, true],
    [2, 2, true],
    [1, 2, false],
    [2, 1, false],
    [3, 3, false],
  ])(
    'a follower with terms 1, 2 accepts an append after index %i of term %i: %j',
    (index, logTerm, accepted) => {
      const solo = new Solo([1, 2, 3], {}, { terms: [1, 2] });
      const [answer] = solo.receive('appendRequest', 2, { term: 2, index, logTerm });
      expect(answer).toMatchObject({ kind: appendResponse, reject: !accepted });
    },
  );

  test.each([
    [2, 2, [3], [1, 2, 3]],
    [1, 1, [3, 4], [1, 3, 4]],
    [0, 0, [1], [1, 2]],
    [0, 0, [3], [3]],
    [0, 0, [1, 2], [1, 2]],
    [0, 0, [1, 2, 4], [1, 2, 4]],
  ])(
    'a follower with terms 1, 2 and an append after %i/%i of terms %j ends with %j',
    (index, logTerm, terms, log) => {
      const solo = new Solo([1, 2, 3], {}, { terms: [1, 2] });
      solo.receive('appendRequest', 2, { term: 4, index, logTerm, entries: entriesAfter(index, ...terms) });
      expect(solo.logTerms).toEqual(log);
    },
  );

  /** Figure 7: what followers may look like when the leader with this log comes to power. */
  const figure7 = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  test.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('figure 7: follower %s ends with the log of the leader', (_, follower) => {
    const leader = new Solo([1, 2, 3], plain, { term: 7, terms: figure7 });
    const other = new Solo([1, 2, 3], plain, { term: 7, terms: follower });
    leader.raft.campaign();
    leader.settle();
    let toFollower = leader.receive('voteResponse', 3).filter(({ to }) => to === 2);
    let rounds = 0;
    while (toFollower.length > 0 && rounds++ < 20) {
      const toLeader: Message[] = [];
      for (const message of toFollower) {
        other.raft.step({ ...message, to: other.replica.id, from: 2 as Message['from'] });
        toLeader.push(...other.settle().filter(({ kind }) => kind === appendResponse));
      }
      toFollower = toLeader
        .flatMap((message) => {
          leader.raft.step({ ...message, from: 2 as Message['from'], to: leader.replica.id });
          return leader.settle();
        })
        .filter(({ to }) => to === 2);
    }
    expect(other.logTerms).toEqual([...figure7, 8]);
    expect(rounds).toBeLessThan(6);
  });
});

describe('5.4 Safety', () => {
  test.each([
    [[1], 1, 1, true],
    [[1], 2, 1, true],
    [[1, 1], 1, 1, false],
    [[1], 1, 2, true],
    [[1], 2, 2, true],
    [[1, 1], 1, 2, true],
    [[2], 1, 1, false],
    [[2], 2, 1, false],
    [[1, 2], 1, 1, false],
  ])(
    '5.4.1 a voter with terms %j, a candidate whose last is %i of term %i: granted %j',
    (terms, index, logTerm, granted) => {
      const solo = new Solo([1, 2, 3], plain, { terms });
      const [answer] = solo.receive('voteRequest', 2, { term: 3, index, logTerm });
      expect(answer).toMatchObject({ kind: voteResponse, reject: !granted });
    },
  );

  test('5.4.2 figure 8: an entry of an older term does not commit by copies', () => {
    const solo = new Solo([1, 2, 3, 4, 5], plain, { term: 3, terms: [1, 2] }).lead(2, 3);
    solo.receive('appendResponse', 2, { index: 2 });
    solo.receive('appendResponse', 3, { index: 2 });
    expect(solo.status.commit).toBe(0);
    solo.acknowledge(2, 3);
    expect(solo.status.commit).toBe(3);
  });
});

describe('6, 7, 8 and the thesis', () => {
  test('7 a snapshot replaces a log that differs, and keeps one that agrees', () => {
    const conf = new Solo([1, 2, 3]).status.conf;
    const agrees = new Solo([1, 2, 3], {}, { terms: [1, 1, 1] });
    agrees.receive('snapshotRequest', 2, { snapshot: { index: 2, term: 1, conf } });
    expect(agrees.status).toMatchObject({ commit: 2, last: 3, first: 1 });
    const differs = new Solo([1, 2, 3], {}, { terms: [1, 1, 1] });
    const sent = differs.receive('snapshotRequest', 2, { term: 3, snapshot: { index: 2, term: 2, conf } });
    expect(differs.status).toMatchObject({ commit: 2, last: 2, first: 3, applied: 2 });
    expect(sent.at(-1)).toMatchObject({ kind: appendResponse, index: 2, reject: false });
  });

  test('8 a new leader appends a no-op, and serves no read before it commits', () => {
    const solo = new Solo([1, 2, 3], {}, { terms: [1] }).lead(2);
    expect(solo.status).toMatchObject({ last: 2, lastTerm: 2 });
    solo.raft.readIndex(7);
    expect(solo.settle()).toEqual([]);
    const sent = solo.acknowledge(2);
    const round = sent.find(({ kind }) => kind === heartbeatRequest)!;
    expect(round.context).toBeGreaterThan(0);
    expect(solo.served).toEqual([]);
    solo.receive('heartbeatResponse', 3, { context: round.context });
    expect(solo.served).toEqual([{ token: 7, index: 2 }]);
  });

  test('thesis 3.10 timeoutNow makes a follower campaign at once, with votes that pass stickiness', () => {
    const solo = new Solo([1, 2, 3]);
    solo.receive('heartbeatRequest', 2, { term: 1 });
    const sent = solo.receive('timeoutNow', 2, { term: 1 });
    expect(sent[0]).toMatchObject({ kind: voteRequest, term: 2, context: 1 });
  });

  test('thesis 3.10 leadership moves to the heir', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    expect(cluster.at(1).raft.transferLeadership(cluster.at(3).id)).toEqual({ ok: true, to: 3 });
    expect(cluster.at(1).raft.propose([new Uint8Array(1)])).toMatchObject({
      ok: false,
      reason: 'transferring',
    });
    cluster.settle();
    expect(cluster.leader?.id).toBe(3);
  });

  test('thesis 3.10 an heir that first needs a snapshot is called when it has caught up', () => {
    const solo = leaderOfLaggard();
    expect(solo.needed).toEqual([3]);
    solo.raft.transferLeadership(3 as Message['to']);
    expect(kindsOf(solo.settle())).not.toContain(timeoutNow);
    solo.raft.reportSnapshot(3 as Message['to'], true);
    const answers = solo.receive('appendResponse', 3, { index: 3 });
    expect(kindsOf(answers)).toContain(timeoutNow);
  });

  test('thesis 3.10 a transfer that fails is given up after an election timeout', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.acknowledge(2, 3);
    expect(solo.raft.transferLeadership(solo.replica.id)).toEqual({ ok: false, reason: 'already-leader' });
    expect(solo.raft.transferLeadership(2 as Message['to'])).toEqual({ ok: true, to: 2 });
    expect(kindsOf(solo.settle())).toContain(timeoutNow);
    for (let i = 0; i < 10; i++) {
      solo.tick();
      solo.receive('heartbeatResponse', 2);
    }
    expect(solo.status.transferee).toBe(0);
    expect(solo.raft.propose([new Uint8Array(1)]).ok).toBe(true);
  });

  test('thesis 3.10 who insists on a transfer does not keep the group from taking proposals', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.acknowledge(2, 3);
    expect(solo.raft.transferLeadership(2 as Message['to'])).toEqual({ ok: true, to: 2 });
    for (let i = 0; i < 10; i++) {
      solo.tick();
      solo.receive('heartbeatResponse', 2);
      if (i === 3) expect(solo.raft.transferLeadership(2 as Message['to'])).toEqual({ ok: true, to: 2 });
      if (i === 6) expect(solo.raft.transferLeadership()).toEqual({ ok: true, to: 2 });
    }
    expect(solo.status.transferee).toBe(0);
    solo.raft.transferLeadership(2 as Message['to']);
    expect(solo.raft.transferLeadership(3 as Message['to'])).toEqual({ ok: true, to: 3 });
    expect(solo.status.transferee).toBe(3);
  });

  test('thesis 4.2.3 a follower that hears its leader ignores candidates, but not an heir', () => {
    const solo = new Solo([1, 2, 3]);
    solo.receive('heartbeatRequest', 2, { term: 1 });
    expect(solo.receive('voteRequest', 3, { term: 2 })).toEqual([]);
    expect(solo.receive('preVoteRequest', 3, { term: 2 })).toEqual([]);
    expect(solo.status.term).toBe(1);
    expect(solo.receive('voteRequest', 3, { term: 2, context: 1 })[0]).toMatchObject({
      kind: voteResponse,
      reject: false,
    });
  });

  test('thesis 6.2 a leader that hears from no quorum for an election timeout steps down', () => {
    const solo = new Solo([1, 2, 3, 4, 5]).lead(2, 3);
    for (let i = 0; i < 30; i++) {
      solo.tick();
      solo.receive('heartbeatResponse', 2);
      solo.receive('heartbeatResponse', 3);
    }
    expect(solo.raft.isLeader).toBe(true);
    for (let i = 0; i < 10; i++) {
      solo.tick();
      if (solo.raft.isLeader) solo.receive('heartbeatResponse', 2);
    }
    expect(solo.raft.isLeader).toBe(false);
  });

  test('thesis 9.6 an isolated follower does not raise its term, and disturbs nobody when it is back', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(3);
    cluster.tick(200);
    expect(cluster.at(3).raft.term).toBe(1);
    cluster.heal();
    cluster.tick(50);
    expect(cluster.leader?.id).toBe(1);
    expect(cluster.leader?.raft.term).toBe(1);
    expect(cluster.at(3).raft.leader).toBe(1);
  });

  test('an isolated leader steps down within one election timeout; the others elect one', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.tick(5);
    cluster.isolate(1);
    cluster.tick(11);
    expect(cluster.at(1).raft.isLeader).toBe(false);
    cluster.tick(40);
    expect(cluster.leader?.id).not.toBe(1);
  });

  test('a heartbeat never tells of a commit beyond what the follower is known to hold', () => {
    const solo = new Solo([1, 2, 3]).lead(2);
    solo.acknowledge(2);
    const sent = solo.tick(2).filter(({ kind }) => kind === heartbeatRequest);
    expect(sent.map(({ to, commit }) => [to, commit])).toEqual([
      [2, 1],
      [3, 0],
    ]);
  });

  test('a heartbeat is answered at once, an append when it is durable', () => {
    const solo = new Solo([1, 2, 3]);
    solo.raft.step(messageOf('appendRequest', 2, { term: 1, entries: entriesAfter(0, 1) }));
    solo.raft.step(messageOf('heartbeatRequest', 2, { term: 1 }));
    const ready = solo.raft.ready();
    expect(kindsOf(ready.messages)).toEqual([heartbeatResponse]);
    expect(kindsOf(ready.messagesAfterPersist)).toEqual([appendResponse]);
    expect(ready.mustSync).toBe(true);
  });
});
