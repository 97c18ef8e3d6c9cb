import { nodeId, type NodeId, rangeId, utf8 } from '@holdfast/io';
import {
  confStateOf,
  type Entry,
  type HardState,
  type Message,
  MessageKind,
  type Ready,
} from '@holdfast/raft';
import { describe, expect, it } from 'vitest';
import { RaftInvariants } from './raft-invariants.ts';
import { Coverage, type Violation } from './violation.ts';

const group = rangeId(1);
const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];

function checker() {
  const violations: Violation[] = [];
  const invariants = new RaftInvariants(
    (violation) => violations.push(violation),
    new Coverage(),
    confStateOf([one, two, three]),
  );
  const nodes = new Map([one, two, three].map((id) => [id, invariants.of(id)] as const));
  const node = (id: NodeId) => nodes.get(id)!;
  const found = () => violations.map(({ invariant }) => invariant);
  return { node, found, invariants };
}

function entry(index: number, term: number, text = `${index}.${term}`): Entry {
  return { index, term, kind: 0, data: utf8(text) };
}

function ready(parts: Partial<Ready>): Ready {
  return {
    softState: undefined,
    messages: [],
    snapshot: undefined,
    hardState: undefined,
    entries: [],
    messagesAfterPersist: [],
    committed: [],
    readStates: [],
    readsDropped: [],
    snapshotsNeeded: [],
    mustSync: true,
    ...parts,
  };
}

const hard = (term: number, vote: NodeId | 0, commit = 0): HardState => ({ term, vote, commit });

function message(kind: MessageKind, from: NodeId, to: NodeId, parts: Partial<Message>): Message {
  const none = { index: 0, logTerm: 0, commit: 0, reject: false, rejectHint: 0, context: 0, clock: 0 };
  return { kind, group, from, to, term: 1, ...none, entries: [], snapshot: undefined, ...parts };
}

/** Node 1 leads term 1; entry 1 is synced on nodes 1 and 2. */
function running() {
  const world = checker();
  const { node } = world;
  const vote = ready({ hardState: hard(1, one) });
  for (const id of [one, two]) {
    node(id).ready(group, vote);
    node(id).persisted(group, vote);
  }
  node(one).role(group, 'leader', 1, one);
  const append = ready({ entries: [entry(1, 1)] });
  for (const id of [one, two]) {
    node(id).ready(group, append);
    node(id).persisted(group, append);
  }
  return world;
}

function committed() {
  const world = running();
  world
    .node(one)
    .ready(group, ready({ hardState: hard(1, one, 1), committed: [entry(1, 1)], mustSync: false }));
  world.node(one).applied(group, entry(1, 1));
  return world;
}

