import { nodeId, Prng, pureKernels, randomInteger, type RangeId, rangeId, readWholeFile } from '@holdfast/io';
import { exploreCrashes, SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { HardStateCopies, laterPromise } from './hard-state-copies.ts';
import {
  decodeHardStates,
  encodeHardStates,
  HARD_STATE_GROUPS_MAX,
  type Promised,
} from './hard-state-format.ts';

const DIRECTORY = '/hard-state';
const GROUPS = [rangeId(1), rangeId(2), rangeId(7)];

function read(disk: SimDisk): Promise<HardStateCopies> {
  return HardStateCopies.read(disk, DIRECTORY, pureKernels);
}

function commit(copies: HardStateCopies): Promise<void> {
  return new Promise((resolve, reject) => {
    copies.commit((error) => (error === undefined ? resolve() : reject(error)));
  });
}

function fileOf(disk: SimDisk, copy: 1 | 2) {
  const found = disk.files(DIRECTORY).find(({ path }) => path === `${DIRECTORY}/${copy}.votes`);
  if (found === undefined) throw new Error(`copy ${copy} is missing`);
  return found.inode;
}

/** Whatever is acknowledged is known, or something later. */
function expectAtLeast(
  found: ReadonlyMap<RangeId, Promised>,
  promised: ReadonlyMap<RangeId, Promised>,
): void {
  for (const [group, promise] of promised) {
    const known = found.get(group) ?? { term: 0, vote: 0 };
    expect(laterPromise(known, promise), `group ${group}`).toEqual(known);
  }
}

describe('the copies of the hard states', () => {
  it('are not valid with any single bit flipped', () => {
    const groups = new Map(GROUPS.map((group, i) => [group, { term: 5 + i, vote: nodeId(i + 1) }]));
    const bytes = encodeHardStates(pureKernels, 1, { sequence: 9, groups });
    expect(decodeHardStates(pureKernels, 1, bytes)).toEqual({ sequence: 9, groups });
    for (let bit = 0; bit < (32 + 3 * 16) * 8; bit++) {
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect(decodeHardStates(pureKernels, 1, bytes), `bit ${bit}`).toBeUndefined();
      bytes[bit >> 3] ^= 1 << (bit & 7);
    }
  });

  it('are valid only in their own file, and only whole', () => {
    const groups = new Map(
      Array.from({ length: 400 }, (_, i) => [rangeId(i + 1), { term: i, vote: 0 as const }]),
    );
    const bytes = encodeHardStates(pureKernels, 2, { sequence: 1, groups });
    expect(bytes.length).toBe(8192);
    expect(decodeHardStates(pureKernels, 2, bytes)?.groups).toEqual(groups);
    expect(decodeHardStates(pureKernels, 1, bytes)).toBeUndefined();
    expect(decodeHardStates(pureKernels, 2, bytes.subarray(0, 4096))).toBeUndefined();
    expect(decodeHardStates(pureKernels, 2, new Uint8Array(4096))).toBeUndefined();
    expect(decodeHardStates(pureKernels, 2, new Uint8Array(0))).toBeUndefined();
  });

  it('have a limit of groups', () => {
    const groups = new Map<RangeId, Promised>();
    for (let i = 1; i <= HARD_STATE_GROUPS_MAX; i++) groups.set(rangeId(i), { term: 1, vote: 0 });
    expect(encodeHardStates(pureKernels, 1, { sequence: 1, groups }).length).toBeGreaterThan(2 ** 24);
    groups.set(rangeId(HARD_STATE_GROUPS_MAX + 1), { term: 1, vote: 0 });
    expect(() => encodeHardStates(pureKernels, 1, { sequence: 1, groups })).toThrow('HARD_STATE_GROUPS_MAX');
  });

  it('refuse a later format', () => {
    const bytes = encodeHardStates(pureKernels, 1, { sequence: 1, groups: new Map() });
    bytes[8] = 2;
    new DataView(bytes.buffer).setUint32(4, pureKernels.crc32(bytes, 8, 32, 0), true);
    expect(() => decodeHardStates(pureKernels, 1, bytes)).toThrow('hard states in format 2');
  });

  it('hold every acknowledged promise after a power loss at any moment, restarts included', async () => {
    const points = await exploreCrashes<ReadonlyMap<RangeId, Promised>>({
      seed: 1,
      outcomes: 4,
      script: async (disk, acknowledge) => {
        const random = new Prng(3);
        for (let life = 0; life < 3; life++) {
          const copies = await read(disk);
          await copies.rewrite();
          for (let step = 0; step < 4; step++) {
            for (const group of GROUPS) {
              if (randomInteger(random, 0, 1) === 0) continue;
              const { term } = copies.groups.get(group) ?? { term: 0 };
              copies.note(group, { term: term + 1, vote: nodeId(randomInteger(random, 1, 3)) });
            }
            await commit(copies);
            acknowledge(new Map(copies.groups));
          }
          await copies.close();
        }
      },
      verify: async (disk, acknowledged) => {
        const copies = await read(disk);
        if (acknowledged === undefined) return;
        expect(copies.state).toBe('readable');
        expectAtLeast(copies.groups, acknowledged);
        // And it goes on from there.
        await copies.rewrite();
        for (const copy of [1, 2] as const) {
          const bytes = await readWholeFile(disk, `${DIRECTORY}/${copy}.votes`);
          expectAtLeast(decodeHardStates(pureKernels, copy, bytes)?.groups ?? new Map(), acknowledged);
        }
      },
    });
    expect(points).toBeGreaterThan(30);
  });

  it('answer when both files are synced, and lose nothing with either of them', async () => {
    for (const damaged of [1, 2] as const) {
      const disk = new SimDisk({ seed: damaged });
      const copies = await read(disk);
      expect(copies.state).toBe('absent');
      await copies.rewrite();
      copies.note(rangeId(1), { term: 4, vote: nodeId(2) });
      await commit(copies);
      const left = disk.ifCrashed({ keep: 'none' });
      fileOf(left, damaged).flipBit(40, 3);
      const found = await read(left);
      expect(found.state).toBe('readable');
      expect(found.groups).toEqual(new Map([[1, { term: 4, vote: 2 }]]));
      // The damaged one is repaired first: the other one could be torn by a crash meanwhile.
      const writes: string[] = [];
      const watched = left.ifCrashed({
        options: { onOperation: ({ kind, path }) => (kind === 'write' ? void writes.push(path) : undefined) },
      });
      await (await read(watched)).rewrite();
      expect(writes).toEqual([`${DIRECTORY}/${damaged}.votes`, `${DIRECTORY}/${3 - damaged}.votes`]);
    }
  });

  it('are unreadable only when both are damaged', async () => {
    const disk = new SimDisk({ seed: 1 });
    await (await read(disk)).rewrite();
    fileOf(disk, 1).flipBit(5, 0);
    expect((await read(disk)).state).toBe('readable');
    fileOf(disk, 2).flipBit(5, 0);
    expect((await read(disk)).state).toBe('unreadable');
  });

  it('tell everybody of a failed write, and stay failed', async () => {
    const disk = new SimDisk({ seed: 1 });
    const copies = await read(disk);
    await copies.rewrite();
    disk.faults.syncErrors = 1;
    copies.note(rangeId(1), { term: 1, vote: 0 });
    const both = [commit(copies), commit(copies)];
    for (const failed of both) await expect(failed).rejects.toThrow('is broken by an earlier failure');
    disk.faults.syncErrors = 0;
    await expect(commit(copies)).rejects.toThrow('is broken by an earlier failure');
    expect(copies.settled).toBe(false);
  });
});
