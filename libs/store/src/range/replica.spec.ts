import { EMPTY_BYTES, nodeId, Prng, rangeId } from '@holdfast/io';
import { Tree } from '@holdfast/lsm';
import {
  confStateOf,
  encodeConfChange,
  type Entry,
  EntryKind,
  type Message,
  MessageKind,
  Raft,
  type Ready,
} from '@holdfast/raft';
import { SimDisk } from '@holdfast/sim';
import { expect, it } from 'vitest';
import { HybridClock } from '../hybrid-clock.ts';
import { GroupLog } from '../log/group-log.ts';
import { CommandBuilders } from './command-builders.ts';
import type { WriteFailure } from './proposals.ts';
import { Replica } from './replica.ts';
import { StateMachine } from './state-machine.ts';

const RANGE = rangeId(2);
const NO_LIMITS = { logKeepBytes: 0, logBytesMax: 0, logDiskBytesKeep: 0, logDiskBytesMax: 0 };

/** A follower whose log holds entries 1 .. `last`; the first three are applied as far as Raft knows. */
async function follower(last: number): Promise<Replica> {
  const random = new Prng(1);
  const clock = new HybridClock({
    wallMs: () => 0,
    monotonicMs: () => 0,
    schedule: () => () => undefined,
    defer: () => undefined,
  });
  const conf = confStateOf([nodeId(1), nodeId(2), nodeId(3)]);
  const entries = Array.from({ length: last }, (_, i): Entry => ({
    index: i + 1,
    term: 1,
    kind: 0,
    data: new Uint8Array(100),
  }));
  const log = new GroupLog({
    hardState: { term: 1, vote: 0, commit: last },
    conf,
    baseIndex: 0,
    baseTerm: 0,
    entries,
  });
  const raft = new Raft(
    { id: nodeId(1), group: RANGE, electionTicks: 10, heartbeatTicks: 1, applied: 3, clock },
    log,
    random,
  );
  const tree = await Tree.open({ disk: new SimDisk({ seed: 1 }), directory: '/t' });
  return new Replica({
    raft,
    log,
    stateMachine: new StateMachine(tree, RANGE),
    descriptor: { id: RANGE, start: EMPTY_BYTES, end: EMPTY_BYTES, generation: 1, conf, confRevision: 0 },
    applied: { index: 3, term: 1, revision: 1 },
    clock,
    observer: {},
    builders: new CommandBuilders(),
  });
}

it('keeps what Raft has not handed out, although a snapshot has made later state durable', async () => {
  const replica = await follower(10);
  replica.compactLog(8, NO_LIMITS, 0, true);
  expect(replica.log.firstIndex()).toBe(4);
  // Raft has everything committed, and hands it out.
  expect(replica.raft.ready().committed.map(({ index }) => index)).toEqual([4, 5, 6, 7, 8, 9, 10]);
});

it('keeps what the log has not synced, although others have, and it is applied', async () => {
  const replica = await follower(5);
  const entries = [6, 7, 8].map((index): Entry => ({ index, term: 1, kind: 0, data: EMPTY_BYTES }));
  replica.raft.step({
    kind: MessageKind.appendRequest,
    group: RANGE,
    from: nodeId(2),
    to: nodeId(1),
    term: 1,
    index: 5,
    logTerm: 1,
    commit: 8,
    reject: false,
    rejectHint: 0,
    context: 0,
    clock: 0,
    entries,
    snapshot: undefined,
  });
  const ready = replica.raft.ready();
  expect(ready.committed.at(-1)?.index).toBe(8);
  replica.raft.advance(ready);
  replica.raft.applied(8);
  // Entry 8 is in an SSTable, and in a segment of the node's log that is to go.
  replica.compactLog(8, NO_LIMITS, 8, true);
  expect(replica.log.firstIndex()).toBe(6);
});

/** Carries the messages of the vote to node 2 and back, as long as there are any. */
function elect(replica: Replica): void {
  replica.raft.campaign();
  for (let round = 0; round < 4; round++) {
    for (const message of perform(replica)) {
      const isVote = message.kind === MessageKind.preVoteRequest || message.kind === MessageKind.voteRequest;
      if (!isVote || message.to !== 2) continue;
      const kind =
        message.kind === MessageKind.voteRequest ? MessageKind.voteResponse : MessageKind.preVoteResponse;
      replica.raft.step({ ...message, kind, from: nodeId(2), to: nodeId(1) });
    }
  }
  expect(replica.isLeader).toBe(true);
}

/** One turn with a log that syncs at once. Returns what was sent. */
function perform(replica: Replica): readonly Message[] {
  const sent: Message[] = [];
  const readies: Ready[] = [];
  const out = {
    send: (message: Message) => void sent.push(message),
    persist: (_: Replica, ready: Ready) => void readies.push(ready),
    commitUnannounced: () => undefined,
    sendSnapshot: () => undefined,
    wake: () => undefined,
    fail: (error: unknown) => {
      throw error;
    },
  };
  replica.turn(out, true);
  for (const ready of readies) replica.persisted(ready, out);
  replica.apply(out);
  return sent;
}

it('tells who proposed that a change of the configuration has taken the place', async () => {
  const replica = await follower(3);
  elect(replica);
  const failures: WriteFailure[] = [];
  const waiter = {
    applied: () => undefined,
    settled: () => undefined,
    failed: (_: number, failure: WriteFailure) => void failures.push(failure),
  };
  replica.mutation(waiter, 0).delete(1, Uint8Array.of(1));
  perform(replica);
  expect(replica.raft.last).toBe(5);
  // Node 2 is elected without these entries: its no-op and a change come where they stood.
  const { raft } = replica;
  const term = raft.term + 1;
  const change = encodeConfChange({
    steps: [{ action: 'add-learner', node: nodeId(4) }],
    transition: 'auto',
    context: EMPTY_BYTES,
  });
  raft.step({
    kind: MessageKind.appendRequest,
    group: RANGE,
    from: nodeId(2),
    to: nodeId(1),
    term,
    index: 3,
    logTerm: 1,
    commit: 5,
    reject: false,
    rejectHint: 0,
    context: 0,
    clock: 0,
    entries: [
      { index: 4, term, kind: EntryKind.normal, data: EMPTY_BYTES },
      { index: 5, term, kind: EntryKind.confChange, data: change },
    ],
    snapshot: undefined,
  });
  perform(replica);
  perform(replica);
  expect(replica.applied.index).toBe(5);
  expect(failures).toEqual(['superseded']);
});
