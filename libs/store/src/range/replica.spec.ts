import { EMPTY_BYTES, nodeId, Prng, rangeId } from '@holdfast/io';
import { Tree } from '@holdfast/lsm';
import { confStateOf, type Entry, Raft } from '@holdfast/raft';
import { SimDisk } from '@holdfast/sim';
import { expect, it } from 'vitest';
import { HybridClock } from '../hybrid-clock.ts';
import { GroupLog } from '../log/group-log.ts';
import { Replica } from './replica.ts';
import { StateMachine } from './state-machine.ts';

const RANGE = rangeId(2);
const NO_LIMITS = { logKeepBytes: 0, logBytesMax: 0, logDiskBytesKeep: 0, logDiskBytesMax: 0 };

/** A follower whose log holds entries 1 .. 10; the first three are applied as far as Raft knows. */
async function follower(): Promise<Replica> {
  const random = new Prng(1);
  const clock = new HybridClock({
    wallMs: () => 0,
    monotonicMs: () => 0,
    schedule: () => () => undefined,
    defer: () => undefined,
  });
  const conf = confStateOf([nodeId(1), nodeId(2), nodeId(3)]);
  const entries = Array.from({ length: 10 }, (_, i): Entry => ({
    index: i + 1,
    term: 1,
    kind: 0,
    data: new Uint8Array(100),
  }));
  const log = new GroupLog({
    hardState: { term: 1, vote: 0, commit: 10 },
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
    descriptor: { id: RANGE, start: EMPTY_BYTES, end: EMPTY_BYTES, generation: 1, conf },
    applied: { index: 3, term: 1, revision: 1 },
    clock,
    observer: {},
  });
}

it('keeps what Raft has not handed out, although a snapshot has made later state durable', async () => {
  const replica = await follower();
  replica.compactLog(8, NO_LIMITS, 0, true);
  expect(replica.log.firstIndex()).toBe(4);
  // Raft has everything committed, and hands it out.
  expect(replica.raft.ready().committed.map(({ index }) => index)).toEqual([4, 5, 6, 7, 8, 9, 10]);
});
