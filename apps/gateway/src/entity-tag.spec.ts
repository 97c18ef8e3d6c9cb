import { Condition } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { entityTag, matchesEntityTag, writeCondition } from './entity-tag.ts';

describe('writeCondition', () => {
  it('understands revisions, * and absence', () => {
    expect(writeCondition(undefined, undefined).condition).toBe(Condition.none);
    expect(writeCondition('*', undefined).condition).toBe(Condition.exists);
    expect(writeCondition(undefined, '*').condition).toBe(Condition.absent);
    expect(writeCondition(entityTag(42), undefined)).toEqual({
      condition: Condition.revisionEquals,
      revision: 42,
    });
  });

  it.each([
    ['"1"', '*'],
    ['1', undefined],
    ['"1", "2"', undefined],
    ['W/"1"', undefined],
    ['"0"', undefined],
    ['"9007199254740993"', undefined],
    ['', undefined],
    [undefined, '"1"'],
  ])('refuses If-Match %j with If-None-Match %j', (ifMatch, ifNoneMatch) => {
    expect(() => writeCondition(ifMatch, ifNoneMatch)).toThrow('HF_BAD_REQUEST');
  });
});

it('compares the tags of a read', () => {
  expect(matchesEntityTag('"7"', 7)).toBe(true);
  expect(matchesEntityTag('"5", W/"7"', 7)).toBe(true);
  expect(matchesEntityTag('*', 7)).toBe(true);
  expect(matchesEntityTag('"8"', 7)).toBe(false);
});