describe('RaftInvariants', () => {
  it('holds while a leader commits, applies and restarts', () => {
    const { node, found, invariants } = committed();
    expect(invariants.leader(group)).toBeUndefined(); // Never recovered, so not known to be alive.
    node(one).recovered(group, { hardState: hard(1, one), applied: 1, last: 1 });
    expect(found()).toEqual([]);
    expect(invariants.committedEntries).toBe(1);
  });

  it.each<[string, (world: ReturnType<typeof checker>) => void, () => ReturnType<typeof checker>]>([
    ['one-leader-per-term', ({ node }) => node(two).role(group, 'leader', 1, two), running],
    ['leader-completeness', ({ node }) => node(three).role(group, 'leader', 2, three), committed],
    ['term-monotonic', ({ node }) => node(one).ready(group, ready({ hardState: hard(0, 0) })), running],
    ['one-vote-per-term', ({ node }) => node(one).ready(group, ready({ hardState: hard(1, two) })), running],
    [
      'commit-monotonic',
      ({ node }) => node(one).ready(group, ready({ hardState: hard(1, one, 0) })),
      committed,
    ],
    ['leader-append-only', ({ node }) => node(one).ready(group, ready({ entries: [entry(1, 1)] })), running],
    ['committed-stays', ({ node }) => node(one).ready(group, ready({ entries: [entry(1, 2)] })), committed],
    ['log-without-gap', ({ node }) => node(two).ready(group, ready({ entries: [entry(3, 1)] })), running],
    [
      'log-matching',
      ({ node }) => node(three).ready(group, ready({ entries: [entry(1, 1, 'other')] })),
      running,
    ],
    [
      'commit-at-most-last',
      ({ node }) => node(two).ready(group, ready({ hardState: hard(1, one, 2) })),
      running,
    ],
    [
      'committed-never-changes',
      ({ node }) => {
        node(three).ready(group, ready({ entries: [entry(1, 2)] }));
        node(three).ready(group, ready({ hardState: hard(2, three, 1), committed: [entry(1, 2)] }));
      },
      committed,
    ],
    [
      'commit-own-term',
      ({ node }) => {
        const next = ready({ hardState: hard(2, one) });
        node(one).ready(group, next);
        node(one).persisted(group, next);
        node(one).role(group, 'follower', 2, 0);
        node(one).role(group, 'leader', 2, one);
        node(one).ready(group, ready({ hardState: hard(2, one, 1), committed: [entry(1, 1)] }));
      },
      running,
    ],
    [
      'commit-needs-majority',
      ({ node }) => {
        node(one).ready(group, ready({ entries: [entry(2, 1)] }));
        node(one).ready(group, ready({ hardState: hard(1, one, 2), committed: [entry(1, 1), entry(2, 1)] }));
      },
      running,
    ],
    ['apply-in-order', ({ node }) => node(one).applied(group, entry(1, 1)), committed],
    ['applied-at-most-commit', ({ node }) => node(two).applied(group, entry(1, 1)), running],
    [
      'state-machine-safety',
      ({ node }) => {
        node(two).ready(group, ready({ hardState: hard(1, one, 1), committed: [entry(1, 1)] }));
        node(two).applied(group, entry(1, 2));
      },
      committed,
    ],
    [
      'same-state',
      ({ node }) => {
        node(one).wrote(group, 2, utf8('one thing'));
        node(two).wrote(group, 2, utf8('another'));
      },
      committed,
    ],
    [
      'vote-synced-before-sent',
      ({ node }) => node(three).sent(message(MessageKind.voteResponse, three, one, { term: 2 })),
      running,
    ],
    [
      'candidacy-synced-before-sent',
      ({ node }) => node(three).sent(message(MessageKind.voteRequest, three, one, { term: 2 })),
      running,
    ],
    [
      'append-synced-before-sent',
      ({ node }) => node(two).sent(message(MessageKind.appendResponse, two, one, { index: 2 })),
      running,
    ],
    [
      'term-synced-before-sent',
      ({ node }) => node(two).sent(message(MessageKind.appendResponse, two, one, { term: 2 })),
      running,
    ],
    [
      'synced-log-survives',
      ({ node }) => node(two).recovered(group, { hardState: hard(1, one), applied: 0, last: 0 }),
      running,
    ],
    [
      'synced-term-survives',
      ({ node }) => node(two).recovered(group, { hardState: hard(0, 0), applied: 0, last: 1 }),
      running,
    ],
    [
      'synced-vote-survives',
      ({ node }) => node(two).recovered(group, { hardState: hard(1, 0), applied: 0, last: 1 }),
      running,
    ],
    [
      'snapshot-is-committed',
      ({ node }) => {
        const meta = { index: 5, term: 1, conf: confStateOf([one]) };
        node(three).ready(group, ready({ snapshot: meta }));
      },
      committed,
    ],
  ])('reports %s', (invariant, breakIt, start) => {
    const world = start();
    expect(world.found()).toEqual([]);
    breakIt(world);
    expect(world.found()).toContain(invariant);
  });

  it('accepts after a crash what was on its way to the disk, in part or whole', () => {
    for (const last of [1, 2, 3]) {
      const { node, found } = running();
      node(two).ready(group, ready({ entries: [entry(2, 1)] }));
      node(two).ready(group, ready({ entries: [entry(3, 1)], hardState: hard(2, 0) }));
      node(two).recovered(group, {
        hardState: hard(last === 3 ? 2 : 1, last === 3 ? 0 : one),
        applied: 0,
        last,
      });
      expect(found()).toEqual([]);
    }
  });

  it('goes on behind the snapshot with which a state machine was repaired', () => {
    const { node, found } = running();
    const committed = [entry(1, 1), entry(2, 1)];
    const append = ready({ entries: [committed[1]!] });
    for (const id of [one, two]) {
      node(id).ready(group, append);
      node(id).persisted(group, append);
    }
    node(one).ready(group, ready({ hardState: hard(1, one, 2), committed, mustSync: false }));
    node(one).installed(group, { index: 1 });
    node(one).applied(group, committed[1]!);
    expect(found()).toEqual([]);
  });

  it('finds a state that nobody has committed', () => {
    const { node, found } = running();
    node(two).installed(group, { index: 7 });
    expect(found()).toEqual(['snapshot-is-committed']);
  });

  it('follows a log through a replaced suffix', () => {
    const { node, found } = running();
    const tail = ready({ entries: [entry(2, 1), entry(3, 1)] });
    node(two).ready(group, tail);
    node(two).persisted(group, tail);
    const replaced = ready({ entries: [entry(2, 2)], hardState: hard(2, 0) });
    node(two).ready(group, replaced);
    node(two).recovered(group, { hardState: hard(2, 0), applied: 0, last: 2 });
    expect(found()).toEqual([]);
  });
});
