import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskError } from './disk-errors.ts';
import { FileDisk } from './file-disk.ts';
import { FileState, FileStates } from './file-state.ts';
import { OpenFile } from './open-file.ts';
import { LogWriter } from './threads/log-writer.ts';

describe('FileState', () => {
  it('counts an opened file as changed until its first sync', () => {
    const state = new FileState(0);
    expect(state.clean).toBe(false);
    state.beginSync()();
    expect(state.clean).toBe(true);
  });

  it('covers what was over when the sync began, and nothing else', () => {
    const state = new FileState(0);
    state.beginChange();
    const early = state.beginSync();
    state.endChange();
    early();
    expect(state.clean).toBe(false);
    const covering = state.beginSync();
    state.beginChange();
    covering();
    expect(state.clean).toBe(false);
    state.endChange();
    state.beginSync()();
    expect(state.clean).toBe(true);
    early();
    expect(state.clean).toBe(true);
  });

  it('is shared by the handles of a file and forgotten with the last', () => {
    const states = new FileStates();
    const a = states.acquire('1:2', 10);
    const b = states.acquire('1:2', 99);
    expect(b.state).toBe(a.state);
    a.release();
    expect(states.acquire('1:2', 99).state).toBe(b.state);
    b.release();
    b.release();
    expect(states.acquire('1:2', 99).state.size).toBe(99);
  });
});

describe('OpenFile', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-file-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('gives a failed sync to every later change, and still reads', async () => {
    const path = join(directory, 'a');
    await writeFile(path, 'content');
    const fd = openSync(path, 'r+');
    const state = new FileState(7);
    const file = new OpenFile(path, fd, state, () => undefined);
    const other = new OpenFile(path, openSync(path, 'r+'), state, () => undefined);
    state.failure = diskError(Object.assign(new Error('lost'), { code: 'EIO' }), 'sync', path);
    for (const work of [
      file.write([Uint8Array.of(1)], 0, true),
      other.sync(),
      file.truncate(0),
      file.allocate(99),
    ]) {
      await expect(work).rejects.toMatchObject({ code: 'EIO', operation: 'sync' });
    }
    expect(file.readSync(new Uint8Array(7), 0)).toBe(7);
    await file.close();
    await other.close();
  });

  it('remembers a sync that fails', async () => {
    const path = join(directory, 'a');
    const fd = openSync(path, 'w+');
    const state = new FileState(0);
    const file = new OpenFile(path, fd, state, () => undefined);
    closeSync(fd);
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO', operation: 'sync' });
    await expect(file.write([Uint8Array.of(1)], 0, false)).rejects.toBe(state.failure);
    await file.close().catch(() => undefined);
  });

  it('lets what is in flight finish before it closes', async () => {
    const path = join(directory, 'a');
    const file = await new FileDisk().open(path, 'exclusive');
    const writes = Array.from({ length: 20 }, (_, i) =>
      file.write([new Uint8Array(1000).fill(i)], i * 1000, i % 3 === 0),
    );
    await file.close();
    await Promise.all(writes);
    expect((await readFile(path)).length).toBe(20_000);
  });

  it.runIf(existsSync('/dev/full'))('reports a full device and goes on', async () => {
    const writer = new LogWriter();
    for (const by of [undefined, writer]) {
      const state = new FileState(0);
      const file = new OpenFile('/dev/full', openSync('/dev/full', 'r+'), state, () => undefined, by);
      for (const sync of [false, true]) {
        await expect(file.write([Uint8Array.of(1)], 0, sync)).rejects.toMatchObject({ code: 'ENOSPC' });
      }
      expect([state.size, state.clean, file.readSync(new Uint8Array(1), 0)]).toEqual([0, false, 1]);
      await file.close();
    }
    await writer.close();
  });

  it('refuses offsets that are none', async () => {
    const file = await new FileDisk().open(join(directory, 'a'), 'exclusive');
    for (const offset of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => file.readSync(new Uint8Array(1), offset)).toThrow(/offset/);
      await expect(file.write([], offset, false)).rejects.toThrow(/offset/);
    }
    await file.close();
  });

  it('does its synced writes by both ways with the same result', async () => {
    const file = await new FileDisk().open(join(directory, 'a'), 'exclusive');
    await file.allocate(100_000);
    await file.sync();
    for (let i = 0; i < 10; i++) {
      await file.write([Uint8Array.of(i), Uint8Array.of(i + 100)], i * 4096, true);
      if (i % 4 === 3) await file.write([Uint8Array.of(7)], 99_000 + i, false);
    }
    const content = await readFile(file.path);
    expect(content.length).toBe(100_000);
    for (let i = 0; i < 10; i++) expect([content[i * 4096], content[i * 4096 + 1]]).toEqual([i, i + 100]);
    await file.close();
  });
});

describe('diskError', () => {
  it.each([
    ['ENOENT', 'ENOENT'],
    ['EDQUOT', 'ENOSPC'],
    ['EPERM', 'EACCES'],
    ['EISDIR', 'EINVAL'],
    ['ENFILE', 'EMFILE'],
    ['EBADF', 'EIO'],
    ['EUNHEARDOF', 'EIO'],
  ])('%s of the system is %s', (system, code) => {
    const cause = Object.assign(new Error('x'), { code: system });
    const error = diskError(cause, 'write', 'f');
    expect(error).toMatchObject({ code, cause });
    expect(diskError(error, 'other', 'g')).toBe(error);
  });
});
