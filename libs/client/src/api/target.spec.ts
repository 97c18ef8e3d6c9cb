import { HoldfastError } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { isGatewayTarget, parseTarget } from './target.ts';

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

describe('isGatewayTarget', () => {
  it('knows gateways', () => {
    for (const target of ['http://127.0.0.1:7700', 'https://db.example', 'http://[::1]:7700/']) {
      expect(isGatewayTarget(target)).toBe(true);
    }
    expect(isGatewayTarget('holdfast://127.0.0.1:7711')).toBe(false);
  });

  it.each(['http://', 'http://host:0', 'https://user:secret@host', 'http://host/path', 'http://host?a=b'])(
    'refuses %s',
    (target) => {
      expect(() => isGatewayTarget(target)).toThrow(HoldfastError);
    },
  );
});
