import { utf8 } from '@holdfast/io';
import { Condition, Consistency, OpKind } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import type { Operation, TransactionRequest } from '../operation.ts';
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

const increment = (delta: bigint): Operation => {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setBigInt64(0, delta, true);
  return { ...get('k'), kind: OpKind.increment, value };
};
const transaction = (steps: TransactionRequest): Operation => ({
  ...get('k'),
  kind: OpKind.transaction,
  transaction: steps,
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

describe('what an operation says', () => {
  it('is a parameter or a header field', () => {
    const floor = restRequest(get('k', { consistency: Consistency.eventual, minRevision: 4 }), 9, '');
    expect(floor.headers['holdfast-min-revision']).toBe('4');
    const bounded = get('k', { consistency: Consistency.bounded, maxStalenessMs: 20 });
    expect(restRequest(bounded, 9, '').target).toMatch(/\?consistency=bounded&max_staleness=20ms$/);
    expect(restRequest(get('k', { revision: 4 }), 9, '').target).toMatch(/\?revision=4$/);
    expect(restRequest(put({ ttlMs: 5 }), 9, '').headers['holdfast-ttl']).toBe('5ms');
    expect(restRequest(put({ tellExisted: true }), 9, '').headers['holdfast-tell-existed']).toBe('true');
    expect(restRequest(put({}), 9, '').headers).not.toHaveProperty('holdfast-tell-existed');
    const once = restRequest(put({ idempotencyKey: utf8('once') }), 9, '');
    expect(once.headers['idempotency-key']).toBe('once');
    expect(restRequest({ ...get(''), key: Uint8Array.of(0xff) }, 9, '').target).toMatch(
      /\/_w\?key_encoding=base64url$/,
    );
  });

  it('is an action for an increment, of a key as it is named', () => {
    const { method, target, body } = restRequest(increment(-3n), 9, '');
    expect({ method, target }).toEqual({ method: 'POST', target: '/v1/keyspaces/users/keys/k:increment' });
    expect(body).toEqual(utf8('{"delta":-3}'));
  });

  it('is a document for a transaction', () => {
    const key = utf8('k');
    const { method, target, body } = restRequest(
      transaction({
        checks: [
          { key, condition: Condition.revisionEquals, revision: 0 },
          { key, condition: Condition.valueEquals, value: Uint8Array.of(0xfb, 0xff) },
        ],
        success: [
          { kind: OpKind.put, keyspace: 'other', key, value: utf8('v'), contentType: utf8('a/b'), ttlMs: 7 },
          { kind: OpKind.delete, key },
          { kind: OpKind.get, key },
        ],
        failure: [],
      }),
      9,
      '',
    );
    expect({ method, target }).toEqual({ method: 'POST', target: '/v1/transactions' });
    const place = { keyspace: 'users', key_base64url: 'aw' };
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual({
      checks: [
        { ...place, exists: false },
        { ...place, base64: '+/8=' },
      ],
      then: [
        { ...place, keyspace: 'other', op: 'put', base64: 'dg==', content_type: 'a/b', ttl_ms: 7 },
        { ...place, op: 'delete' },
        { ...place, op: 'get' },
      ],
      else: [],
    });
  });
});

describe('unsupportedOverRest', () => {
  it.each<[string, Operation]>([
    ['this operation', { ...get('k'), kind: 99 as never }],
    ['keyspaces by number', { ...get('k'), keyspace: 1 as never }],
    ['idempotency keys beyond ASCII', put({ idempotencyKey: utf8('a b') })],
    ['increments beyond 2^53', increment(2n ** 60n)],
    [
      'keyspaces by number',
      transaction({
        checks: [],
        success: [{ kind: OpKind.get, key: utf8('k'), keyspace: 1 as never }],
        failure: [],
      }),
    ],
  ])('refuses %s', (what, operation) => {
    expect(unsupportedOverRest(operation)).toMatchObject({
      code: 'HF_UNSUPPORTED',
      outcome: 'not_applied',
      detail: expect.stringContaining(what),
    });
  });

  it('lets everything else pass', () => {
    expect(unsupportedOverRest({ ...get('k'), kind: OpKind.lookup, keyspace: 0 as never })).toBeUndefined();
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
