import { DiskError, utf8 } from '@holdfast/io';
import { CompactionAbortedError, type CompactionJob, CorruptionError } from '@holdfast/lsm';
import { expect, it } from 'vitest';
import {
  packError,
  packJob,
  packResult,
  unpackError,
  unpackJob,
  unpackResult,
} from './compaction-message.ts';

const table = (number: number, smallest: string, largest: string): CompactionJob['runs'][number][number] => ({
  number,
  binding: 2 ** 33 + number,
  fileBytes: 4_096,
  entries: 10,
  tombstones: 1,
  rawBytes: 1_000,
  revisionMin: 1,
  revisionMax: 2 ** 52,
  smallestKey: utf8(smallest),
  largestKey: utf8(largest),
});

const job: CompactionJob = {
  directory: '/tree',
  runs: [[table(9, 'a', 'z')], [], [table(3, 'a', 'k'), table(4, 'l'.repeat(5_000), 'z')]],
  horizon: 17,
  rangeTombstones: [
    { start: utf8('b'), end: undefined, revision: 5 },
    { start: new Uint8Array(0), end: utf8('c'), revision: 6, appliedFrom: 7 },
  ],
  deeper: [[], [{ smallestKey: utf8('a'), largestKey: utf8('b') }]],
  tableBytes: 1,
  blockBytes: 2,
  restartInterval: 3,
  bloomBitsPerKey: 4,
  compression: 'zstd',
  numberFirst: 100,
  numberCount: 10,
  bindingBase: 2 ** 33,
  bytesPerSecond: 0,
};

it('carries a job to another thread as it is', () => {
  const packed = packJob(job);
  const sent = structuredClone(packed, { transfer: [packed.keys] });
  expect(packed.keys.byteLength).toBe(0);
  expect(unpackJob(sent)).toEqual(job);
});

it('carries a result back', () => {
  const result = { tables: [table(100, 'a', 'b'), table(101, 'c', 'd')], entriesRead: 7, entriesWritten: 6 };
  expect(unpackResult(structuredClone(packResult(result)))).toEqual(result);
  const nothing = { tables: [], entriesRead: 1, entriesWritten: 0 };
  expect(unpackResult(structuredClone(packResult(nothing)))).toEqual(nothing);
});

it('keeps the type of an error and what it tells', () => {
  const cross = (error: unknown): Error => unpackError(structuredClone(packError(error)));
  const damage = new CorruptionError('table', '/tree/000009.sst', 77, 'checksum of a block');
  expect(cross(damage)).toEqual(damage);
  expect(cross(damage)).toBeInstanceOf(CorruptionError);
  const full = cross(new DiskError('ENOSPC', 'write', '/tree/000100.sst', { detail: 'x' }));
  expect(full).toBeInstanceOf(DiskError);
  expect(full).toMatchObject({ code: 'ENOSPC', operation: 'write', path: '/tree/000100.sst' });
  expect(cross(new CompactionAbortedError('cancelled'))).toBeInstanceOf(CompactionAbortedError);
  expect(cross(new TypeError('a bug')).message).toMatch(/TypeError: a bug/);
  expect(cross('thrown').message).toMatch(/thrown/);
});
