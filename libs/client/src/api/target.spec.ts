import { HoldfastError } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { parseTarget } from './target.ts';

describe('parseTarget', () => {
  it('reads one address and many, without duplicates', () => {
    expect(parseTarget('holdfast://127.0.0.1:7711')).toEqual(['127.0.0.1:7711']);
    expect(parseTarget('holdfast://a.example:1,[::1]:65535,a.example:1/')).toEqual([
      'a.example:1',
      '[::1]:65535',
    ]);
  });

  it.each([
    'http://127.0.0.1:7700',
    'holdfast://',
    'holdfast://host',
    'holdfast://host:0',
    'holdfast://host:65536',
    'holdfast://host:1,,host:2',
    'holdfast://user@host:1',
    'holdfast://host:1/path',
  ])('refuses %s', (target) => {
    expect(() => parseTarget(target)).toThrow(HoldfastError);
  });
});
