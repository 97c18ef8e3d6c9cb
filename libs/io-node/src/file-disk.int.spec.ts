import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const RECORD_BYTES = 5_000;
const KILLS = 4;

describe.each(['pool', 'thread', 'caller'])('synced writes by the %s', (by) => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-kill-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('are all there after kill -9, life after life', async () => {
    const path = join(directory, 'records');
    let acknowledged = -1;
    for (let life = 1; life <= KILLS; life++) {
      const child = start(path, by);
      let inThisLife = 0;
      const enough = Promise.withResolvers<void>();
      child.on('message', (number: number) => {
        acknowledged = number;
        if (++inThisLife === life * 7) enough.resolve();
      });
      await enough.promise;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      const content = await readFile(path);
      expect(content.length).toBeGreaterThanOrEqual((acknowledged + 1) * RECORD_BYTES);
      for (let number = 0; number <= acknowledged; number++) {
        const record = content.subarray(number * RECORD_BYTES, (number + 1) * RECORD_BYTES);
        expect(record.readUInt32LE(0)).toBe(number);
        expect(record.subarray(4).every((byte) => byte === (number & 0xff))).toBe(true);
      }
    }
  });
});

function start(path: string, by: string): ChildProcess {
  return fork(join(import.meta.dirname, '..', 'testing', 'record-writer.ts'), [path, by], {
    execArgv: ['--conditions=source'],
  });
}
