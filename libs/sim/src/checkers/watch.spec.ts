import { describe, expect, it } from 'vitest';
import { History } from './history.ts';
import {
  type Followed,
  type ToldChange,
  type WatchedCall,
  type WatchedResult,
  watchProblems,
} from './watch.ts';

const history = new History<WatchedCall, WatchedResult>(() => 0);
const write = (key: string, value: string, outcome: 'ok' | 'fail' | 'info', revision = 0): void => {
  const operation = history.invoke(1, key, { kind: 'put', value });
  if (outcome === 'ok') history.ok(operation, { revision });
  else history[outcome](operation);
};
write('a', 'v1', 'ok', 10);
write('b', 'v2', 'ok', 20);
write('a', 'v3', 'info');
write('a', 'v4', 'fail');

const told = (key: string, value: string | undefined, revision: number): ToldChange => ({
  key,
  value,
  revision,
});
const GOOD = [told('a', 'v1', 10), told('a', 'v3', 15), told('b', 'v2', 20)];
const follower = (changes: readonly ToldChange[], parts: Partial<Followed> = {}): Followed => ({
  name: 'one',
  after: 5,
  upTo: 30,
  told: changes,
  follows: () => true,
  ...parts,
});
const judge = (...followers: readonly Followed[]): string =>
  watchProblems(history.operations, followers).join('; ');

describe('watchProblems', () => {
  it('finds nothing wrong with what is right', () => {
    expect(judge(follower(GOOD), follower(GOOD.slice(1), { name: 'two', after: 10 }))).toBe('');
    expect(judge(follower(GOOD.slice(0, 2), { upTo: 15 }))).toBe('');
    expect(judge(follower(GOOD.slice(2), { follows: (key) => key === 'b' }), follower(GOOD))).toBe('');
    // Nobody can say whether a write without an answer happened, but all agree.
    expect(judge(follower([GOOD[0], GOOD[2]]))).toBe('');
  });

  it.each([
    ['a loss', [GOOD[0]], 'never told of b=v2@20'],
    ['a repetition', [GOOD[0], GOOD[0], GOOD[2]], 'twice'],
    ['disorder', [GOOD[2], GOOD[0]], 'after revision 20'],
    ['what lies before the beginning', [told('a', 'v3', 4), ...GOOD], 'before its beginning'],
    ['what nobody wrote', [...GOOD, told('a', 'v9', 25)], 'nobody wrote'],
    ['what had failed', [...GOOD, told('a', 'v4', 25)], 'had failed for certain'],
    ['another revision', [told('a', 'v1', 11), GOOD[2]], 'acknowledged at 10'],
  ])('finds %s', (_what, changes, problem) => {
    expect(judge(follower(changes))).toContain(problem);
  });

  it('finds followers that were told different things', () => {
    expect(judge(follower(GOOD), follower([GOOD[0], GOOD[2]], { name: 'two' }))).toContain(
      'a=v3@15: one only',
    );
    expect(judge(follower(GOOD, { follows: (key) => key === 'b' }))).toContain('does not follow');
  });
});
