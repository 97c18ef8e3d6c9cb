import { type Clock, EMPTY_BYTES, neverBuggify, nodeId, Prng, pureKernels } from '@holdfast/io';
import { Tree, WriteBatch } from '@holdfast/lsm';
import { EntryKind, type Ready } from '@holdfast/raft';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { HybridClock } from '../hybrid-clock.ts';
import { NodeLog } from '../log/node-log.ts';
import { RecoveredGroup } from '../log/recovered-group.ts';
import { appliedMarkOf, encodeAppliedMark } from '../range/applied-mark.ts';
import { CommandBuilders } from '../range/command-builders.ts';
import { META_RANGE } from './bootstrap.ts';
import { alignWithTree, keepBases, openReplicas } from './recovery.ts';

function groupOf(commit: number, ...terms: readonly number[]): RecoveredGroup {
  const group = new RecoveredGroup();
  group.hardState = { term: 4, vote: 0, commit };
  group.append(terms.map((term, i) => ({ index: i + 1, term, kind: EntryKind.normal, data: EMPTY_BYTES })));
  return group;
}

describe('alignWithTree', () => {
  it('does not take an old leader’s entries for committed because their replacement was lost', () => {
    // Entries 2 .. 9 of term 4 and the news that 8 is committed were handed out together; the entries were lost.
    const group = groupOf(8, 2, 2, 2);
    alignWithTree(group, { index: 1, term: 2, revision: 1 });
    expect(group.hardState).toEqual({ term: 4, vote: 0, commit: 1 });
    expect(group.lastIndex).toBe(3);
  });

  it('starts the log behind what the tree holds and the log does not', () => {
    const group = groupOf(1, 2, 2);
    alignWithTree(group, { index: 5, term: 5, revision: 1 });
    expect(group.hardState).toEqual({ term: 5, vote: 0, commit: 5 });
    expect(group.lastIndex).toBe(5);
  });
});

const CLOCK: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  schedule: () => () => undefined,
  defer: () => undefined,
};

describe('a node whose tree is ahead of its log', () => {
  const disk = new SimDisk({ seed: 1 });

  async function start(): Promise<{ readonly tree: Tree; readonly log: NodeLog; readonly last: number }> {
    const tree = await Tree.open({ disk, directory: '/data/tree' });
    const { log, groups } = await NodeLog.open({
      disk,
      directory: '/data/log',
      hardStateDirectory: '/data/hard-state',
      kernels: pureKernels,
    });
    const parts = {
      tree,
      nodeId: nodeId(1),
      settings: { electionTicks: 10, heartbeatTicks: 2, buggify: neverBuggify },
      random: new Prng(1),
      hybridClock: new HybridClock(CLOCK),
      observer: {},
      builders: new CommandBuilders(),
    };
    const replicas = await openReplicas(parts, groups, [{ id: nodeId(1), address: 'a:1' }]);
    keepBases(log, replicas);
    return { tree, log, last: replicas.get(META_RANGE)?.log.lastIndex() ?? 0 };
  }

  async function persist(log: NodeLog, index: number, term: number): Promise<void> {
    const entries = [{ index, term, kind: EntryKind.normal, data: EMPTY_BYTES }];
    const ready: Ready = {
      softState: undefined,
      messages: [],
      snapshot: undefined,
      hardState: { term, vote: 0, commit: 0 },
      entries,
      messagesAfterPersist: [],
      committed: [],
      readStates: [],
      readsDropped: [],
      snapshotsNeeded: [],
      mustSync: true,
    };
    log.append(META_RANGE, ready);
    await new Promise<void>((resolve, reject) => {
      log.commit((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  it('starts again and again, whatever is appended in between', async () => {
    const first = await start();
    await persist(first.log, 1, 1);
    // A quorum of others had entries 2 .. 5; they were applied and flushed, and the power went.
    const batch = new WriteBatch();
    batch.mark(appliedMarkOf(META_RANGE), encodeAppliedMark({ index: 5, term: 1, revision: 9 }));
    first.tree.apply(batch);
    await first.tree.flush();
    await first.tree.close();
    await first.log.close();
    const second = await start();
    expect(second.last).toBe(5);
    await persist(second.log, 6, 1);
    await second.tree.close();
    await second.log.close();
    expect((await start()).last).toBe(6);
  });
});
