import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError } from '@holdfast/io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STRESS_MS_MAX } from '../testing/stress-parts.ts';
import { LOCK_FILE_NAME, lockDirectory } from './directory-lock.ts';
import { loadLibc } from './libc.ts';
import { isAlive, ownIdentity } from './process-identity.ts';

type Way = 'kernel' | 'file';

/** A process that tries to lock a directory, reports `locked` or the error's code, and waits to be killed. */
async function holder(directory: string, way: Way): Promise<{ child: ChildProcess; report: unknown }> {
  const child = fork(join(import.meta.dirname, '..', 'testing', 'lock-holder.ts'), [directory, way], {
    execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
  });
  const [report] = (await once(child, 'message')) as [unknown];
  return { child, report };
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

describe.each(['kernel', 'file'] as const)(
  'the lock of a directory, by %s',
  { timeout: STRESS_MS_MAX },
  (way) => {
    const libc = way === 'kernel' ? loadLibc() : undefined;
    const lock = (directory: string) => lockDirectory(directory, libc ?? null);
    let directory: string;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'holdfast-lock-'));
    });
    afterEach(() => rm(directory, { recursive: true }));

    it('excludes another process while that lives, names it, and is free after kill -9', async () => {
      const { child, report } = await holder(directory, way);
      expect(report).toBe('locked');
      expect(() => lock(directory)).toThrow(
        new DiskError('ELOCKED', 'lock', directory, { detail: `by process ${child.pid}` }),
      );
      await killed(child);
      const own = lock(directory);
      const second = await holder(directory, way);
      expect(second.report).toBe('ELOCKED');
      await killed(second.child);
      await own.release();
      expect((await readdir(directory)).filter((name) => name !== LOCK_FILE_NAME)).toEqual([]);
    });

    it('excludes a process that locks the other way', async () => {
      const { child, report } = await holder(directory, way === 'kernel' ? 'file' : 'kernel');
      expect(report).toBe('locked');
      expect(() => lock(directory)).toThrow(/ELOCKED/);
      await killed(child);
      await lock(directory).release();
    });

    it('takes over from a process that no longer is what its pid says', async () => {
      const [pid, , boot] = ownIdentity().split(' ');
      await writeFile(join(directory, LOCK_FILE_NAME), `${pid} 1 ${boot} file`);
      const taken = lock(directory);
      expect(await readFile(join(directory, LOCK_FILE_NAME), 'utf8')).toContain(ownIdentity());
      await taken.release();
    });

    it('takes over from a machine that was booted again, and from a torn lock file', async () => {
      for (const content of [`${process.pid} 1 another-boot file`, '', '17', 'garbage\n']) {
        await writeFile(join(directory, LOCK_FILE_NAME), content);
        await lock(directory).release();
      }
    });

    it('refuses a directory that is not there', () => {
      expect(() => lock(join(directory, 'missing'))).toThrow(/ENOENT/);
    });
  },
);

describe('the identity of a process', () => {
  it('is alive for this one and dead for one that never was', () => {
    expect(isAlive(ownIdentity())).toBe(true);
    expect(isAlive(`${ownIdentity()} file`)).toBe(true);
    const [, start, boot] = ownIdentity().split(' ');
    expect(isAlive(`4194305 ${start} ${boot}`)).toBe(false);
    expect(isAlive('')).toBe(false);
  });
});
