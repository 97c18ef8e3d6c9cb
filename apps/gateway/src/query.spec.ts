import { utf8 } from '@holdfast/io';
import { expect, it } from 'vitest';
import { Query } from './query.ts';

const NAMES = new Set(['prefix', 'limit', 'reverse']);
const read = (query: string): Query => new Query(`/v1/x${query}`, NAMES);

it('gives the bytes that were written', () => {
  expect(read('').bytes('prefix')).toBeUndefined();
  expect(read('?').bytes('prefix')).toBeUndefined();
  expect(read('?prefix=a%2Fb%E2%82%AC').bytes('prefix')).toEqual(utf8('a/b€'));
  expect(read('?prefix=%ff').bytes('prefix')).toEqual(new Uint8Array([0xff]));
  expect(read('?prefix=a+b%2B').text('prefix')).toBe('a b+');
  expect(read('?prefix=a=b').text('prefix')).toBe('a=b');
});

it('reads flags and counts', () => {
  expect([read('?reverse').flag('reverse'), read('?reverse=true').flag('reverse')]).toEqual([true, true]);
  expect([read('').flag('reverse'), read('?reverse=false').flag('reverse')]).toEqual([false, false]);
  expect(read('?limit=10').count('limit', 1, 10)).toBe(10);
  expect(read('').count('limit', 7, 10)).toBe(7);
});

it.each(['?prefx=a', '?prefix=a&prefix=b', '?prefix=%f', '?prefix=%', '?&', '?__proto__=1', '?Prefix=a'])(
  'refuses %s',
  (query) => {
    expect(() => read(query)).toThrow('HF_BAD_REQUEST');
  },
);

it('refuses values that are none', () => {
  expect(() => read('?prefix=%ff').text('prefix')).toThrow('UTF-8');
  expect(() => read('?reverse=1').flag('reverse')).toThrow('true or false');
  for (const bad of ['0', '11', '-1', '1.0', '', '1e1']) {
    expect(() => read(`?limit=${bad}`).count('limit', 1, 10)).toThrow('from 1 to 10');
  }
});
