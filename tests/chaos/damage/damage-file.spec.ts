import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileDisk, nodeKernels } from '@holdfast/io-node';
import { type LogRecord, SegmentedLog } from '@holdfast/lsm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { damageLog, damageTable } from './damage-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-damage-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function openLog(records: LogRecord[]): Promise<SegmentedLog> {
  return SegmentedLog.open({
    disk: new FileDisk(),
    directory: join(directory, 'log'),
    kernels: nodeKernels,
    segmentBytes: 16 * 1024,
    onRecord: (record) => void records.push(record),
  });
}

it('damages a log so that it is refused, and repairs it', async () => {
  const log = await openLog([]);
  for (let i = 1; i <= 30; i++) {
    log.append(1, [new Uint8Array(20).fill(i)]);
    await new Promise<void>((resolve, reject) => {
      log.commit((error) => (error === undefined ? resolve() : reject(error)));
    });
  }
  await log.close();
  const damage = damageLog(directory);
  await expect(openLog([])).rejects.toThrow(/damaged log \S+ at byte \d+/);
  damage.repair();
  const records: LogRecord[] = [];
  await (await openLog(records)).close();
  expect(records.length).toBe(30);
});

it('refuses a log that is too short to have a middle', async () => {
  await (await openLog([])).close();
  expect(() => damageLog(directory)).toThrow('no segment with records enough');
});

it('flips one byte of a table, in place, and back', () => {
  mkdirSync(join(directory, 'tree'));
  const path = join(directory, 'tree', '000001.sst');
  const before = Buffer.alloc(1_000, 7);
  writeFileSync(path, before);
  const damage = damageTable(directory, 0.25);
  const changed = [...readFileSync(path)].flatMap((byte, i) => (byte === before[i] ? [] : [i]));
  expect(changed).toEqual([250]);
  damage.repair();
  expect(readFileSync(path)).toEqual(before);
});
