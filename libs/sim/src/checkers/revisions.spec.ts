import { describe, expect, it } from 'vitest';
import { History } from './history.ts';
import { checkRevisions } from './revisions.ts';

function history(...steps: readonly (readonly ['put' | 'get', string, number])[]) {
  const recorded = new History(() => 0);
  for (const [kind, value, revision] of steps) {
    const operation = recorded.invoke(1, 'k', kind === 'put' ? { kind, value } : { kind });
    recorded.ok(operation, kind === 'put' ? { kind: 'done', revision } : { kind: 'value', value, revision });
  }
  return recorded.operations;
}

describe('checkRevisions', () => {
  it('accepts revisions that rise with the writes', () => {
    checkRevisions(
      history(['put', 'a', 5], ['get', 'a', 5], ['put', 'b', 7], ['get', 'b', 7], ['get', 'b', 7]),
    );
  });

  it('finds a value with two revisions', () => {
    expect(() => checkRevisions(history(['put', 'a', 5], ['get', 'a', 6]))).toThrow('revision-of-value');
  });

  it('finds a revision that goes back', () => {
    expect(() => checkRevisions(history(['put', 'a', 5], ['put', 'b', 4]))).toThrow('revisions-increase');
    expect(() => checkRevisions(history(['put', 'a', 5], ['put', 'b', 5]))).toThrow('revisions-increase');
  });

  it('does not order operations that overlap', () => {
    const recorded = new History(() => 0);
    const slow = recorded.invoke(1, 'k', { kind: 'put', value: 'a' });
    recorded.ok(recorded.invoke(2, 'k', { kind: 'put', value: 'b' }), { kind: 'done', revision: 9 });
    recorded.ok(slow, { kind: 'done', revision: 8 });
    checkRevisions(recorded.operations);
  });
});
