import { nodeId, Prng, pureKernels, randomInteger, type RangeId, rangeId } from '@holdfast/io';
import { type Entry, EntryKind, type HardState, type Ready } from '@holdfast/raft';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { NodeLog } from './node-log.ts';
import { RecoveredGroup } from './recovered-group.ts';

function readyOf(work: { readonly hardState?: HardState; readonly entries?: readonly Entry[] }): Ready {
  return {
    softState: undefined,
    messages: [],
    snapshot: undefined,
    hardState: work.hardState,
    entries: work.entries ?? [],
    messagesAfterPersist: [],
    committed: [],
    readStates: [],
    readsDropped: [],
    snapshotsNeeded: [],
    mustSync: true,
  };
}

function open(disk: SimDisk) {
  return NodeLog.open({
    disk,
    directory: '/log',
    hardStateDirectory: '/hard-state',
    kernels: pureKernels,
    segmentBytes: 2048,
  });
}

function commit(log: NodeLog): Promise<void> {
  return new Promise((resolve, reject) => {
    log.commit((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** What one group's log must hold, kept the dumb way. */
interface Model {
  hardState: HardState;
  base: number;
  entries: Entry[];
}

function sameEntries(group: RecoveredGroup, model: Model): boolean {
  const expected = model.entries.slice(group.baseIndex);
  return (
    group.entries.length === expected.length &&
    group.entries.every((entry, i) => entry.term === expected[i].term && entry.index === expected[i].index)
  );
}

function samePromise({ hardState }: RecoveredGroup, model: Model): boolean {
  return hardState.term === model.hardState.term && hardState.vote === model.hardState.vote;
}

function sameCommit({ hardState }: RecoveredGroup, model: Model): boolean {
  return hardState.commit === model.hardState.commit;
}

/** After a restart one group goes on alone, and every segment of the life before is dropped. */
async function forgetsNothingOfQuietGroups(
  disk: SimDisk,
  log: NodeLog,
  groups: ReadonlyMap<RangeId, RecoveredGroup>,
  label: string,
): Promise<void> {
  const busy = rangeId(1);
  let last = groups.get(busy)?.lastIndex ?? 0;
  const term = (groups.get(busy)?.hardState.term ?? 0) + 1;
  for (const [id, group] of groups) {
    const lastTerm = group.entries.at(-1)?.term;
    if (lastTerm !== undefined) log.compacted(id, group.lastIndex, lastTerm);
  }
  last++;
  const entries = [{ index: last, term, kind: EntryKind.normal, data: new Uint8Array(10) }];
  log.append(busy, readyOf({ hardState: { term, vote: 0, commit: 0 }, entries }));
  await commit(log);
  log.dropSegments();
  await log.close();
  const { groups: again } = await open(disk);
  for (const [id, group] of groups) {
    if (id === busy) continue;
    expect(again.get(id)?.hardState, `${label}, quiet group ${id}`).toEqual(group.hardState);
    expect(again.get(id)?.lastIndex, `${label}, quiet group ${id}`).toBe(group.lastIndex);
  }
}

describe('NodeLog', () => {
  it('names the groups that keep the oldest segment, and drops it when they let go', async () => {
    const { log } = await open(new SimDisk({ seed: 1 }));
    const [idle, busy] = [rangeId(1), rangeId(2)];
    const entry = (index: number): Entry => ({
      index,
      term: 1,
      kind: EntryKind.normal,
      data: new Uint8Array(600),
    });
    log.append(idle, readyOf({ entries: [entry(1)] }));
    for (let index = 1; index <= 20; index++) {
      log.append(busy, readyOf({ entries: [entry(index)] }));
      await commit(log);
    }
    const full = log.diskBytes;
    expect(full).toBeGreaterThan(4 * 2048);
    log.compacted(busy, 20, 1);
    log.dropSegments();
    await commit(log);
    expect(log.pinning()).toEqual([[idle, 1]]);
    expect(log.diskBytes).toBeGreaterThanOrEqual(full);
    log.compacted(idle, 1, 1);
    expect(log.pinning()).toEqual([]);
    log.dropSegments();
    await log.close();
    expect(log.diskBytes).toBeLessThanOrEqual(2 * 2048);
  });

  it('recovers every group as acknowledged, after a power loss at any moment, with segments dropped', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Prng(seed);
      const disk = new SimDisk({ seed, crashAfter: randomInteger(random, 1, 150) });
      const groups: RangeId[] = [rangeId(1), rangeId(2), rangeId(3)];
      const acknowledged = new Map<RangeId, Model>();
      const written = new Map<RangeId, Model>();
      for (const group of groups) {
        const empty = (): Model => ({ hardState: { term: 0, vote: 0, commit: 0 }, base: 0, entries: [] });
        acknowledged.set(group, empty());
        written.set(group, empty());
      }
      try {
        const { log } = await open(disk);
        for (let step = 0; step < 80; step++) {
          for (const group of groups) {
            if (randomInteger(random, 0, 2) === 0) continue;
            const model = written.get(group)!;
            const term = model.hardState.term + randomInteger(random, 0, 1);
            const first = Math.max(model.base + 1, model.entries.length + 1 - randomInteger(random, 0, 2));
            const entries = Array.from({ length: randomInteger(random, 0, 4) }, (_, i): Entry => ({
              index: first + i,
              term,
              kind: 0,
              data: new Uint8Array(randomInteger(random, 0, 200)),
            }));
            const hardState: HardState = { term, vote: nodeId(1 + (term % 3)), commit: model.base };
            log.append(group, readyOf({ hardState, entries }));
            model.hardState = hardState;
            if (entries.length > 0) model.entries = [...model.entries.slice(0, first - 1), ...entries];
          }
          await commit(log);
          for (const group of groups) {
            const { hardState, base, entries } = written.get(group)!;
            acknowledged.set(group, { hardState, base, entries: [...entries] });
          }
          if (step % 5 === 4) {
            for (const group of groups) {
              const model = written.get(group)!;
              if (model.entries.length === 0) continue;
              model.base = Math.max(model.base, model.entries.length - 3);
              if (model.base > 0) log.compacted(group, model.base, model.entries[model.base - 1].term);
            }
            log.dropSegments();
          }
        }
      } catch {
        // The power loss.
      }
      const survivor = disk.crash();
      const { log, groups: recovered } = await open(survivor);
      for (const group of groups) {
        const found = recovered.get(group) ?? new RecoveredGroup();
        // What the last, unacknowledged commit wrote may be there in part, record by record.
        const candidates = [acknowledged.get(group)!, written.get(group)!];
        const label = `seed ${seed}, group ${group}`;
        for (const same of [samePromise, sameCommit]) {
          expect(
            candidates.some((model) => same(found, model)),
            `${label}, ${same.name}`,
          ).toBe(true);
        }
        expect(
          candidates.some((model) => sameEntries(found, model)),
          label,
        ).toBe(true);
        expect(found.baseIndex, label).toBeLessThanOrEqual(written.get(group)!.base);
      }
      await forgetsNothingOfQuietGroups(survivor, log, recovered, `seed ${seed}`);
    }
  });

  it('keeps a segment of which a commit under way has told nothing yet', async () => {
    const timers: (() => void)[] = [];
    const disk = new SimDisk({ seed: 1, timer: { schedule: (_, task) => void timers.push(task) } });
    const step = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      timers.shift()?.();
    };
    const run = async <T>(work: Promise<T>): Promise<T> => {
      let settled = false;
      const mark = (): void => void (settled = true);
      work.then(mark, mark);
      for (let i = 0; i < 1_000 && !settled; i++) await step();
      expect(settled).toBe(true);
      return work;
    };
    const group = rangeId(1);
    const entry = (index: number): Entry => ({ index, term: 1, kind: 0, data: new Uint8Array(600) });
    const { log } = await run(open(disk));
    log.append(group, readyOf({ entries: [entry(1)] }));
    await run(commit(log));
    log.compacted(group, 1, 1);
    for (let i = 0; i < 12; i++) log.append(group, readyOf({ entries: [entry(i + 2)] }));
    const first = log.diskBytes;
    const committing = commit(log);
    // In the middle of a commit over several segments.
    for (let i = 0; i < 1_000 && log.diskBytes < first + 2 * 2048; i++) await step();
    expect(log.diskBytes).toBe(first + 2 * 2048);
    log.dropSegments();
    await run(committing);
    await run(log.close());
    const { groups } = await run(open(disk));
    expect(groups.get(group)?.entries.map(({ index }) => index)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 2),
    );
  });
});
