import { encodeUtf8, utf8 } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathEndsWith, readKeyTarget } from './key-target.ts';

const keyOf = (path: string, encoding?: string): string =>
  Buffer.from(readKeyTarget(`/v1/keyspaces/default/keys/${path}`, encoding).key).toString('latin1');

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
  return 'none';
}

describe('readKeyTarget', () => {
  it.each([
    ['plain', 'plain'],
    ['a%2Fb', 'a/b'],
    ['a/b', 'a/b'],
    ['a//b', 'a//b'],
    ['..', '..'],
    ['.', '.'],
    ['%2E%2e', '..'],
    ['../../../etc', '../../../etc'],
    ['/', '/'],
    ['a/', 'a/'],
    ['%00', '\0'],
    ['%25', '%'],
    ['%2525', '%25'],
    ['a+b', 'a+b'],
    ['a%20b', 'a b'],
    ['a;b=1', 'a;b=1'],
    ['%3F%23', '?#'],
    ['keys/keys', 'keys/keys'],
    ['\u00c3\u00a9', '\u00c3\u00a9'],
    ['%C3%A9', '\u00c3\u00a9'],
    ['a?consistency=strong', 'a'],
    ['a?x=/?#', 'a'],
  ])('%j is the key %j', (path, key) => {
    expect(keyOf(path)).toBe(key);
  });

  it.each([
    ['', 'HF_KEY_INVALID'],
    ['?a=b', 'HF_KEY_INVALID'],
    ['%', 'HF_KEY_INVALID'],
    ['%2', 'HF_KEY_INVALID'],
    ['%zz', 'HF_KEY_INVALID'],
    ['%ff', 'HF_KEY_INVALID'],
    ['%C3', 'HF_KEY_INVALID'],
    ['%C0%AF', 'HF_KEY_INVALID'],
    ['%ED%A0%80', 'HF_KEY_INVALID'],
    ['\u00ff', 'HF_KEY_INVALID'],
    ['\u0101', 'HF_KEY_INVALID'],
    ['a#b', 'HF_KEY_INVALID'],
    ['x'.repeat(4097), 'HF_KEY_TOO_LARGE'],
    ['%41'.repeat(4097), 'HF_KEY_TOO_LARGE'],
  ])('%j is refused', (path, code) => {
    expect(codeOf(() => keyOf(path))).toBe(code);
  });

  it('takes keys up to the limit, however they are written', () => {
    expect(keyOf('x'.repeat(4096))).toHaveLength(4096);
    expect(keyOf('%41'.repeat(4096))).toHaveLength(4096);
  });

  it('gives back every well-formed key, percent-encoded or as base64url', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }), (text) => {
        const key = Buffer.from(encodeUtf8(text) ?? []);
        expect(keyOf(encodeURIComponent(text))).toBe(key.toString('latin1'));
        expect(keyOf(key.toString('base64url'), 'base64url')).toBe(key.toString('latin1'));
      }),
    );
  });

  it('takes any bytes as base64url', () => {
    expect(keyOf('_wD-', 'base64url')).toBe('\u00ff\u0000\u00fe');
  });

  it('leaves out what stands behind the key', () => {
    const target = '/v1/keyspaces/default/keys/a:increment?x=:increment';
    expect(pathEndsWith(target, ':increment')).toBe(true);
    expect(pathEndsWith('/v1/keyspaces/default/keys/a?x=:increment', ':increment')).toBe(false);
    expect(readKeyTarget(target, undefined, ':increment').key).toEqual(utf8('a'));
    expect(codeOf(() => readKeyTarget('/v1/keyspaces/d/keys/:increment', undefined, ':increment'))).toBe(
      'HF_KEY_INVALID',
    );
  });

  it.each(['YQ==', 'YR', 'a b', 'Y'])('refuses %j as base64url', (text) => {
    expect(codeOf(() => keyOf(text, 'base64url'))).toBe('HF_KEY_INVALID');
  });

  it('refuses encodings it does not know', () => {
    expect(codeOf(() => keyOf('a', 'hex'))).toBe('HF_BAD_REQUEST');
  });

  it('reads the keyspace, and takes impossible names for unknown ones', () => {
    expect(readKeyTarget('/v1/keyspaces/a%20b%2Fc/keys/k', undefined).keyspace).toBe('a b/c');
    expect(readKeyTarget('http://127.0.0.1:7700/v1/keyspaces/ks/keys/k/l', undefined)).toMatchObject({
      keyspace: 'ks',
      key: utf8('k/l'),
    });
    for (const name of ['%ff', 'x'.repeat(129)]) {
      expect(codeOf(() => readKeyTarget(`/v1/keyspaces/${name}/keys/k`, undefined))).toBe(
        'HF_KEYSPACE_NOT_FOUND',
      );
    }
  });
});
