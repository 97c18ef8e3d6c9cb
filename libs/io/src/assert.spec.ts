import { describe, expect, it } from 'vitest';
import { assert, AssertionError, unreachable } from './assert.ts';

describe('assert', () => {
  it('stops on a broken invariant and on an impossible branch', () => {
    expect(() => assert(1 + 1 === 2, 'arithmetic')).not.toThrow();
    expect(() => assert(false, 'match < next')).toThrow(new AssertionError('match < next'));
    expect(() => unreachable('other' as never, 'kind')).toThrow('kind: other');
  });
});
