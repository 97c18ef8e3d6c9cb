import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readFully, readFullySync, writeFully } from './positional-io.ts';

/** Bytes that the next calls of the system take or give at most; then they do all that is asked. */
const limits: number[] = [];

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  type Done = (error: Error | null, bytes: number) => void;
  const limit = (length: number): number => Math.min(length, limits.shift() ?? length);
  return {
    ...fs,
    write: (fd: number, bytes: Uint8Array, start: number, length: number, offset: number, done: Done) => {
      const taken = limit(length);
      if (taken === 0) setImmediate(done, null, 0);
      else fs.write(fd, bytes, start, taken, offset, done);
    },
    writev: (fd: number, chunks: readonly Uint8Array[], offset: number, done: Done) => {
      const all = Buffer.concat(chunks);
      const taken = limit(all.length);
      if (taken === 0) setImmediate(done, null, 0);
      else fs.write(fd, all, 0, taken, offset, done);
    },
    read: (fd: number, target: Uint8Array, start: number, length: number, offset: number, done: Done) => {
      fs.read(fd, target, start, Math.max(1, limit(length)), offset, done);
    },
    readSync: (fd: number, target: Uint8Array, start: number, length: number, offset: number) =>
      fs.readSync(fd, target, start, Math.max(1, limit(length)), offset),
  };
});

describe('positional input and output', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-positional-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const withFile = async (work: (fd: number, path: string) => Promise<void>): Promise<void> => {
    const path = join(directory, 'file');
    const fd = openSync(path, 'w+');
    try {
      await work(fd, path);
    } finally {
      limits.length = 0;
      closeSync(fd);
    }
  };

  it('writes and reads everything, however short the single calls are', async () => {
    const chunk = fc.uint8Array({ maxLength: 40 });
    const short = fc.integer({ min: 1, max: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(chunk, { maxLength: 8 }),
        fc.array(short, { maxLength: 12 }),
        (chunks, shorts) =>
          withFile(async (fd, path) => {
            const expected = Buffer.concat([Buffer.from('head'), ...chunks]);
            await writeFully(fd, [Buffer.from('head')], 0);
            limits.push(...shorts);
            await writeFully(fd, chunks, 4);
            limits.length = 0;
            expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
            const target = new Uint8Array(expected.length + 5);
            limits.push(...shorts);
            expect(await readFully(fd, target, 0)).toBe(expected.length);
            expect(Buffer.compare(target.subarray(0, expected.length), expected)).toBe(0);
            limits.push(...shorts);
            expect(readFullySync(fd, target.fill(0), 0)).toBe(expected.length);
            expect(Buffer.compare(target.subarray(0, expected.length), expected)).toBe(0);
          }),
      ),
      { numRuns: 60 },
    );
  });

  it('does not ask for ever a device that takes nothing', async () => {
    await withFile(async (fd) => {
      limits.push(1, 0);
      await expect(writeFully(fd, [Uint8Array.of(1, 2, 3)], 0)).rejects.toMatchObject({ code: 'EIO' });
    });
  });
});
