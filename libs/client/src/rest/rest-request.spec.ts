import { utf8 } from '@holdfast/io';
import { Condition, Consistency, OpKind } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../operation.ts';
import { base64Url } from './base64-url.ts';
import { restRequest, unsupportedOverRest } from './rest-request.ts';

const get = (key: string, more: Partial<Operation> = {}): Operation => ({
  kind: OpKind.get,
  keyspace: 'users',
  key: utf8(key),
  ...more,
});
const put = (more: Partial<Operation>): Operation => ({
  ...get('k'),
  kind: OpKind.put,
  value: utf8('v'),
  ...more,
});

describe('restRequest', () => {
  it('names keys that no proxy changes as they are, all others in base64url', () => {
    expect(restRequest(get('user.7~x-_'), 100, '').target).toBe('/v1/keyspaces/users/keys/user.7~x-_');
    for (const key of ['.', '..', 'a/b', 'a b', '%2F', 'é', '?', '#', '\0', '.x']) {
      const encoded = Buffer.from(key).toString('base64url');
      expect(restRequest(get(key), 100, '').target).toBe(
        `/v1/keyspaces/users/keys/${encoded}?key_encoding=base64url`,
      );
    }
  });

  it('names keyspaces so that they end where they should', () => {
    const { target } = restRequest({ ...get('k'), keyspace: 'a/../b?é' }, 100, '');
    expect(target).toBe('/v1/keyspaces/a%2F%2E%2E%2Fb%3F%C3%A9/keys/k');
  });

  it('says deadline, token, level, content type and conditions', () => {
    const read = restRequest(get('k', { consistency: Consistency.eventual }), 1.2, 'Bearer t');
    expect(read).toMatchObject({
      method: 'GET',
      body: undefined,
      target: expect.stringMatching(/\?consistency=eventual$/),
    });
    expect(read.headers).toEqual({ 'holdfast-deadline-ms': '2', authorization: 'Bearer t' });
    expect(restRequest(get('k'), 1e9, '').headers['holdfast-deadline-ms']).toBe('60000');
    const absent = put({ condition: Condition.absent, contentType: utf8('text/plain') });
    expect(restRequest(absent, 9, '')).toMatchObject({
      method: 'PUT',
      headers: { 'if-none-match': '*', 'content-type': 'text/plain' },
      body: utf8('v'),
    });
    const equals = put({ condition: Condition.revisionEquals, revision: 7 });
    expect(restRequest(equals, 9, '').headers['if-match']).toBe('"7"');
    expect(
      restRequest({ ...get('k'), kind: OpKind.delete, condition: Condition.exists }, 9, ''),
    ).toMatchObject({
      method: 'DELETE',
      headers: { 'if-match': '*' },
    });
  });
});

describe('unsupportedOverRest', () => {
  it.each<[string, Operation]>([
    ['scans', { ...get(''), kind: OpKind.scan }],
    ['this operation', { ...get('k'), kind: OpKind.increment }],
    ['keyspaces by number', { ...get('k'), keyspace: 1 as never }],
    ['idempotency keys', put({ idempotencyKey: utf8('once') })],
    ['a time to live', put({ ttlMs: 5 })],
    ['bounded reads', get('k', { consistency: Consistency.bounded })],
    ['revision floors', get('k', { consistency: Consistency.eventual, minRevision: 4 })],
    ['reads at a revision', get('k', { revision: 4 })],
    ['keys that are not UTF-8', { ...get('k'), key: Uint8Array.of(0xff) }],
  ])('refuses %s', (what, operation) => {
    expect(unsupportedOverRest(operation)).toMatchObject({
      code: 'HF_UNSUPPORTED',
      outcome: 'not_applied',
      detail: expect.stringContaining(what),
    });
  });

  it('lets everything else pass', () => {
    expect(unsupportedOverRest(get('k', { minRevision: 4 }))).toBeUndefined();
    expect(unsupportedOverRest(put({ condition: Condition.revisionEquals, revision: 4 }))).toBeUndefined();
  });
});

it('base64Url is that of Node', () => {
  for (let length = 0; length < 50; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length) & 0xff);
    expect(base64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
  }
});
