import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { type Answer, Http, jsonOf, keyPath } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

/** Range 2 is the first one of the default keyspace, and holds these keys. */
const RANGE = 2;
const counted = (http: Http, name: string): Promise<Answer> =>
  http.request('POST', `${keyPath('a-once')}:increment`, { headers: { 'idempotency-key': name } });

/** Asks until it is answered: while nobody leads, a write may end with 503, and the same key makes that harmless. */
async function answered(name: string): Promise<Answer> {
  let answer: Answer | undefined;
  await expect
    .poll(async () => (answer = await counted(cluster.http, name)).status, { timeout: PATIENCE_MS })
    .toBe(200);
  return answer!;
}

describe('a write with an Idempotency-Key', () => {
  it('happens once, however many come at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => counted(cluster.http, 'together')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ body }) => body.toString())).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] !== 'true')).toHaveLength(1);
  });

  it(
    'gets its first answer after a change of leaders, and after a restart of every process',
    { timeout: 4 * PATIENCE_MS },
    async () => {
      onTestFailed(() => console.log(cluster.log));
      const first = await counted(cluster.http, 'kept');
      const { value } = jsonOf(first) as { readonly value: number };
      const again = async (): Promise<void> => {
        const repeated = await answered('kept');
        expect(repeated.body.toString()).toBe(first.body.toString());
        expect(repeated.headers['idempotent-replayed']).toBe('true');
        const known = await cluster.http.request('GET', '/v1/operations/kept');
        expect(jsonOf(known)).toMatchObject({ operation: 'increment', outcome: 'applied', value });
      };

      const leader = await cluster.leaderOf(RANGE);
      await cluster.end(leader, 'SIGKILL');
      await again();
      await cluster.restart(leader);

      const all = ['node-1', 'node-2', 'node-3', 'gateway'] as const;
      await Promise.all(all.map((name) => cluster.end(name, 'SIGKILL')));
      await cluster.restart(...all);
      await again();
      expect((await cluster.http.get('a-once')).body.toString()).toBe(String(value));
    },
  );

  it('does not meet that of another tenant', async () => {
    const made = await cluster.http.request('POST', '/v1/api-keys', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'other',
        tenant: 'other',
        grants: [{ role: 'write', keyspace: 'default' }],
      }),
    });
    const other = new Http(cluster.gatewayUrl, (jsonOf(made) as { readonly key: string }).key);
    try {
      const mine = jsonOf(await counted(cluster.http, 'shared')) as { readonly value: number };
      const theirs = await counted(other, 'shared');
      expect(theirs.headers['idempotent-replayed']).toBeUndefined();
      expect(jsonOf(theirs)).toMatchObject({ value: mine.value + 1 });
      const hidden = await other.request('GET', '/v1/operations/kept');
      expect(hidden.status).toBe(404);
    } finally {
      await other.close();
    }
  });
});
