import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/cluster/deadline.ts';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { type Answer, Http, jsonOf } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

const PATH = '/v1/keyspaces';
const JSON_HEADERS = { 'content-type': 'application/json' };
type Method = 'POST' | 'PATCH';

function send(method: Method, path: string, body: object, http: Http = cluster.http): Promise<Answer> {
  return http.request(method, path, { body: JSON.stringify(body), headers: JSON_HEADERS });
}

async function isGone(name: string): Promise<boolean> {
  return (await cluster.http.request('GET', `${PATH}/${name}`)).status === 404;
}

describe('keyspaces over HTTP', () => {
  it('are made, listed, described and changed', async () => {
    const made = await send('POST', PATH, { name: 'orders', default_ttl_ms: 60_000, value_bytes_max: 100 });
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`${PATH}/orders`);
    const orders = jsonOf(made);
    expect(orders).toMatchObject({
      name: 'orders',
      state: 'active',
      replication: 'raft',
      default_ttl_ms: 60_000,
      key_bytes_max: 0,
      value_bytes_max: 100,
    });
    const again = { name: 'orders', default_ttl_ms: 60_000, value_bytes_max: 100 };
    expect(jsonOf(await send('POST', PATH, again))).toEqual(orders);
    expect((await send('POST', PATH, { name: 'orders' })).problem).toMatchObject({
      status: 409,
      code: 'HF_KEYSPACE_EXISTS',
    });

    const put = await cluster.http.request('PUT', `${PATH}/orders/keys/1`, { body: 'book' });
    expect(put.status).toBe(200);
    const large = await cluster.http.request('PUT', `${PATH}/orders/keys/2`, { body: 'x'.repeat(101) });
    expect(large.problem).toMatchObject({ status: 413, code: 'HF_VALUE_TOO_LARGE' });

    const changed = await send('PATCH', `${PATH}/orders`, { default_ttl_ms: 0 });
    expect(changed.status).toBe(200);
    expect(jsonOf(changed)).toMatchObject({ default_ttl_ms: 0, value_bytes_max: 100 });
    const described = await cluster.http.request('GET', `${PATH}/orders`);
    expect(jsonOf(described)).toEqual(jsonOf(changed));

    for (const name of ['alpha', 'beta']) await send('POST', PATH, { name });
    const names: string[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      const answer: Answer = await cluster.http.request('GET', `${PATH}?limit=2&after=${after}`);
      const page = jsonOf(answer) as { keyspaces: { name: string }[]; next?: string };
      expect(page.keyspaces.length).toBeLessThanOrEqual(2);
      names.push(...page.keyspaces.map(({ name }) => name));
      after = page.next;
    }
    expect(names).toEqual(['alpha', 'beta', 'default', 'orders']);
  });

  it('keep old versions as long as they say', async () => {
    expect((await send('POST', PATH, { name: 'brief', retention_ms: 400 })).status).toBe(201);
    const write = async (keyspace: string, body: string) =>
      String(
        (await cluster.http.request('PUT', `${PATH}/${keyspace}/keys/k`, { body })).headers[
          'holdfast-revision'
        ],
      );
    const read = (keyspace: string, revision: string) =>
      cluster.http.request('GET', `${PATH}/${keyspace}/keys/k?revision=${revision}`);
    const then = await write('brief', 'first');
    await write('brief', 'second');
    const elsewhere = await write('default', 'first');
    await write('default', 'second');
    // Each node learns of it within a tick of the change.
    await expect.poll(async () => (await read('brief', then)).status, { timeout: PATIENCE_MS }).toBe(410);
    expect((await read('brief', then)).problem.code).toBe('HF_COMPACTED');
    expect((await read('default', elsewhere)).body.toString()).toBe('first');
    expect((await cluster.http.request('GET', `${PATH}/brief/keys/k`)).body.toString()).toBe('second');

    // More than before holds from now on: what is older stays refused.
    const longer = await send('PATCH', `${PATH}/brief`, { retention_ms: 86_400_000 });
    expect(jsonOf(longer)).toMatchObject({ retention_ms: 86_400_000 });
    const now = await write('brief', 'third');
    await write('brief', 'fourth');
    await expect.poll(async () => (await read('brief', now)).body.toString()).toBe('third');
    expect((await read('brief', then)).status).toBe(410);
    expect((await send('POST', PATH, { name: 'no', retention_ms: -1 })).status).toBe(400);
  });

  it('have a replica on every node, and say that other factors are not offered', async () => {
    const refused = await send('POST', PATH, { name: 'two', replication_factor: 2 });
    expect(refused.problem).toMatchObject({ status: 501, code: 'HF_UNSUPPORTED', outcome: 'not_applied' });
    expect(jsonOf(await cluster.http.request('GET', `${PATH}/default`))).toMatchObject({
      replication: 'raft',
      replication_factor: 0,
    });
  });

  it('go with all that is in them, in the background, and leave their name', async () => {
    const made = jsonOf(await send('POST', PATH, { name: 'doomed' })) as { id: number };
    const operations = Array.from({ length: 500 }, (_, i) => ({
      op: 'put',
      keyspace: 'doomed',
      key: `key-${i}`,
      value: i,
    }));
    for (let round = 0; round < 3; round++) {
      const body = { operations: operations.map((one) => ({ ...one, key: `${one.key}-${round}` })) };
      expect((await send('POST', '/v1/batch', body)).status).toBe(200);
    }
    const deleted = await cluster.http.request('DELETE', `${PATH}/doomed`);
    expect(deleted.status).toBe(202);
    expect(deleted.headers['location']).toBe(`${PATH}/doomed`);
    expect(jsonOf(deleted)).toMatchObject({ name: 'doomed', id: made.id, state: 'deleting' });
    await until('the keyspace to be gone', PATIENCE_MS, () => isGone('doomed'));
    expect((await cluster.http.request('DELETE', `${PATH}/doomed`)).status).toBe(404);
    const again = jsonOf(await send('POST', PATH, { name: 'doomed' })) as { id: number };
    expect(again.id).toBeGreaterThan(made.id);
    const listed = await cluster.http.request('GET', `${PATH}/doomed/keys?count_only=true`);
    expect(jsonOf(listed)).toMatchObject({ count: 0 });
  });

  it('go although the gateway that took the request is killed', async () => {
    await send('POST', PATH, { name: 'orphaned' });
    for (let round = 0; round < 4; round++) {
      const operations = Array.from({ length: 1000 }, (_, i) => ({
        op: 'put',
        keyspace: 'orphaned',
        key: `${round}-${i}`,
        value: i,
      }));
      expect((await send('POST', '/v1/batch', { operations })).status).toBe(200);
    }
    expect((await cluster.http.request('DELETE', `${PATH}/orphaned`)).status).toBe(202);
    await cluster.end('gateway', 'SIGKILL');
    await cluster.restart('gateway');
    await until('the keyspace to be gone', PATIENCE_MS, () => isGone('orphaned'));
  });

  it.each<[string, Method, string, object, number, string]>([
    ['a name of other letters', 'POST', PATH, { name: 'a/b' }, 400, 'HF_KEYSPACE_INVALID'],
    ['no name', 'POST', PATH, {}, 400, 'HF_BAD_REQUEST'],
    ['a setting that there is not', 'POST', PATH, { name: 'x', colour: 1 }, 400, 'HF_BAD_REQUEST'],
    ['a negative limit', 'POST', PATH, { name: 'x', key_bytes_max: -1 }, 400, 'HF_BAD_REQUEST'],
    ['an unsupported kind', 'POST', PATH, { name: 'x', replication: 'async' }, 501, 'HF_UNSUPPORTED'],
    ['a keyspace that there is not', 'PATCH', `${PATH}/nobody`, {}, 404, 'HF_KEYSPACE_NOT_FOUND'],
    ['what is no name', 'PATCH', `${PATH}/%00`, {}, 404, 'HF_KEYSPACE_NOT_FOUND'],
  ])('are refused for %s', async (_, method, path, body, status, code) => {
    expect((await send(method, path, body)).problem).toMatchObject({ status, code });
  });

  it('keep the default keyspace', async () => {
    const answer = await cluster.http.request('DELETE', `${PATH}/default`);
    expect(answer.problem).toMatchObject({ status: 400, code: 'HF_KEYSPACE_INVALID' });
  });

  it('are shown to those who have something in them, and changed by administrators alone', async () => {
    await send('POST', PATH, { name: 'ours' });
    await send('POST', PATH, { name: 'theirs' });
    const grants = [
      { role: 'admin', keyspace: 'ours' },
      { role: 'write', keyspace: 'default', prefix: 'acme/' },
    ];
    const { key } = jsonOf(await send('POST', '/v1/api-keys', { tenant: 'acme', grants })) as { key: string };
    const http = new Http(cluster.gatewayUrl, key);
    try {
      const list = jsonOf(await http.request('GET', PATH)) as { keyspaces: { name: string }[] };
      expect(list.keyspaces.map(({ name }) => name)).toEqual(['default', 'ours']);
      expect((await http.request('GET', `${PATH}/theirs`)).status).toBe(404);
      expect((await http.request('DELETE', `${PATH}/theirs`)).status).toBe(404);
      expect((await send('PATCH', `${PATH}/default`, {}, http)).status).toBe(403);
      expect((await send('POST', PATH, { name: 'mine' }, http)).status).toBe(403);
      expect((await send('PATCH', `${PATH}/ours`, { key_bytes_max: 64 }, http)).status).toBe(200);
      expect((await http.request('DELETE', `${PATH}/ours`)).status).toBe(202);
    } finally {
      await http.close();
    }
    await until('the keyspace to be gone', PATIENCE_MS, () => isGone('ours'));
  });
});
