import { AssertionError, nodeId } from '@holdfast/io';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeConf } from '../testing/describe.ts';
import {
  type ConfChange,
  type ConfChangeTransition,
  decodeConfChange,
  encodeConfChange,
  LEAVE_JOINT,
} from './conf-change.ts';
import { changeConfiguration, checkConfiguration, confStateOf, isJoint } from './configuration.ts';
import type { ConfState } from './message.ts';

/** `+1` adds a voter, `~1` a learner, `-1` removes. */
function changeOf(text: string, transition: ConfChangeTransition = 'auto'): ConfChange {
  const actions = { '+': 'add-voter', '~': 'add-learner', '-': 'remove' } as const;
  const steps = text.split(' ').map((word) => ({
    action: actions[word[0] as '+' | '~' | '-'],
    node: nodeId(Number(word.slice(1))),
  }));
  return { steps, transition, context: new Uint8Array() };
}

function confOf(voters: readonly number[], learners: readonly number[] = []): ConfState {
  return confStateOf(voters.map(nodeId), learners.map(nodeId));
}

function follow(conf: ConfState, ...changes: readonly ConfChange[]): string {
  let current = conf;
  for (const change of changes) {
    const next = changeConfiguration(current, change);
    if (typeof next === 'string') return next;
    current = next;
  }
  return describeConf(current);
}

describe('changeConfiguration', () => {
  const abc = confOf([1, 2, 3]);

  test.each([
    ['one voter more', abc, '+4', '(1 2 3 4)'],
    ['one voter less', abc, '-3', '(1 2)'],
    ['a learner', abc, '~4', '(1 2 3) learners (4)'],
    ['a learner is promoted', confOf([1, 2], [3]), '+3', '(1 2 3)'],
    ['a learner is removed', confOf([1, 2], [3]), '-3', '(1 2)'],
    ['a voter is demoted', abc, '~3', '(1 2) learners (3)'],
    ['many learners and one voter', abc, '~4 ~5 -1', '(2 3) learners (4 5)'],
    ['a stranger is removed', abc, '-9', '(1 2 3)'],
    ['a voter is added again', abc, '+2', '(1 2 3)'],
    ['a learner is added again', confOf([1], [2]), '~2', '(1) learners (2)'],
    ['two voters more', abc, '+4 +5', '(1 2 3 4 5) && (1 2 3) leaves by itself'],
    ['one for another', abc, '+4 -1', '(2 3 4) && (1 2 3) leaves by itself'],
    ['demoted in a joint change', abc, '+4 ~1', '(2 3 4) && (1 2 3) learners next (1) leaves by itself'],
    ['the last voter', confOf([1]), '-1', 'no-voters'],
    ['the last voter is demoted', confOf([1]), '~1', 'no-voters'],
    ['a node twice', abc, '+4 -4', 'invalid'],
    ['node 0', abc, '+0', 'invalid'],
  ])('%s', (_, conf, text, expected) => {
    expect(follow(conf, changeOf(text))).toBe(expected);
  });

  test('a joint configuration must be left before the next change', () => {
    const enter = changeOf('+4 -1', 'joint-stay');
    expect(follow(abc, enter)).toBe('(2 3 4) && (1 2 3)');
    expect(follow(abc, enter, changeOf('-2'))).toBe('joint');
    expect(follow(abc, enter, LEAVE_JOINT)).toBe('(2 3 4)');
    expect(follow(abc, LEAVE_JOINT)).toBe('not-joint');
    expect(follow(abc, changeOf('+4 ~1', 'joint'), LEAVE_JOINT)).toBe('(2 3 4) learners (1)');
    expect(follow(abc, changeOf('-1', 'joint'))).toBe('(2 3) && (1 2 3) leaves by itself');
  });

  test('neighbours share a node in every pair of majorities, and every result is well formed', () => {
    const step = fc.record({
      action: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const),
      node: fc.integer({ min: 1, max: 5 }).map(nodeId),
    });
    const transition = fc.constantFrom('auto' as const, 'joint' as const, 'joint-stay' as const);
    const change = fc.record({ steps: fc.array(step, { maxLength: 3 }), transition });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        let conf = confOf([1, 2, 3]);
        for (const each of changes) {
          const next = changeConfiguration(conf, { ...each, context: new Uint8Array() });
          if (typeof next === 'string') continue;
          checkConfiguration(next);
          expect(overlap(conf, next)).toBe(true);
          conf = next;
        }
      }),
      { numRuns: 300 },
    );
  });

  function overlap(a: ConfState, b: ConfState): boolean {
    const sets = Array.from({ length: 32 }, (_, bits) =>
      [1, 2, 3, 4, 5].filter((id) => (bits >> (id - 1)) & 1),
    );
    const decides = (conf: ConfState, set: readonly number[]) =>
      [conf.voters, ...(isJoint(conf) ? [conf.votersOutgoing] : [])].every(
        (half) => half.filter((id) => set.includes(id)).length * 2 > half.length,
      );
    return sets.every(
      (x) => !decides(a, x) || sets.every((y) => !decides(b, y) || x.some((id) => y.includes(id))),
    );
  }
});

describe('the format of a configuration change', () => {
  test('comes back as it was', () => {
    const change = { ...changeOf('+1 ~4294967295 -7', 'joint-stay'), context: new Uint8Array([9, 8]) };
    expect(decodeConfChange(encodeConfChange(change))).toEqual(change);
    expect(decodeConfChange(encodeConfChange(LEAVE_JOINT))).toEqual(LEAVE_JOINT);
  });

  test('is pinned', () => {
    const bytes = encodeConfChange(changeOf('+1 -258', 'joint'));
    expect([...bytes]).toEqual([1, 1, 2, 0, 0, 1, 0, 0, 0, 2, 2, 1, 0, 0]);
  });

  test.each([
    [[]],
    [[1, 0, 1]],
    [[2, 0, 0, 0]],
    [[1, 9, 0, 0]],
    [[1, 0, 1, 0, 0, 1]],
    [[1, 0, 1, 0, 9, 1, 0, 0, 0]],
  ])('refuses %j', (bytes) => {
    expect(() => decodeConfChange(new Uint8Array(bytes))).toThrow(AssertionError);
  });
});
