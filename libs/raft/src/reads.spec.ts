import { describe, expect, test } from 'vitest';
import { Cluster } from '../testing/cluster.ts';
import { Solo } from '../testing/solo.ts';
import { type Message, MessageKind } from './index.ts';

const roundOf = (messages: readonly Message[]) =>
  messages.find(({ kind, context }) => kind === MessageKind.heartbeatRequest && context > 0)?.context ?? 0;

function leader(voters: readonly number[] = [1, 2, 3], config = {}): Solo {
  const solo = new Solo(voters, config);
  solo.tick(20); // With lease reads nobody campaigns before.
  solo.lead(...voters.slice(1));
  solo.acknowledge(...voters.slice(1));
  return solo;
}

describe('ReadIndex', () => {
  test('reads that wait share one round; later ones get a fresh one', () => {
    const solo = leader();
    solo.raft.readIndex(1);
    solo.raft.readIndex(2);
    const first = roundOf(solo.settle());
    solo.raft.readIndex(3);
    const second = roundOf(solo.settle());
    expect(second).toBeGreaterThan(first);
    solo.receive('heartbeatResponse', 2, { context: first });
    expect(solo.served.map(({ token }) => token)).toEqual([1, 2]);
    solo.receive('heartbeatResponse', 3, { context: first });
    expect(solo.served).toHaveLength(2);
    solo.receive('heartbeatResponse', 3, { context: second });
    expect(solo.served.map(({ token }) => token)).toEqual([1, 2, 3]);
  });

  test('the answer to a later round confirms the earlier ones', () => {
    const solo = leader();
    solo.raft.readIndex(1);
    solo.settle();
    solo.raft.readIndex(2);
    const second = roundOf(solo.settle());
    solo.receive('heartbeatResponse', 2, { context: second });
    expect(solo.served.map(({ token }) => token)).toEqual([1, 2]);
  });

  test('a quorum is a quorum: one of four others is not', () => {
    const solo = leader([1, 2, 3, 4, 5]);
    solo.raft.readIndex(1);
    const round = roundOf(solo.settle());
    solo.receive('heartbeatResponse', 2, { context: round });
    solo.receive('heartbeatResponse', 2, { context: round });
    expect(solo.served).toEqual([]);
    solo.receive('heartbeatResponse', 5, { context: round });
    expect(solo.served).toHaveLength(1);
  });

  test('an answer of another term confirms nothing', () => {
    const solo = leader();
    solo.raft.readIndex(1);
    const round = roundOf(solo.settle());
    solo.receive('heartbeatResponse', 2, { context: round, term: 0 });
    expect(solo.served).toEqual([]);
  });

  test('the next heartbeat repeats a round without an answer', () => {
    const solo = leader();
    solo.raft.readIndex(1);
    const round = roundOf(solo.settle());
    expect(roundOf(solo.tick(2))).toBe(round);
  });

  test('a group of one answers at once, when its no-op is committed', () => {
    const solo = new Solo([1]);
    solo.raft.campaign();
    solo.raft.readIndex(1);
    solo.settle();
    expect(solo.dropped).toEqual([1]);
    solo.raft.readIndex(2);
    solo.settle();
    expect(solo.served).toEqual([{ token: 2, index: 1 }]);
  });

  test('a leader that steps down drops its reads', () => {
    const solo = leader();
    solo.raft.readIndex(1);
    solo.settle();
    solo.raft.readIndex(2);
    solo.receive('appendRequest', 2, { term: 9 });
    expect(solo.dropped).toEqual([1, 2]);
    expect(solo.status.readsWaiting).toBe(0);
  });

  test('without a leader a read is dropped at once; too many are, too', () => {
    const solo = new Solo([1, 2, 3]);
    solo.raft.readIndex(1);
    solo.settle();
    expect(solo.dropped).toEqual([1]);
    const full = leader([1, 2, 3], { readsWaitingMax: 2 });
    for (const token of [1, 2, 3]) full.raft.readIndex(token);
    full.settle();
    expect(full.dropped).toEqual([3]);
  });

  test('a follower asks in one message, and gives up after an election timeout', () => {
    const solo = new Solo([1, 2, 3]);
    solo.receive('heartbeatRequest', 2, { term: 1 });
    solo.raft.readIndex(1);
    solo.raft.readIndex(2);
    const [request, ...others] = solo.settle();
    expect(others).toEqual([]);
    expect(request).toMatchObject({ kind: MessageKind.readIndexRequest, to: 2 });
    for (let i = 0; i < 11; i++) {
      solo.tick();
      solo.receive('heartbeatRequest', 2);
    }
    expect(solo.dropped).toEqual([1, 2]);
    solo.receive('readIndexResponse', 2, { context: request.context, index: 5 });
    expect(solo.served).toEqual([]);
  });

  test('a follower that is asked refuses, and the tokens come back', () => {
    const solo = new Solo([1, 2, 3]);
    const [answer] = solo.receive('readIndexRequest', 3, { context: 77 });
    expect(answer).toMatchObject({ kind: MessageKind.readIndexResponse, reject: true, context: 77 });
    solo.receive('heartbeatRequest', 2, { term: 1 });
    solo.raft.readIndex(4);
    const context = solo.settle()[0].context;
    solo.receive('readIndexResponse', 2, { context, reject: true });
    expect(solo.dropped).toEqual([4]);
  });

  test('a learner reads through the leader', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.add(4);
    cluster.elect(1);
    const add = {
      steps: [{ action: 'add-learner' as const, node: cluster.at(4).id }],
      transition: 'auto' as const,
    };
    cluster.at(1).raft.proposeConfChange({ ...add, context: new Uint8Array() });
    cluster.settle();
    cluster.at(4).raft.readIndex(1);
    cluster.settle();
    expect(cluster.served).toEqual([{ at: 4, read: { token: 1, index: 2 } }]);
  });
});

