import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { EventReader } from './event-reader.ts';
import { jsonOf } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

const WATCH = '/v1/keyspaces/default/watch';

function watch(query: string, headers: Readonly<Record<string, string>> = {}): EventReader {
  const authorization = `Bearer ${cluster.rootKey}`;
  return new EventReader(`${cluster.gatewayUrl}${WATCH}${query}`, { authorization, ...headers });
}

/** The watch stands: its first progress mark has come. */
async function standing(reader: EventReader): Promise<void> {
  expect(await reader.status).toBe(200);
  await reader.until(() => reader.lastId !== '', 'a progress mark');
}

describe('changes over HTTP', () => {
  it('come as server-sent events, with values in the form that their type asks for', async () => {
    onTestFailed(() => console.log(cluster.log));
    const { http } = cluster;
    const reader = watch('?prefix=form%2F');
    await standing(reader);
    expect(reader.contentType).toBe('text/event-stream');
    const json = { 'content-type': 'application/json' };
    const put = await http.put('form/json', '{"n":\n 12345678901234567890}', json);
    await http.put('form/text', 'one\ntwo', { 'content-type': 'text/plain' });
    await http.put('form/bytes', Buffer.from([0, 255]));
    await http.put('elsewhere', 'no');
    await http.delete('form/json');
    await reader.until(() => reader.changes.length >= 4, 'four changes');
    const revision = Number(put.headers['holdfast-revision']);
    expect(reader.changes[0]).toEqual({
      event: 'put',
      id: String(revision),
      data: `{"key":"form/json","revision":${revision},"content_type":"application/json","value":{"n":  12345678901234567890}}`,
    });
    const rest = reader.changes.slice(1).map(({ event, data }) => [event, JSON.parse(data) as object]);
    expect(rest).toMatchObject([
      ['put', { key: 'form/text', text: 'one\ntwo' }],
      ['put', { key: 'form/bytes', base64: 'AP8=' }],
      ['delete', { key: 'form/json' }],
    ]);
    reader.close();
  });

  it('resume from Last-Event-ID without loss or repetition, over all ranges', async () => {
    const { http } = cluster;
    const first = watch('');
    await standing(first);
    const keys = ['a', 'd', 'l', 't'].map((range) => `${range}-resume`);
    for (let i = 0; i < 20; i++) await http.put(keys[i % 4], `${i}`);
    const mine = (reader: EventReader) => reader.changes.filter(({ data }) => data.includes('-resume'));
    await first.until(() => mine(first).length >= 20, 'twenty changes');
    const second = watch('?from=1', { 'last-event-id': mine(first)[6].id });
    await second.until(() => mine(second).length >= 13, 'thirteen changes');
    expect(mine(second)).toEqual(mine(first).slice(7));
    first.close();
    second.close();
  });

  it(
    'survive the kill of the leader, with every acknowledged write, once and in order',
    { timeout: 90_000 },
    async () => {
      onTestFailed(() => console.log(cluster.log));
      const { http } = cluster;
      const reader = watch('?prefix=b-kill');
      await standing(reader);
      const acknowledged: number[] = [];
      let next = 0;
      const write = async (count: number): Promise<void> => {
        for (const end = next + count; next < end; next++) {
          if ((await http.put(`b-kill-${next % 5}`, `${next}`)).status === 200) acknowledged.push(next);
        }
      };
      await write(100);
      // The default keyspace begins with range 2, which holds these keys.
      const leader = await cluster.leaderOf(2);
      const [ending] = await Promise.all([cluster.end(leader, 'SIGKILL'), write(200)]);
      expect(ending?.signal).toBe('SIGKILL');
      await http.put('b-kill-last', '-1');
      await reader.until(
        () => reader.changes.at(-1)?.data.includes('b-kill-last') === true,
        'the last change',
      );
      const seen = reader.changes.slice(0, -1).map(({ data }) => valueIn(data));
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
      expect(acknowledged.filter((i) => !seen.includes(i))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(200);
      reader.close();
      await cluster.restart(leader);
    },
  );

  it('say what is wrong before the stream begins, and that nothing is kept from before', async () => {
    for (const [query, status, code] of [
      ['?prefix=a&key=b', 400, 'HF_BAD_REQUEST'],
      ['?from=x', 400, 'HF_BAD_REQUEST'],
      ['?key=', 400, 'HF_KEY_INVALID'],
      ['?prefx=a', 400, 'HF_BAD_REQUEST'],
    ] as const) {
      const answer = await cluster.http.request('GET', `${WATCH}${query}`);
      expect(answer).toMatchObject({ status, problem: { code } });
    }
    const nowhere = await cluster.http.request('GET', '/v1/keyspaces/nowhere/watch');
    expect(nowhere).toMatchObject({ status: 404, problem: { code: 'HF_KEYSPACE_NOT_FOUND' } });
    await cluster.http.put('a-old', 'x');
    const old = watch('?prefix=a&from=2');
    await old.closed;
    expect(old.events.map(({ event }) => event)).toEqual(['compacted', 'end']);
    expect(JSON.parse(old.events[0].data)).toEqual({ oldest: Number(old.events[0].id) });
    expect(JSON.parse(old.events[1].data)).toMatchObject({ code: 'HF_COMPACTED', status: 410 });
  });

  it(
    'do not wait for a reader that takes nothing: it is dropped, and others hear on',
    { timeout: 60_000 },
    async () => {
      const { http } = cluster;
      const quick = watch('?prefix=flood');
      await standing(quick);
      // The holder of this key may have one watch: a second one is let in when the first was dropped.
      const made = await http.request('POST', '/v1/api-keys', {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          tenant: 'slow',
          grants: [{ role: 'read', keyspace: 'default' }],
          limits: { watchers: 1 },
        }),
      });
      const authorization = `Bearer ${(jsonOf(made) as { readonly key: string }).key}`;
      const second = async (): Promise<number> => {
        const reader = watch('?prefix=flood', { authorization });
        const status = await reader.status;
        reader.close();
        return status;
      };
      const { hostname, port } = new URL(cluster.gatewayUrl);
      const slow = connect({ host: hostname, port: Number(port) });
      const dropped = new Promise<void>((resolve) =>
        slow.on('close', () => resolve()).on('error', () => resolve()),
      );
      slow.write(`GET ${WATCH}?prefix=flood HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`);
      await once(slow, 'data');
      slow.pause();
      expect(await second()).toBe(429);
      const large = Buffer.alloc(500_000, 7);
      for (let i = 0; i < 40; i++) expect((await http.put(`flood-${i}`, large)).status).toBe(200);
      await quick.until(() => quick.changes.length >= 40, 'forty changes');
      await expect.poll(second, { interval: 200 }).toBe(200);
      // It hears of its end when it reads again.
      slow.resume();
      await dropped;
      quick.close();
    },
  );

  it('end with a word when the gateway stops', { timeout: 60_000 }, async () => {
    const reader = watch('?prefix=stop');
    await standing(reader);
    await cluster.end('gateway', 'SIGTERM');
    await reader.closed;
    expect(reader.events.at(-1)).toMatchObject({ event: 'end' });
    expect(JSON.parse(reader.events.at(-1)!.data)).toMatchObject({ code: 'HF_UNAVAILABLE', retryable: true });
    await cluster.restart('gateway');
  });
});

function valueIn(data: string): number {
  const { base64 } = JSON.parse(data) as { readonly base64: string };
  return Number(Buffer.from(base64, 'base64').toString());
}
