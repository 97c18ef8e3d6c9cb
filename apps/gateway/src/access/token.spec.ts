import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apiKeyId, bearerToken, digestOf, newApiKey, sameDigest, TOKEN_LENGTH_MAX } from './token.ts';

describe('bearerToken', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER a.b-c_d~e+f/=', 'a.b-c_d~e+f/='],
    [`Bearer ${'x'.repeat(TOKEN_LENGTH_MAX)}`, 'x'.repeat(TOKEN_LENGTH_MAX)],
    [undefined, undefined],
    ['', undefined],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['Bearer a b', undefined],
    ['Bearer  a', undefined],
    ['Bearer é', undefined],
    ['Basic abc', undefined],
    [`Bearer ${'x'.repeat(TOKEN_LENGTH_MAX + 1)}`, undefined],
  ])('%j', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });
});

describe('API keys', () => {
  it('show their id, and are never the same', () => {
    const keys = Array.from({ length: 100 }, () => newApiKey());
    for (const { id, token } of keys) {
      expect(apiKeyId(token)).toBe(id);
      expect(bearerToken(`Bearer ${token}`)).toBe(token);
    }
    expect(new Set(keys.map(({ token }) => token)).size).toBe(100);
  });

  it('are nothing else', () => {
    const { token } = newApiKey();
    for (const other of [
      `${token}x`,
      token.slice(0, -1),
      token.toUpperCase(),
      ` ${token}`,
      'hf_dev_x',
      'a.b.c',
    ])
      expect(apiKeyId(other)).toBeUndefined();
  });

  it('are the same exactly when their digests are', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(sameDigest(digestOf(a), digestOf(b))).toBe(a === b);
      }),
    );
  });
});