describe('lease reads', () => {
  function leased(canary?: 'lease-over-clock-jump') {
    let now = 1000;
    const lease = { nowMs: () => now, durationMs: 800 };
    const solo = leader([1, 2, 3], { readMode: 'lease', lease, ...(canary === undefined ? {} : { canary }) });
    const confirm = () => {
      const round = roundOf(solo.tick(2));
      solo.receive('heartbeatResponse', 2, { context: round });
    };
    const readNow = (token: number) => {
      solo.raft.readIndex(token);
      solo.settle();
      return solo.served.some((read) => read.token === token);
    };
    return { solo, confirm, readNow, pass: (ms: number) => (now += ms) };
  }

  test('are answered without a round while a quorum was heard within the lease', () => {
    const { confirm, readNow, pass } = leased();
    expect(readNow(1)).toBe(false);
    confirm();
    expect(readNow(2)).toBe(true);
    pass(799);
    expect(readNow(3)).toBe(true);
    pass(1);
    expect(readNow(4)).toBe(false);
  });

  test('do not prolong the lease: only a round that a quorum has confirmed does', () => {
    const { solo, confirm, readNow, pass } = leased();
    confirm();
    for (let i = 1; i <= 3; i++) {
      pass(200);
      solo.tick(2);
      expect(readNow(i)).toBe(true);
    }
    pass(200);
    expect(readNow(4)).toBe(false);
  });

  test('a round under way is still confirmed by its answers', () => {
    const { solo, confirm, readNow, pass } = leased();
    confirm();
    pass(700);
    const round = roundOf(solo.tick(2));
    expect(readNow(1)).toBe(true);
    solo.receive('heartbeatResponse', 2, { context: round });
    pass(700);
    expect(readNow(2)).toBe(true);
  });

  test('wait for an entry of the own term, whatever the heartbeats confirm', () => {
    const lease = { nowMs: () => 1000, durationMs: 800 };
    const solo = new Solo([1, 2, 3], { readMode: 'lease', lease }, { terms: [1] });
    solo.tick(20);
    solo.lead(2);
    solo.raft.readIndex(1);
    for (let i = 0; i < 3; i++) {
      const context = roundOf(solo.tick(2));
      if (context > 0) solo.receive('heartbeatResponse', 2, { context });
    }
    expect(solo.served).toEqual([]);
    solo.acknowledge(2);
    const context = roundOf(solo.tick(2));
    if (context > 0) solo.receive('heartbeatResponse', 2, { context });
    expect(solo.served).toEqual([{ token: 1, index: 2 }]);
  });

  test('a voter keeps the promise of its own lease when it is told to campaign', () => {
    const lease = { nowMs: () => 0, durationMs: 800 };
    const solo = new Solo([1, 2, 3], { readMode: 'lease', lease });
    solo.tick(20);
    solo.receive('heartbeatRequest', 2, { term: 1 });
    expect(solo.raft.campaign()).toBe(false);
    solo.tick(9);
    expect(solo.raft.campaign()).toBe(false);
    solo.tick(1);
    expect(solo.raft.campaign() || solo.raft.role === 'pre-candidate').toBe(true);
    const heir = new Solo([1, 2, 3], { readMode: 'lease', lease });
    heir.receive('heartbeatRequest', 2, { term: 1 });
    heir.receive('timeoutNow', 2, { term: 1 });
    expect(heir.raft.role).toBe('candidate');
  });

  test('are not answered after a pause in which no tick passed', () => {
    const { confirm, readNow, pass } = leased();
    confirm();
    pass(60_000);
    expect(readNow(1)).toBe(false);
  });

  test('end for good when an heir was called', () => {
    const { solo, confirm, readNow } = leased();
    confirm();
    solo.raft.transferLeadership();
    solo.settle();
    expect(readNow(1)).toBe(false);
  });

  test('rest on voters that stick to the leader: after a restart, and whatever the network says', () => {
    const lease = { nowMs: () => 0, durationMs: 800 };
    const solo = new Solo([1, 2, 3], { readMode: 'lease', lease });
    expect(solo.receive('voteRequest', 3, { term: 5 })).toEqual([]);
    solo.receive('heartbeatRequest', 2, { term: 1 });
    solo.raft.leaderUnreachable(2 as Message['from']);
    expect(solo.status).toMatchObject({ role: 'follower', leader: 2 });
    expect(solo.receive('voteRequest', 3, { term: 5 })).toEqual([]);
  });

  test('outlive the term in which they were promised: a candidate of a term that is here already waits too', () => {
    const lease = { nowMs: () => 0, durationMs: 800 };
    const solo = new Solo([1, 2, 3], { readMode: 'lease', lease });
    solo.tick(20);
    solo.receive('heartbeatRequest', 2, { term: 1 });
    // An answer to a question from before the heartbeat brings the term of the candidate.
    solo.receive('preVoteResponse', 3, { term: 2, reject: true });
    expect(solo.raft.term).toBe(2);
    expect(solo.receive('voteRequest', 3, { term: 2 })).toMatchObject([{ reject: true }]);
    expect(solo.receive('voteRequest', 3, { term: 2, context: 1 })).toMatchObject([{ reject: false }]);
    const patient = new Solo([1, 2, 3], { readMode: 'lease', lease });
    patient.receive('heartbeatRequest', 2, { term: 1 });
    patient.receive('preVoteResponse', 3, { term: 2, reject: true });
    patient.tick(10);
    expect(patient.receive('voteRequest', 3, { term: 2 })).toMatchObject([{ reject: false }]);
  });

  test('canary lease-over-clock-jump: a paused leader would still serve', () => {
    const { confirm, readNow, pass } = leased('lease-over-clock-jump');
    confirm();
    pass(60_000);
    expect(readNow(1)).toBe(true);
  });
});
