import { connect } from '@holdfast/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/cluster/deadline.ts';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { Http, jsonOf, keyPath } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

interface ApiKey {
  readonly id: string;
  readonly key: string;
  readonly prefix: string;
  readonly state: string;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

async function newKey(body: object): Promise<ApiKey> {
  const answer = await cluster.http.request('POST', '/v1/api-keys', {
    body: JSON.stringify(body),
    headers: JSON_HEADERS,
  });
  expect(answer.status).toBe(201);
  expect(answer.headers['cache-control']).toBe('no-store');
  return jsonOf(answer) as ApiKey;
}

async function withKey<T>(key: string, work: (http: Http) => Promise<T>): Promise<T> {
  const http = new Http(cluster.gatewayUrl, key);
  try {
    return await work(http);
  } finally {
    await http.close();
  }
}

describe('an API key', () => {
  const grants = [{ role: 'write', keyspace: 'default', prefix: 'acme/' }];

  it('does what it is granted, and nothing beside', async () => {
    await cluster.http.put('beta/1', 'secret');
    const { key } = await newKey({ name: 'ci', tenant: 'acme', grants });
    await withKey(key, async (http) => {
      expect((await http.put('acme/1', 'mine')).status).toBe(200);
      expect((await http.get('acme/1')).body.toString()).toBe('mine');
      const foreign = await http.get('beta/1');
      const absent = await http.get('acme/absent');
      expect(foreign.status).toBe(404);
      expect(foreign.problem.code).toBe(absent.problem.code);
      expect((await http.put('beta/1', 'x')).problem).toMatchObject({ status: 403, code: 'HF_FORBIDDEN' });
      for (const path of ['/v1/api-keys', '/v1/api-keys/0000000000000000'])
        expect((await http.request('GET', path)).status).toBe(403);
      const more = await http.request('POST', '/v1/api-keys', {
        headers: JSON_HEADERS,
        body: JSON.stringify({ tenant: 'x', grants }),
      });
      expect(more.status).toBe(403);
    });
    expect((await cluster.http.get('beta/1')).body.toString()).toBe('secret');
  });

  it('is shown once, listed without its secret, and stored hashed', async () => {
    const { id, key, prefix } = await newKey({ name: 'shown', tenant: 'acme', grants });
    expect(key.startsWith(prefix)).toBe(true);
    const list = await cluster.http.request('GET', '/v1/api-keys?limit=1000');
    expect(list.body.toString()).toContain(id);
    expect(list.body.toString()).not.toContain(key.slice(-20));
    expect(list.body.toString()).not.toContain('digest');
    const one = await cluster.http.request('GET', `/v1/api-keys/${id}`);
    expect(jsonOf(one)).toMatchObject({ id, prefix, name: 'shown', tenant: 'acme', state: 'active', grants });
    expect((await cluster.http.request('GET', '/v1/api-keys/0000000000000000')).status).toBe(404);
  });

  it('is listed page by page', async () => {
    for (const name of ['a', 'b', 'c']) await newKey({ name, tenant: 'pages', grants: [] });
    const ids: string[] = [];
    for (let after = '', pages = 0; pages < 100; pages++) {
      const answer = await cluster.http.request('GET', `/v1/api-keys?limit=2${after}`);
      const page = jsonOf(answer) as { keys: ApiKey[]; next?: string };
      ids.push(...page.keys.map(({ id }) => id));
      if (page.next === undefined) break;
      after = `&after=${page.next}`;
    }
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(3);
  });

  it('is refused once it is revoked, and stays listed', async () => {
    const { id, key } = await newKey({ tenant: 'acme', grants });
    await withKey(key, async (http) => {
      expect((await http.put('acme/2', 'x')).status).toBe(200);
      const revoked = await cluster.http.request('DELETE', `/v1/api-keys/${id}`);
      expect(jsonOf(revoked)).toMatchObject({ id, state: 'revoked' });
      expect((await http.get('acme/2')).status).toBe(401);
      const again = await cluster.http.request('DELETE', `/v1/api-keys/${id}`);
      expect(jsonOf(again)).toEqual(jsonOf(revoked));
    });
  });

  it('takes its open watches with it', async () => {
    const { id, key } = await newKey({ tenant: 'acme', grants });
    const response = await fetch(`${cluster.gatewayUrl}/v1/keyspaces/default/watch?prefix=acme/`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(response.status).toBe(200);
    await cluster.http.request('DELETE', `/v1/api-keys/${id}`);
    // Nothing but the end of the connection ends this.
    await expect(response.text()).rejects.toThrow();
  });

  it('ends when it expires', async () => {
    const { key, id } = await newKey({ tenant: 'acme', grants, expiresInSeconds: 5 });
    await withKey(key, async (http) => {
      expect((await http.put('acme/3', 'x')).status).toBe(200);
      await until('the key has ended', PATIENCE_MS, async () => (await http.get('acme/3')).status === 401);
    });
    expect(jsonOf(await cluster.http.request('GET', `/v1/api-keys/${id}`))).toMatchObject({
      state: 'expired',
    });
  });

  it('is made of what is understood alone', async () => {
    for (const body of [
      '',
      '{',
      '[]',
      '{}',
      '{"tenant":"a/b","grants":[]}',
      '{"tenant":"x","grants":[{"role":"root","keyspace":"x"}]}',
      '{"tenant":"x","grants":[],"expiresInSeconds":0}',
      '{"tenant":"x","grants":[],"surprise":1}',
      '{"tenant":"x","tenant":"y","grants":[]}',
    ]) {
      const answer = await cluster.http.request('POST', '/v1/api-keys', { body, headers: JSON_HEADERS });
      expect(answer.problem).toMatchObject({ status: 400, code: 'HF_BAD_REQUEST' });
    }
  });

  it('works through the client library', async () => {
    const { key } = await newKey({ tenant: 'acme', grants });
    await using db = await connect(cluster.gatewayUrl, { token: key });
    await db.keyspace('default').set('acme/client', { by: 'client' });
    expect((await db.keyspace('default').get('acme/client'))?.value).toEqual({ by: 'client' });
    await expect(db.keyspace('default').set('beta/client', 1)).rejects.toMatchObject({
      code: 'HF_FORBIDDEN',
    });
  });

  it('lives on when a node dies', async () => {
    const { key } = await newKey({ tenant: 'acme', grants });
    await withKey(key, async (http) => {
      expect((await http.put('acme/4', 'x')).status).toBe(200);
      const leader = await cluster.leaderOf(1);
      await cluster.end(leader, 'SIGKILL');
      await until('the key works', PATIENCE_MS, async () => (await http.put('acme/4', 'y')).status === 200);
      await cluster.restart(leader);
    });
  });
});

describe('usage', () => {
  interface Usage {
    readonly tenant: string;
    readonly total: Readonly<Record<string, number>>;
    readonly days: readonly unknown[];
  }

  it('is told to the tenant, and outlives the gateway', async () => {
    const { key } = await newKey({
      tenant: 'metered',
      grants: [{ role: 'write', keyspace: 'default', prefix: 'm/' }],
    });
    await withKey(key, async (http) => {
      for (let i = 0; i < 5; i++) await http.put(`m/${i}`, 'four');
      await http.get('m/1');
      const before = jsonOf(await http.request('GET', '/v1/usage')) as Usage;
      expect(before).toMatchObject({
        tenant: 'metered',
        total: { puts: 5, gets: 1, bytes_in: 20, requests: 6 },
      });
      await cluster.end('gateway', 'SIGTERM');
    });
    await cluster.restart('gateway');
    await withKey(key, async (http) => {
      await http.put('m/6', 'four');
      const after = jsonOf(await http.request('GET', '/v1/usage')) as Usage;
      // The question itself was the seventh request of the gateway before.
      expect(after).toMatchObject({
        tenant: 'metered',
        total: { puts: 6, gets: 1, bytes_in: 24, requests: 8 },
      });
      expect((await http.request('GET', '/v1/usage?tenant=acme')).status).toBe(403);
      expect((await http.request('GET', '/v1/usage?from=yesterday')).status).toBe(400);
    });
    const answer = await cluster.http.request('GET', '/v1/usage?tenant=metered');
    expect(jsonOf(answer)).toMatchObject({ tenant: 'metered', total: { puts: 6 } });
  });
});

describe('limits', () => {
  it('turn away what comes too fast, and let in what waits', async () => {
    const { key } = await newKey({
      tenant: 'slow',
      grants: [{ role: 'write', keyspace: 'default' }],
      limits: { requestsPerSecond: 2 },
    });
    await withKey(key, async (http) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => http.put('limited', 'x')));
      const refused = answers.filter(({ status }) => status === 429);
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
      expect(refused.length).toBeGreaterThanOrEqual(10);
      expect(refused[0]?.problem).toMatchObject({ code: 'HF_QUOTA_EXCEEDED', outcome: 'not_applied' });
      expect(refused[0]?.headers).toMatchObject({
        'retry-after': '1',
        'ratelimit-policy': '"requests";q=2;w=1',
      });
      await until('it is let in', PATIENCE_MS, async () => (await http.put('limited', 'x')).status === 200);
    });
  });
});

describe('without a key', () => {
  it('nothing is told', async () => {
    const http = new Http(cluster.gatewayUrl);
    for (const path of [keyPath('k'), '/v1/api-keys']) {
      const { status, headers, problem } = await http.request('GET', path);
      expect({ status, code: problem.code }).toEqual({ status: 401, code: 'HF_UNAUTHENTICATED' });
      expect(headers['www-authenticate']).toBe('Bearer');
    }
    await http.close();
  });
});
