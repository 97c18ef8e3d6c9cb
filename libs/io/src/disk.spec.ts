import { describe, expect, it } from 'vitest';
import { DiskError, directoryOf, joinPath } from './disk.ts';

describe('paths', () => {
  it.each([
    ['a/b/c', 'a/b'],
    ['/a', '/'],
    ['/', '/'],
    ['a', '.'],
    ['./a', '.'],
  ])('the directory of %s is %s', (path, directory) => {
    expect(directoryOf(path)).toBe(directory);
  });

  it('joins with one slash', () => {
    expect(joinPath('a', 'b', 'c')).toBe('a/b/c');
    expect(directoryOf(joinPath('data', 'log', '1'))).toBe('data/log');
  });
});

describe('DiskError', () => {
  it('says what failed, on what, and why', () => {
    const cause = new Error('EIO: i/o error');
    const error = new DiskError('EIO', 'sync', 'log/1', { cause, detail: 'bad sector' });
    expect(error.message).toBe('EIO: sync log/1 (bad sector)');
    expect(error).toMatchObject({ name: 'DiskError', code: 'EIO', operation: 'sync', path: 'log/1', cause });
    expect(new DiskError('ENOENT', 'open', 'x').message).toBe('ENOENT: open x');
  });
});
