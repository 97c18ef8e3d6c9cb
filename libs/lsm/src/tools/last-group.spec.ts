import { pureKernels, readWholeFile } from '@holdfast/io';
import { SimDisk } from '@holdfast/sim';
import { describe, expect, it } from 'vitest';
import { SegmentedLog } from '../log/segmented-log.ts';
import { lastGroupOf } from './last-group.ts';

const PATH = '/log/00000000000001.log';

async function logOf(...groups: readonly (readonly number[])[]): Promise<Uint8Array> {
  const disk = new SimDisk({ seed: 1 });
  const log = await SegmentedLog.open({
    disk,
    directory: '/log',
    segmentBytes: 4096,
    onRecord: () => undefined,
  });
  for (const types of groups) {
    for (const type of types) log.append(type, [new Uint8Array(20).fill(type)]);
    await new Promise<void>((resolve, reject) => {
      log.commit((error) => (error === undefined ? resolve() : reject(error)));
    });
  }
  await log.close();
  return readWholeFile(disk, PATH);
}

describe('lastGroupOf', () => {
  it('gives the records of the last group, which recovery would cut if they were damaged', async () => {
    const bytes = await logOf([1, 2], [3], [4, 5]);
    const group = lastGroupOf(pureKernels, 1, bytes);
    expect(group.map(({ type }) => type)).toEqual([4, 5]);
    const [first] = group;
    bytes[first.offset + first.bytes - 1] ^= 1;
    expect(lastGroupOf(pureKernels, 1, bytes)).toEqual([]);
  });

  it('gives nothing when something valid stands behind, or nothing at all is there', async () => {
    const bytes = await logOf([1], [2], [3]);
    const [last] = lastGroupOf(pureKernels, 1, bytes);
    const damaged = bytes.slice();
    damaged[last.offset - 30] ^= 1;
    expect(lastGroupOf(pureKernels, 1, damaged)).toEqual([]);
    expect(lastGroupOf(pureKernels, 1, await logOf())).toEqual([]);
  });
});
