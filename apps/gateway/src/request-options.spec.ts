import { Consistency } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { deadlineMs, durationMs, readLevel, single, ttlMs } from './request-options.ts';

it('reads deadlines within the limits only', () => {
  expect(deadlineMs(undefined)).toBe(5000);
  expect(deadlineMs('1')).toBe(1);
  expect(deadlineMs('60000')).toBe(60_000);
  for (const bad of ['', '0', '-1', '60001', '1e3', '1.5', ' 1', 'soon', '999999999999']) {
    expect(() => deadlineMs(bad)).toThrow('HF_BAD_REQUEST');
  }
});

describe('readLevel', () => {
  it('is strong, now, when nothing is asked for', () => {
    expect(readLevel({}, undefined)).toEqual({
      consistency: Consistency.strong,
      maxStalenessMs: 0,
      minRevision: 0,
      revision: 0,
    });
  });

  it('reads level, bound, floor and the past', () => {
    expect(readLevel({ consistency: 'bounded', max_staleness: '500ms' }, '12')).toMatchObject({
      consistency: Consistency.bounded,
      maxStalenessMs: 500,
      minRevision: 12,
    });
    expect(readLevel({ consistency: 'eventual', revision: '9007199254740991' }, undefined)).toMatchObject({
      consistency: Consistency.eventual,
      revision: Number.MAX_SAFE_INTEGER,
    });
  });

  it.each([
    [{ consistency: '' }],
    [{ consistency: 'STRONG' }],
    [{ consistency: 'weak' }],
    [{ consistency: 'bounded' }],
    [{ max_staleness: '5s' }],
    [{ consistency: 'strong', max_staleness: '5s' }],
    [{ consistency: 'bounded', max_staleness: 'soon' }],
    [{ consistency: 'bounded', max_staleness: '2d' }],
    [{ consistency: ['strong', 'eventual'] }],
    [{ revision: '0' }],
    [{ revision: '9007199254740993' }],
    [{ revision: '-1' }],
  ])('refuses %j', (query) => {
    expect(() => readLevel(query, undefined)).toThrow('HF_BAD_REQUEST');
  });

  it('refuses a floor that is no revision', () => {
    expect(() => readLevel({}, 'x')).toThrow('Holdfast-Min-Revision');
  });
});

it('reads durations with and without a unit', () => {
  const read = (text: string): number => durationMs(text, 'ttl', 86_400_000);
  expect(['90', '90s', '250ms', '15m', '12h', '1d'].map(read)).toEqual([
    90_000, 90_000, 250, 900_000, 43_200_000, 86_400_000,
  ]);
  for (const bad of ['', '0', '-1', '1.5', '1 s', '2d', '1w', '9'.repeat(20)]) {
    expect(() => read(bad)).toThrow('HF_BAD_REQUEST');
  }
});

it('reads a time to live from one place', () => {
  expect(ttlMs(undefined, undefined)).toBe(0);
  expect(ttlMs('5', undefined)).toBe(5000);
  expect(ttlMs(undefined, '5m')).toBe(300_000);
  expect(() => ttlMs('5', '5')).toThrow('HF_BAD_REQUEST');
});

it('takes one value, not two', () => {
  expect(single('a', 'consistency')).toBe('a');
  expect(() => single(['a', 'b'], 'consistency')).toThrow('more than once');
});
