import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STRESS_MS_MAX } from '../../testing/stress-parts.ts';
import { LogWriter } from './log-writer.ts';

describe('LogWriter', { timeout: STRESS_MS_MAX }, () => {
  let directory: string;
  let writer: LogWriter;
  let path: string;
  let fd: number;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-log-'));
    path = join(directory, 'a');
    fd = openSync(path, 'w+');
    writer = new LogWriter();
  });
  afterEach(async () => {
    await writer.close();
    closeSync(fd);
    await rm(directory, { recursive: true });
  });

  it('writes chunks where they belong and answers each request', async () => {
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        writer.write(fd, [Uint8Array.of(i), Uint8Array.of(255 - i)], i * 2),
      ),
    );
    const content = readFileSync(path);
    expect(content.length).toBe(400);
    for (let i = 0; i < 200; i++) expect([content[i * 2], content[i * 2 + 1]]).toEqual([i, 255 - i]);
    const { requests, bytes, batches, syncs } = writer.stats;
    expect([requests, bytes]).toEqual([200, 400]);
    expect(batches).toBeLessThanOrEqual(200);
    expect(syncs).toBe(batches);
  });

  it('cuts what is larger than its ring, in the right order', async () => {
    const large = Uint8Array.from({ length: 9_000_001 }, (_, i) => (i * 31) % 253);
    const chunks = [large.subarray(0, 5), large.subarray(5, 8_000_000), large.subarray(8_000_000)];
    await Promise.all([writer.write(fd, chunks, 3), writer.write(fd, [Uint8Array.of(1, 2, 3)], 0)]);
    expect(Buffer.compare(readFileSync(path).subarray(3), large)).toBe(0);
  });

  it('syncs without writing', async () => {
    await writer.write(fd, [], 0);
    expect(readFileSync(path).length).toBe(0);
  });

  it('fails the request that failed, with its code, and serves the others', async () => {
    const readOnly = openSync(path, 'r');
    const results = await Promise.allSettled([
      writer.write(fd, [Uint8Array.of(1)], 0),
      writer.write(readOnly, [Uint8Array.of(2)], 0),
      writer.write(fd, [Uint8Array.of(3)], 1),
    ]);
    expect(
      results.map((result) =>
        result.status === 'rejected' ? (result.reason as { code: string }).code : 'done',
      ),
    ).toEqual(['done', 'EBADF', 'done']);
    expect([...readFileSync(path)]).toEqual([1, 3]);
    closeSync(readOnly);
  });

  it('says when it was the sync that failed', async () => {
    await expect(writer.write(999_999, [], 0)).rejects.toMatchObject({ syscall: 'fdatasync', code: 'EBADF' });
  });

  it('finishes what was asked for before it closes, and refuses what comes after', async () => {
    const write = writer.write(fd, [new Uint8Array(100)], 0);
    await writer.close();
    await write;
    expect(readFileSync(path).length).toBe(100);
    await expect(writer.write(fd, [], 0)).rejects.toMatchObject({ code: 'EIO' });
  });
});
