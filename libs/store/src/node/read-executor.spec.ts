import {
  type Clock,
  type KeyspaceId,
  neverBuggify,
  type NodeId,
  pureKernels,
  type RangeId,
  utf8,
} from '@holdfast/io';
import { CorruptionError, type Tree } from '@holdfast/lsm';
import {
  Consistency,
  DataRequestBuilder,
  DataResponseBuilder,
  DataResponseReader,
  type Frame,
  FrameDecoder,
} from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { HybridClock, REVISION_EPOCH_MS, revisionOfWallMs } from '../hybrid-clock.ts';
import type { Replica } from '../range/replica.ts';
import { DataCall } from './data-call.ts';
import { ReadExecutor, ReadRounds } from './read-executor.ts';

const [range, keyspace] = [2 as RangeId, 1 as KeyspaceId];
const CLOCK: Clock = {
  wallMs: () => REVISION_EPOCH_MS,
  monotonicMs: () => 0,
  schedule: () => () => undefined,
  defer: () => undefined,
};

function frameOf(bytes: Uint8Array): Frame {
  const frames: Frame[] = [];
  new FrameDecoder(pureKernels).push(bytes, (frame) => frames.push(frame));
  return frames[0];
}

/** A read of one key at a revision, and what its client hears. */
function readCall(revision: number): { readonly call: DataCall; readonly heard: () => string } {
  let heard = '';
  const batch = new DataRequestBuilder();
  batch.get(range, keyspace, utf8('k'), revision, 5000);
  const head = { deadlineMs: 5000, consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0 };
  const call = new DataCall(
    { kernels: pureKernels, clockMark: () => 1, answered: () => undefined, finished: () => undefined },
    {
      open: true,
      bytesQueued: 0,
      reply: (bytes: Uint8Array) => {
        const {
          code,
          leaderHint = 0,
          revision: since = 0,
        } = DataResponseReader.read(frameOf(bytes).payload, 1).error(0);
        heard = `${code} ${code === 'HF_COMPACTED' ? since : leaderHint}`;
      },
    },
    frameOf(batch.toFrame(pureKernels, 7, 1, head)),
    new DataResponseBuilder(),
  );
  return { call, heard: () => heard };
}

const executorOf = (get: () => ReturnType<Tree['get']>, horizon: number): ReadExecutor =>
  new ReadExecutor({
    clock: CLOCK,
    hybridClock: new HybridClock(CLOCK),
    tree: { get } as unknown as Tree,
    buggify: neverBuggify,
    wake: () => undefined,
    horizon: () => horizon,
  });

/** What a client hears of a read, and whether leadership was given away. */
async function serve(
  { isLeader, leader }: { readonly isLeader: boolean; readonly leader: number },
  { get, horizon, revision }: { get: () => ReturnType<Tree['get']>; horizon: number; revision: number },
): Promise<{ heard: string; gaveAway: boolean }> {
  let gaveAway = false;
  const replica = {
    id: range,
    isLeader,
    leader,
    raft: { transferLeadership: () => void (gaveAway = true) },
  } as unknown as Replica;
  const { call, heard } = readCall(0);
  executorOf(get, horizon).serve(call, 0, replica, {
    served: Consistency.strong,
    stalenessMs: 0,
    nowMs: 0,
    revision,
    flags: 0,
  });
  await new Promise((resolve) => setImmediate(resolve));
  call.flush();
  return { heard: heard(), gaveAway };
}

const readDamaged = (isLeader: boolean, leader: number): ReturnType<typeof serve> =>
  serve(
    { isLeader, leader },
    {
      get: () => Promise.reject(new CorruptionError('table', 'tree/1.sst', 9, 'wrong checksum')),
      horizon: 0,
      revision: 0,
    },
  );

it('a read of old versions is refused when they have gone while its round went on', async () => {
  const get = (): never => {
    throw new Error('the tree is not asked');
  };
  const heard = await serve({ isLeader: true, leader: 1 }, { get, horizon: 9, revision: 8 });
  expect(heard).toEqual({ heard: 'HF_COMPACTED 9', gaveAway: false });
});

it.each([
  // Another leader's clock may be minutes ahead of this one's.
  [60_000, 'HF_UNAVAILABLE 0'],
  [3_600_000, 'HF_BAD_REQUEST 0'],
])('a read %i ms above the clock is refused, for now or for good', (aheadMs, expected) => {
  const get = (): never => {
    throw new Error('the tree is not asked');
  };
  const replica = { id: range, isLeader: true } as unknown as Replica;
  const { call, heard } = readCall(revisionOfWallMs(CLOCK.wallMs() + aheadMs));
  executorOf(get, 0).execute(call, 0, replica, new ReadRounds());
  call.flush();
  expect(heard()).toBe(expected);
});

describe('a strong read that reaches a node that does not lead', () => {
  const askFollower = (isVoter: boolean): { readonly heard: string; readonly asksLeader: boolean } => {
    const get = (): never => {
      throw new Error('the tree is not asked');
    };
    let asksLeader = false;
    const read = (): void => void (asksLeader = true);
    const replica = { id: range, isLeader: false, isVoter, leader: 3, read } as unknown as Replica;
    const { call, heard } = readCall(0);
    executorOf(get, 0).execute(call, 0, replica, new ReadRounds());
    call.flush();
    return { heard: heard(), asksLeader };
  };

  it('waits there for the word of the leader when the node votes', () => {
    expect(askFollower(true)).toEqual({ heard: '', asksLeader: true });
  });

  it('is sent on to the leader when it does not, since it may be about to go', () => {
    expect(askFollower(false)).toEqual({ heard: 'HF_NOT_LEADER 3', asksLeader: false });
  });
});

describe('a read that meets damage', () => {
  it('is refused by a leader, which gives its leadership away', async () => {
    expect(await readDamaged(true, 1)).toEqual({ heard: 'HF_CORRUPTION 0', gaveAway: true });
  });

  it('is sent on to the leader by a follower: asked again, it would fail again', async () => {
    const other = 3 as NodeId;
    expect(await readDamaged(false, other)).toEqual({ heard: 'HF_NOT_LEADER 3', gaveAway: false });
  });

  it('is refused by a follower that knows no leader', async () => {
    expect(await readDamaged(false, 0)).toEqual({ heard: 'HF_CORRUPTION 0', gaveAway: false });
  });
});
