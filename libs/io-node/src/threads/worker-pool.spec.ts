import { transferable } from '@holdfast/io';
import { afterEach, describe, expect, it } from 'vitest';
import type { TestJob, TestResult } from '../../testing/job-worker.ts';
import { STRESS_MS_MAX } from '../../testing/stress-parts.ts';
import { JobError, WorkerPool } from './worker-pool.ts';

describe('WorkerPool', { timeout: STRESS_MS_MAX }, () => {
  let pool: WorkerPool<TestJob, TestResult>;
  const make = (threads: number) => {
    pool = new WorkerPool({ moduleUrl: import.meta.url, name: '../../testing/job-worker', threads });
    return pool;
  };
  afterEach(() => pool.close());

  it('performs jobs and gives each its own result', async () => {
    make(2);
    const results = Array.from({ length: 50 }, (_, value) => pool.run({ kind: 'double', value }));
    expect(pool.queued).toBe(48);
    expect(await Promise.all(results)).toEqual(Array.from({ length: 50 }, (_, value) => value * 2));
  });

  it('gives one job at a time to a thread', async () => {
    make(2);
    const words = new Int32Array(new SharedArrayBuffer(8));
    const waiting = pool.run({ kind: 'wait', words });
    await Atomics.waitAsync(words, 0, 0).value;
    const others = new Set(await Promise.all([1, 2, 3].map(() => pool.run({ kind: 'where' }))));
    expect(others.size).toBe(1);
    Atomics.store(words, 1, 1);
    Atomics.notify(words, 1);
    expect(await waiting).toBe(0);
  });

  it('keeps the code of a failure and the thread of a job that failed', async () => {
    make(1);
    const [before] = [await pool.run({ kind: 'where' })];
    await expect(pool.run({ kind: 'fail' })).rejects.toMatchObject({
      name: 'JobError',
      message: 'no space',
      code: 'ENOSPC',
    });
    expect(await pool.run({ kind: 'where' })).toBe(before);
  });

  it('fails the job of a thread that dies, and replaces the thread', async () => {
    make(1);
    const before = await pool.run({ kind: 'where' });
    const dying = pool.run({ kind: 'die' });
    const next = pool.run({ kind: 'where' });
    await expect(dying).rejects.toThrow(/ended: exit code 7/);
    expect(await next).not.toBe(before);
  });

  it('moves memory there and back', async () => {
    make(1);
    const bytes = transferable(Uint8Array.of(1, 2, 3).buffer);
    const result = pool.run({ kind: 'reverse', bytes }, [bytes]);
    expect(bytes.byteLength).toBe(0);
    expect([...new Uint8Array((await result) as ArrayBuffer)]).toEqual([3, 2, 1]);
  });

  it('stops running jobs and refuses others when it closes', async () => {
    make(1);
    const words = new Int32Array(new SharedArrayBuffer(8));
    const running = expect(pool.run({ kind: 'wait', words })).rejects.toThrow('stopped');
    const waiting = expect(pool.run({ kind: 'where' })).rejects.toThrow(/closed/);
    await Atomics.waitAsync(words, 0, 0).value;
    await pool.close();
    await running;
    await waiting;
    await expect(pool.run({ kind: 'where' })).rejects.toBeInstanceOf(JobError);
  });
});
