import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { keyPath } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

type Fields = Readonly<Record<string, string>>;
async function post(path: string, body: unknown, headers: Fields = {}) {
  const answer = await cluster.http.request('POST', path, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { ...answer, json: JSON.parse(answer.body.toString()) as Record<string, unknown> };
}
const transact = (body: unknown, headers?: Fields) => post('/v1/transactions', body, headers);
const operation = async (key: string) => {
  const answer = await cluster.http.request('GET', `/v1/operations/${encodeURIComponent(key)}`);
  return { status: answer.status, json: JSON.parse(answer.body.toString()) as Record<string, unknown> };
};

describe('a transaction', () => {
  it('does all of it at one revision, or the other thing, or nothing', async () => {
    const { http } = cluster;
    const ada = await http.put('account/ada', '100', { 'content-type': 'application/json' });
    const revision = Number(ada.headers['holdfast-revision']);
    const transfer = {
      checks: [
        { key: 'account/ada', revision },
        { key: 'account/bob', exists: false },
      ],
      then: [
        { op: 'put', key: 'account/ada', value: 90 },
        { op: 'put', key: 'account/bob', value: 10 },
        { op: 'increment', key: 'account/transfers' },
        { op: 'get', key: 'account/ada' },
      ],
      else: [{ op: 'get', key: 'account/ada' }],
    };
    const done = await transact(transfer);
    expect(done.json).toEqual({
      succeeded: true,
      revision: expect.any(Number),
      results: [
        { revision: done.json['revision'], existed: true },
        { revision: done.json['revision'], existed: false },
        { revision: done.json['revision'], value: 1 },
        { found: true, revision: done.json['revision'], content_type: 'application/json', value: 90 },
      ],
    });
    const again = await transact(transfer);
    expect(again).toMatchObject({ status: 200, json: { succeeded: false, failed_check: 0 } });
    expect(again.json['results']).toMatchObject([{ found: true, value: 90 }]);
    const refused = await transact({ ...transfer, else: undefined });
    expect(refused.json).toMatchObject({
      status: 412,
      code: 'HF_PRECONDITION_FAILED',
      outcome: 'not_applied',
      detail: 'checks.0 did not hold',
    });
    expect((await http.get('account/bob')).body.toString()).toBe('10');
    const byValue = await transact({
      checks: [{ key: 'account/bob', value: 10 }],
      then: [{ op: 'delete', key: 'account/bob' }],
    });
    expect(byValue.json).toMatchObject({ succeeded: true, results: [{ existed: true }] });
  });

  it('is refused as a whole: several ranges, a step that cannot be, what is not understood', async () => {
    const spans = await transact({
      then: [
        { op: 'put', key: 'a-span', value: 1 },
        { op: 'put', key: 'z-span', value: 2 },
      ],
    });
    expect(spans.json).toMatchObject({ code: 'HF_SPANS_RANGES', outcome: 'not_applied' });
    expect((await cluster.http.get('a-span')).status).toBe(404);
    await cluster.http.put('tx-word', 'x');
    const failing = await transact({
      then: [
        { op: 'put', key: 'tx-before', value: 1 },
        { op: 'increment', key: 'tx-word' },
      ],
    });
    expect(failing.json).toMatchObject({ status: 422, code: 'HF_VALUE_NOT_INTEGER' });
    expect((await cluster.http.get('tx-before')).status).toBe(404);
    for (const body of [
      {},
      { then: [{ op: 'fly', key: 'k' }] },
      { checks: [{ key: 'k' }], then: [{ op: 'get', key: 'k' }] },
      { checks: [{ key: 'k', revision: 1, exists: true }], then: [{ op: 'get', key: 'k' }] },
      { checks: [{ keys: 'k', exists: true }], then: [{ op: 'get', key: 'k' }] },
    ]) {
      expect((await transact(body)).json, JSON.stringify(body)).toMatchObject({ status: 400 });
    }
    const many = Array.from({ length: 300 }, () => ({ op: 'get', key: 'k' }));
    expect((await transact({ then: many })).json['status']).toBeOneOf([400, 413]);
  });
});

describe('an Idempotency-Key', () => {
  it('makes a write happen once, and answer as it did', async () => {
    const { http } = cluster;
    const path = `${keyPath('once')}:increment`;
    const headers = { 'idempotency-key': 'pay/7 ü' };
    const first = await http.request('POST', path, { headers });
    const again = await http.request('POST', path, { headers });
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body.toString()).toBe(first.body.toString());
    expect((await http.get('once')).body.toString()).toBe('1');
    const other = await post(path, { delta: 2 }, headers);
    expect(other.json).toMatchObject({ status: 422, code: 'HF_IDEMPOTENCY_MISMATCH' });
    const put = await http.put('once-put', 'a', { 'idempotency-key': 'put-1' });
    await http.put('once-put', 'b');
    const replayed = await http.put('once-put', 'a', { 'idempotency-key': 'put-1' });
    expect(replayed.headers['etag']).toBe(put.headers['etag']);
    expect((await http.get('once-put')).body.toString()).toBe('b');
  });

  it('resolves an unknown outcome', async () => {
    const { http } = cluster;
    const headers = { 'idempotency-key': 'resolve#1/%' };
    expect(await operation('resolve#1/%')).toMatchObject({ status: 404, json: { code: 'HF_NOT_FOUND' } });
    await http.request('POST', `${keyPath('resolved')}:increment`, { headers });
    const { json } = await operation('resolve#1/%');
    expect(json).toMatchObject({ operation: 'increment', outcome: 'applied', status: 200, value: 1 });
    const kept = Date.parse(String(json['expires_at'])) - Date.now();
    expect(kept).toBeGreaterThan(20 * 3600 * 1000);
    await http.put('resolved', 'x', { 'idempotency-key': 'refused', 'if-none-match': '*' });
    expect((await operation('refused')).json).toMatchObject({
      operation: 'put',
      outcome: 'not_applied',
      status: 412,
      code: 'HF_PRECONDITION_FAILED',
    });
  });

  it('covers a transaction, each part of a batch, and the removal of a range', async () => {
    const headers = { 'idempotency-key': 'whole' };
    const body = {
      then: [
        { op: 'increment', key: 'whole/a' },
        { op: 'increment', key: 'whole/b' },
      ],
    };
    const first = await transact(body, headers);
    const again = await transact(body, headers);
    expect(again.json).toEqual(first.json);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await operation('whole')).json).toMatchObject({ operation: 'transaction', succeeded: true });
    const batch = {
      operations: [
        { op: 'increment', key: 'whole/c' },
        { op: 'increment', key: 'whole/d' },
      ],
    };
    await post('/v1/batch', batch, { 'idempotency-key': 'parts' });
    const parts = await post('/v1/batch', batch, { 'idempotency-key': 'parts' });
    expect(parts.json['results']).toMatchObject([
      { value: 1, replayed: true },
      { value: 1, replayed: true },
    ]);
    expect((await operation('parts#1')).json).toMatchObject({ operation: 'increment', value: 1 });
    const remove = () =>
      cluster.http.request('DELETE', '/v1/keyspaces/default/keys?prefix=whole/', {
        headers: { 'idempotency-key': 'remove' },
      });
    expect((await remove()).body.toString()).toBe('{"deleted":4}');
    await cluster.http.put('whole/new', 'x');
    const second = await remove();
    expect([second.body.toString(), second.headers['idempotent-replayed']]).toEqual([
      '{"deleted":4}',
      'true',
    ]);
    expect((await cluster.http.get('whole/new')).status).toBe(200);
  });
});

