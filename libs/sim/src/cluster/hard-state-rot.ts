import {
  type Kernels,
  pureKernels,
  type Random,
  randomChance,
  randomInteger,
  randomPick,
} from '@holdfast/io';
import { lastGroupOf, segmentOf } from '@holdfast/lsm';
import { decodeHardStates, LogRecordType } from '@holdfast/store';
import type { Inode } from '../world/disk-inode.ts';
import type { SimDisk } from '../world/sim-disk.ts';

/** Where a bit was flipped. */
export type RottenHardState = 'vote at the end of the log' | 'copy of the votes';

const KERNELS: Kernels = pureKernels;

/**
 * Flips one bit in one of the places that hold terms and votes, on the disk of a node that is down: in the last group of
 * its log, if that holds nothing else and so costs nothing else, or in one of the two copies. Undefined when a crash
 * has damaged a copy already and the log has no such group.
 */
export function rotHardState(
  disk: SimDisk,
  logDirectory: string,
  copiesDirectory: string,
  random: Random,
): RottenHardState | undefined {
  const vote = lastVote(disk, logDirectory);
  const copies = disk.files(copiesDirectory).filter(({ path, inode }) => {
    return decodeHardStates(KERNELS, path.endsWith('/1.votes') ? 1 : 2, inode.content()) !== undefined;
  });
  if (vote !== undefined && (copies.length < 2 || randomChance(random, 0.7))) {
    const { inode, offset, bytes } = vote;
    inode.flipBit(offset + randomInteger(random, 0, bytes - 1), randomInteger(random, 0, 7));
    return 'vote at the end of the log';
  }
  if (copies.length < 2) return undefined;
  randomPick(random, copies).inode.flipBit(randomInteger(random, 0, 31), randomInteger(random, 0, 7));
  return 'copy of the votes';
}

/** A record of the last group of the log, if it is one of hard states only. */
function lastVote(
  disk: SimDisk,
  directory: string,
): { readonly inode: Inode; readonly offset: number; readonly bytes: number } | undefined {
  let newest: { readonly segment: number; readonly inode: Inode } | undefined;
  for (const { path, inode } of disk.files(directory)) {
    const segment = segmentOf(path.slice(path.lastIndexOf('/') + 1));
    if (segment !== undefined && segment > (newest?.segment ?? 0)) newest = { segment, inode };
  }
  if (newest === undefined) return undefined;
  const records = lastGroupOf(KERNELS, newest.segment, newest.inode.content());
  const last = records.at(-1);
  if (last === undefined || records.some(({ type }) => type !== LogRecordType.hardState)) return undefined;
  return { inode: newest.inode, offset: last.offset, bytes: last.bytes };
}
