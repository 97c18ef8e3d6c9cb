import { shareable } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { runPart, STRESS_MS_MAX } from '../../testing/stress-parts.ts';
import { allocateCounters, SharedCounters } from './shared-counters.ts';
import { allocateHandles, SharedHandles } from './shared-handles.ts';
import { SharedMutex } from './shared-mutex.ts';

const THREADS = [0, 1, 2];

describe('SharedMutex', () => {
  it('is held by one, and says so to the others', async () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const mutex = new SharedMutex(words, 0);
    expect(mutex.tryLock()).toBe(true);
    expect(mutex.tryLock()).toBe(false);
    const waiting = mutex.lockAsync();
    mutex.unlock();
    await waiting;
    expect(mutex.tryLock()).toBe(false);
    mutex.unlock();
    expect(() => mutex.unlock()).toThrow(/holder/);
    expect(() => mutex.run(() => expect.fail('inside'))).toThrow('inside');
    expect(mutex.tryLock()).toBe(true);
  });

  it(
    'excludes threads that fight for it',
    async () => {
      const memory = shareable(new SharedArrayBuffer(16));
      const rounds = 30_000;
      await Promise.all(THREADS.map(() => runPart({ kind: 'mutex', memory, rounds })));
      const words = new Int32Array(memory);
      expect([words[1], words[2]]).toEqual([rounds * THREADS.length, rounds * THREADS.length]);
    },
    STRESS_MS_MAX,
  );
});

describe('SharedCounters', () => {
  it('carries beyond 32 bits', () => {
    const counters = new SharedCounters(allocateCounters(2));
    for (let i = 0; i < 5; i++) counters.add(1, 2 ** 31 - 1);
    expect(counters.read(1)).toBe(5 * (2 ** 31 - 1));
    expect(counters.read(0)).toBe(0);
    expect(() => counters.add(0, -1)).toThrow(/grows/);
  });

  it(
    'loses nothing between threads',
    async () => {
      const memory = allocateCounters(4);
      const amount = 123_456_789;
      await Promise.all(THREADS.map(() => runPart({ kind: 'counters', memory, rounds: 20_000, amount })));
      const counters = new SharedCounters(memory);
      for (let i = 0; i < 4; i++) expect(counters.read(i)).toBe(THREADS.length * 5_000 * amount);
    },
    STRESS_MS_MAX,
  );
});

describe('SharedHandles', () => {
  it('tells exactly one caller to remove a thing', () => {
    const handles = new SharedHandles(allocateHandles(100));
    const id = 2 ** 40 + 7;
    expect(handles.acquire(id)).toBe(false);
    expect(handles.add(id)).toBe(true);
    expect([handles.acquire(id), handles.acquire(id)]).toEqual([true, true]);
    expect(handles.readers(id)).toBe(2);
    expect(handles.retire(id)).toBe(false);
    expect(handles.acquire(id)).toBe(false);
    expect(handles.release(id)).toBe(false);
    expect(handles.release(id)).toBe(true);
    expect(handles.acquire(id)).toBe(false);
    expect(handles.readers(id)).toBe(0);
    handles.add(5);
    expect(handles.retire(5)).toBe(true);
    expect(() => handles.release(5)).toThrow(/acquired/);
  });

  it(
    'removes everything once, and nothing that is held, with threads that read while one retires',
    async () => {
      const ids = 500;
      const memory = allocateHandles(ids);
      const owner = new SharedHandles(memory);
      const alive = new SharedArrayBuffer(ids * 4);
      new Int32Array(alive).fill(1);
      for (let id = 0; id < ids; id++) owner.add(id);
      const removed = await Promise.all(
        THREADS.map((thread) =>
          runPart({ kind: 'handles', handles: memory, alive, ids, rounds: 200_000, thread }),
        ),
      );
      expect(removed.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(ids);
      expect(new Int32Array(alive).every((word) => word === 0)).toBe(true);
    },
    STRESS_MS_MAX,
  );
});