describe('the past', () => {
  it('is what a revision shows, and what every page of a listing shows', async () => {
    const { http } = cluster;
    const first = await http.put('past/a', '1');
    const then = String(first.headers['holdfast-revision']);
    await http.put('past/b', '1');
    const listing = await http.request('GET', '/v1/keyspaces/default/keys?prefix=past/&limit=1');
    const page = JSON.parse(listing.body.toString()) as { revision: number; cursor: string };
    expect(page.revision).toBeGreaterThanOrEqual(Number(then));
    await http.put('past/a', '2');
    await http.delete('past/b');
    await http.put('past/c', 'new');
    const rest = await http.request(
      'GET',
      `/v1/keyspaces/default/keys?prefix=past/&cursor=${page.cursor}&keys_only`,
    );
    expect(JSON.parse(rest.body.toString())).toMatchObject({
      count: 1,
      revision: page.revision,
      rows: [{ key: 'past/b' }],
    });
    expect((await http.get('past/a', `?revision=${then}`)).body.toString()).toBe('1');
    expect((await http.get('past/b', `?revision=${then}`)).status).toBe(404);
    expect((await http.get('past/a', '?revision=1')).problem).toMatchObject({
      status: 410,
      code: 'HF_COMPACTED',
    });
  });

  it('hides what has expired, and says when it will', async () => {
    const { http } = cluster;
    const before = Date.now();
    await http.put('short', 'x', { 'holdfast-ttl': '60s' });
    const { headers } = await http.get('short');
    expect(Date.parse(String(headers['holdfast-expires-at']))).toBeGreaterThanOrEqual(before + 60_000);
    const soonest = Date.now() + 300;
    await http.request('PUT', `${keyPath('shorter')}?ttl=300ms`, { body: 'x' });
    while ((await http.get('shorter')).status === 200) await new Promise(setImmediate);
    expect(Date.now()).toBeGreaterThanOrEqual(soonest);
  });
});
