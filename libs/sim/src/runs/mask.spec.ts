import { describe, expect, it } from 'vitest';
import { formatNumbers, formatSteps, maskOf, parseNumbers, parseSteps } from './mask.ts';

describe('numbers as people type them', () => {
  it.each([[[], 'none'] as const, [[4], '4'] as const, [[0, 1, 2, 5, 7, 8], '0-2,5,7-8'] as const])(
    '%j is %s',
    (numbers, text) => {
      expect(formatNumbers(numbers)).toBe(text);
      expect(parseNumbers(text)).toEqual(numbers);
    },
  );

  it.each(['', 'x', '3-1', '1-', '-4', '0-99999999', '1,,2'])('refuses %j', (text) => {
    expect(() => parseNumbers(text)).toThrow();
  });

  it('steps, worker by worker', () => {
    const steps = [
      { process: 0, step: 3 },
      { process: 0, step: 4 },
      { process: 2, step: 9 },
    ];
    expect(formatSteps(steps)).toBe('0:3-4/2:9');
    expect(parseSteps('0:3-4/2:9')).toEqual(steps);
    expect(parseSteps(formatSteps([]))).toEqual([]);
    expect(() => parseSteps('0')).toThrow();
  });
});

describe('maskOf', () => {
  it('keeps what it names', () => {
    const mask = maskOf({ faults: [2], steps: [{ process: 1, step: 5 }] });
    expect([1, 2, 3].map((index) => mask.keepsFault(index))).toEqual([false, true, false]);
    expect(mask.keepsStep(1, 5)).toBe(true);
    expect(mask.keepsStep(1, 4)).toBe(false);
    expect(mask.stepsOf(1)).toBe(6);
    expect(mask.stepsOf(0)).toBe(0);
  });

  it('keeps all where nothing is said', () => {
    const mask = maskOf({ faults: undefined, steps: undefined });
    expect(mask.keepsFault(7)).toBe(true);
    expect(mask.keepsStep(3, 7)).toBe(true);
    expect(mask.stepsOf(3)).toBe(Number.POSITIVE_INFINITY);
  });
});
