import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler, type Handler } from '../../apps/gateway/src/create-handler.ts';
import { LocalCluster } from '../client/local-cluster.ts';

const KEYS = 'http://function.example/v1/keyspaces/default/keys';
const ROOT_KEY = 'root-key-of-this-test-0123456789abcdef';
const headers = { authorization: `Bearer ${ROOT_KEY}` };

let cluster: LocalCluster;
let handle: Handler;
beforeAll(async () => {
  cluster = await LocalCluster.start();
  handle = await createHandler({
    HOLDFAST_SEEDS: cluster.addresses.join(','),
    HOLDFAST_ROOT_KEY: ROOT_KEY,
    HOLDFAST_LOG_LEVEL: 'error',
  });
});
afterAll(async () => {
  await handle.close();
  await cluster.stop();
});

interface Call {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}
const call = (path: string, init: Call = {}): Promise<Response> =>
  handle(new Request(`${KEYS}${path}`, { ...init, headers: { ...headers, ...init.headers } }));

describe('a gateway as a function', () => {
  it('writes and reads, with the same header fields as over a socket', async () => {
    const value = new Uint8Array([0, 255, 128]);
    const put = await call('/fn', { method: 'PUT', body: value, headers: { 'content-type': 'image/x' } });
    expect(put.status).toBe(200);
    const get = await call('/fn');
    expect(new Uint8Array(await get.arrayBuffer())).toEqual(value);
    expect(get.headers.get('content-type')).toBe('image/x');
    expect(get.headers.get('etag')).toBe(put.headers.get('etag'));
    expect(get.headers.get('x-request-id')).toBeTruthy();
    const head = await call('/fn', { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', '3']);
    const known = await call('/fn', { headers: { 'if-none-match': String(put.headers.get('etag')) } });
    expect(known.status).toBe(304);
  });

  it('streams lines', async () => {
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => call(`/lines/${i}`, { method: 'PUT', body: 'x'.repeat(10_000) })),
    );
    const answer = await call('?prefix=lines/', { headers: { accept: 'application/x-ndjson' } });
    const lines = (await answer.text()).trimEnd().split('\n');
    expect(lines).toHaveLength(301);
    expect(lines.at(-1)).toContain('"count":300');
  });

  it('refuses what the gateway refuses', async () => {
    expect((await handle(new Request(`${KEYS}/fn`))).status).toBe(401);
    const large = await call('/fn', { method: 'PUT', body: new Uint8Array(1024 * 1024 + 1) });
    expect([large.status, ((await large.json()) as { code: string }).code]).toEqual([
      413,
      'HF_VALUE_TOO_LARGE',
    ]);
    const endless = await call('/fn', { method: 'PUT', body: new Uint8Array(20 * 1024 * 1024) });
    expect(endless.status).toBe(413);
    expect((await call('/fn', { method: 'PATCH', body: 'x' })).status).toBe(405);
    expect((await handle(new Request('http://function.example/healthz'))).status).toBe(200);
  });

  it('needs sound settings', async () => {
    await expect(createHandler({ HOLDFAST_SEEDS: 'nowhere' })).rejects.toThrow('HOLDFAST_SEEDS');
  });
});
