import { nodeId, pureKernels, rangeId } from '@holdfast/io';
import { CorruptionError } from '@holdfast/lsm';
import { type Entry, EntryKind, type HardState, type Ready } from '@holdfast/raft';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import type { NodeLogCanary } from '../node/canary.ts';
import { NodeLog } from './node-log.ts';

const LOG = '/data/log';
const COPIES = '/data/hard-state';
const GROUP = rangeId(3);
const VOTED: HardState = { term: 7, vote: nodeId(2), commit: 0 };

function open(disk: SimDisk, canary?: NodeLogCanary) {
  return NodeLog.open({
    disk,
    directory: LOG,
    hardStateDirectory: COPIES,
    kernels: pureKernels,
    segmentBytes: 4096,
    ...(canary !== undefined && { canary }),
  });
}

function readyOf(hardState: HardState | undefined, entries: readonly Entry[] = []): Ready {
  return {
    softState: undefined,
    messages: [],
    snapshot: undefined,
    hardState,
    entries,
    messagesAfterPersist: [],
    committed: [],
    readStates: [],
    readsDropped: [],
    snapshotsNeeded: [],
    mustSync: true,
  };
}

function entry(index: number, term: number): Entry {
  return { index, term, kind: EntryKind.normal, data: new Uint8Array(40) };
}

async function persist(log: NodeLog, ready: Ready): Promise<void> {
  log.append(GROUP, ready);
  await new Promise<void>((resolve, reject) => {
    log.commit((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** A log with two entries, and a vote as the last thing in it. */
async function voted(disk: SimDisk): Promise<void> {
  const { log } = await open(disk);
  await persist(log, readyOf({ term: 6, vote: 0, commit: 0 }, [entry(1, 6), entry(2, 6)]));
  await persist(log, readyOf(VOTED));
  await log.close();
}

/** Flips a bit of the last byte that is not zero: in the last record of the log, which holds the vote. */
function rotLogEnd(disk: SimDisk): void {
  const segment = disk.files(LOG).find(({ path }) => /\/\d+\.log$/.test(path));
  if (segment === undefined) throw new Error('no segment');
  const bytes = new Uint8Array(segment.inode.size);
  segment.inode.read(bytes, 0);
  segment.inode.flipBit(
    bytes.findLastIndex((byte) => byte !== 0),
    6,
  );
}

function rotCopies(disk: SimDisk): void {
  for (const { inode } of disk.files(COPIES)) inode.flipBit(33, 1);
}

describe('a vote at the end of the node log', () => {
  it('is known from the copies when a bit of it flips, and the log gets it back', async () => {
    const disk = new SimDisk({ seed: 1 });
    await voted(disk);
    rotLogEnd(disk);
    const { log, groups } = await open(disk);
    expect(groups.get(GROUP)?.hardState).toEqual(VOTED);
    expect(groups.get(GROUP)?.entries).toHaveLength(2);
    await log.close();
    rotCopies(disk);
    const again = await open(disk);
    expect(again.groups.get(GROUP)?.hardState).toEqual(VOTED);
    await again.log.close();
  });

  it('is known from the log when both copies are damaged', async () => {
    const disk = new SimDisk({ seed: 1 });
    await voted(disk);
    rotCopies(disk);
    const { log, groups } = await open(disk);
    expect(groups.get(GROUP)?.hardState).toEqual(VOTED);
    await log.close();
    rotLogEnd(disk);
    expect((await open(disk)).groups.get(GROUP)?.hardState, 'the copies were made anew').toEqual(VOTED);
  });

  it('stops the node, and does so again, when neither can be read', async () => {
    const disk = new SimDisk({ seed: 1 });
    await voted(disk);
    rotLogEnd(disk);
    rotCopies(disk);
    for (let life = 0; life < 2; life++) {
      const opening = open(disk);
      await expect(opening).rejects.toBeInstanceOf(CorruptionError);
      await expect(opening).rejects.toThrow('may have promised more than it knows');
    }
  });

  it('would be forgotten if nobody read the copies', async () => {
    const disk = new SimDisk({ seed: 1 });
    await voted(disk);
    rotLogEnd(disk);
    const { groups } = await open(disk, 'hard-state-copy-unread');
    expect(groups.get(GROUP)?.hardState).toEqual({ term: 6, vote: 0, commit: 0 });
  });

  it('is known of a group of which the log holds nothing else', async () => {
    const disk = new SimDisk({ seed: 1 });
    const { log } = await open(disk);
    await persist(log, readyOf(VOTED));
    await log.close();
    rotLogEnd(disk);
    expect((await open(disk)).groups.get(GROUP)?.hardState).toEqual(VOTED);
  });
});

describe('the node log', () => {
  it('calls back for a vote when log and copies are synced, whatever is lost then', async () => {
    const disk = new SimDisk({ seed: 1 });
    const { log } = await open(disk);
    await persist(log, readyOf(VOTED));
    for (const lost of [LOG, COPIES]) {
      const left = disk.ifCrashed({ keep: 'none' });
      for (const { inode } of left.files(lost)) inode.truncate(0);
      if (lost === LOG) for (const { path } of left.files(LOG)) await left.remove(path);
      expect((await open(left)).groups.get(GROUP)?.hardState).toEqual(VOTED);
    }
  });

  it('writes nothing but the log for entries and commit indexes', async () => {
    let touched = 0;
    const disk = new SimDisk({
      seed: 1,
      onOperation: ({ path }) => (path.startsWith(COPIES) ? void touched++ : undefined),
    });
    const { log } = await open(disk);
    await persist(log, readyOf(VOTED));
    const before = touched;
    for (let index = 1; index <= 100; index++) {
      await persist(log, readyOf({ ...VOTED, commit: index - 1 }, [entry(index, 7)]));
    }
    expect(touched).toBe(before);
    await persist(log, readyOf({ term: 8, vote: 0, commit: 100 }));
    expect(touched).toBe(before + 2);
  });
});
