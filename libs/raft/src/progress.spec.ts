import { nodeId, rangeId } from '@holdfast/io';
import { describe, expect, test } from 'vitest';
import { settingsOf } from './config.ts';
import { Progress } from './progress.ts';
import { Window } from './window.ts';

function progressAt(match: number, next: number): Progress {
  const progress = new Progress(nodeId(2), false, next, 0);
  progress.match = match;
  return progress;
}

describe('Window', () => {
  test('frees in order, over many turns of the ring', () => {
    const window = new Window();
    for (let index = 1; index <= 500; index++) {
      window.add(index, 10);
      if (index % 3 === 0) window.freeTo(index - 5);
      expect(window.bytes).toBe(window.count * 10);
    }
    expect(window.count).toBeLessThan(9);
    window.freeTo(500);
    expect([window.count, window.bytes]).toEqual([0, 0]);
    expect(() => {
      window.add(9, 1);
      window.add(9, 1);
    }).toThrow('in order');
  });
});

describe('Progress', () => {
  test('a probe waits after each append', () => {
    const progress = progressAt(0, 5);
    progress.sent(2, 10, 0);
    expect([progress.paused, progress.next]).toEqual([true, 5]);
  });

  test('replicate runs ahead until the limits', () => {
    const settings = settingsOf({
      id: nodeId(1),
      group: rangeId(1),
      inflightMessagesMax: 2,
      inflightBytesMax: 100,
    });
    const progress = progressAt(4, 5);
    progress.becomeReplicate();
    progress.sent(2, 10, 0);
    expect([progress.next, progress.full(settings)]).toEqual([7, false]);
    progress.sent(1, 10, 0);
    expect(progress.full(settings)).toBe(true);
    progress.inflights.freeTo(6);
    expect(progress.full(settings)).toBe(false);
    progress.sent(1, 200, 0);
    progress.inflights.freeTo(7);
    expect(progress.full(settings)).toBe(true);
  });

  test.each([
    // state, match, next, refused, hint -> taken, next
    ['replicate', 5, 10, 5, 5, false, 10],
    ['replicate', 5, 10, 9, 9, true, 6],
    ['probe', 0, 10, 8, 8, false, 10],
    ['probe', 0, 10, 9, 9, true, 9],
    ['probe', 0, 10, 9, 2, true, 3],
    ['probe', 0, 10, 9, 0, true, 1],
    ['probe', 4, 10, 9, 2, true, 5],
    ['snapshot', 4, 10, 9, 2, false, 10],
  ] as const)(
    '%s with match %i, next %i, refused %i, hint %i: taken %j, next %i',
    (state, match, next, refused, hint, taken, after) => {
      const progress = progressAt(match, next);
      progress.state = state;
      expect(progress.reject(refused, hint)).toBe(taken);
      expect(progress.next).toBe(after);
      expect(progress.match).toBeLessThan(progress.next);
    },
  );

  test('an old acknowledgement tells nothing', () => {
    const progress = progressAt(4, 6);
    expect(progress.acknowledge(4)).toBe(false);
    expect(progress.acknowledge(8)).toBe(true);
    expect([progress.match, progress.next]).toEqual([8, 9]);
  });

  test('a commit is told once, and only where it helps', () => {
    const progress = progressAt(4, 6);
    expect(progress.wantsCommit(3)).toBe(true);
    progress.becomeReplicate();
    progress.sent(0, 0, 4);
    expect(progress.wantsCommit(4)).toBe(false);
    expect(progress.wantsCommit(9)).toBe(false);
  });
});
