import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { keyPath } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

const KEYS = '/v1/keyspaces/default/keys';
const VALUE_BYTES_MAX = 1024 * 1024;

describe('a value', () => {
  it('comes back with its bytes, its content type and its revision', async () => {
    onTestFailed(() => console.log(cluster.log));
    const { http } = cluster;
    const value = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7) % 256));
    const put = await http.put('binary', value, { 'content-type': 'image/x-odd; q="ö"' });
    expect(put.status).toBe(200);
    const get = await http.get('binary');
    expect(get.body.equals(value)).toBe(true);
    expect(get.headers['content-type']).toBe('image/x-odd; q="ö"');
    expect(get.headers['etag']).toBe(put.headers['etag']);
    expect(get.headers['etag']).toBe(`"${String(get.headers['holdfast-revision'])}"`);
    expect(get.headers['holdfast-consistency']).toBe(
      'asked=strong, served=strong, staleness-ms=0, role=leader',
    );
    const head = await http.request('HEAD', keyPath('binary'));
    expect(head.headers).toMatchObject({ 'content-length': '1000', etag: get.headers['etag'] });
    expect(head.body).toHaveLength(0);
  });

  it('may be empty, and is gone after a delete', async () => {
    const { http } = cluster;
    await http.put('empty', '');
    expect(await http.get('empty')).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect((await http.delete('empty')).status).toBe(200);
    expect((await http.get('empty')).problem).toMatchObject({ status: 404, code: 'HF_KEY_NOT_FOUND' });
    expect((await http.delete('empty')).status).toBe(200);
  });

  it('has up to 1 MiB; more is refused before it is read', async () => {
    const { http } = cluster;
    const largest = Buffer.alloc(VALUE_BYTES_MAX, 7);
    expect((await http.put('large', largest)).status).toBe(200);
    expect((await http.get('large')).body.equals(largest)).toBe(true);
    const { hostname, port } = new URL(cluster.gatewayUrl);
    const refusal = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect({ host: hostname, port: Number(port) }, () => {
        // Nothing of the body is ever sent.
        socket.write(
          `PUT ${KEYS}/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${cluster.rootKey}\r\nContent-Length: ${VALUE_BYTES_MAX + 1}\r\n\r\n`,
        );
      });
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    expect(refusal).toContain('HTTP/1.1 413 ');
    expect(refusal).toContain('HF_VALUE_TOO_LARGE');
  });
});

describe('conditions', () => {
  it('let one of two writers win', async () => {
    const { http } = cluster;
    const created = await http.put('cas', '1', { 'if-none-match': '*' });
    expect(created.status).toBe(200);
    const etag = String(created.headers['etag']);
    const again = await http.put('cas', '2', { 'if-none-match': '*' });
    expect(again.problem).toMatchObject({
      status: 412,
      code: 'HF_PRECONDITION_FAILED',
      outcome: 'not_applied',
      revision: Number(created.headers['holdfast-revision']),
    });
    const racers = await Promise.all(
      ['a', 'b', 'c'].map((value) => http.put('cas', value, { 'if-match': etag })),
    );
    expect(racers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    expect((await http.delete('cas', { 'if-match': etag })).status).toBe(412);
    const absent = await http.put('cas-absent', 'x', { 'if-match': '*' });
    expect(absent.problem).toMatchObject({ status: 412, revision: 0 });
  });

  it('spare a reader what it has', async () => {
    const { http } = cluster;
    const { headers } = await http.put('cached', 'x');
    const answer = await http.request('GET', keyPath('cached'), {
      headers: { 'if-none-match': String(headers['etag']) },
    });
    expect(answer.status).toBe(304);
  });
});

describe('keys', () => {
  it.each([
    '..',
    '.',
    '../../healthz',
    '/',
    '//',
    'a/',
    'a//b',
    '%2F',
    '%',
    '\0',
    ' ',
    'a+b',
    '?',
    '#',
    '€',
    '\u{1f600}',
    '\u00e9',
    'e\u0301',
    '\ufeff',
    'keys/x',
    '__proto__',
  ])('%j makes an exact round trip', async (key) => {
    const { http } = cluster;
    expect((await http.put(key, `value of ${key}`)).status).toBe(200);
    expect((await http.get(key)).body.toString()).toBe(`value of ${key}`);
    const base64 = await http.request(
      'GET',
      `${KEYS}/${Buffer.from(key).toString('base64url')}?key_encoding=base64url`,
    );
    expect(base64.body.toString()).toBe(`value of ${key}`);
  });

  it('are as different as their bytes', async () => {
    const { http } = cluster;
    // The same letter, composed and decomposed, and names that only look alike after normalization.
    const keys = ['\u00e9', 'e\u0301', 'x/../y', 'y', 'x%2Fy', 'x/y', 'X/y'];
    await Promise.all(keys.map((key, i) => http.put(key, String(i))));
    const values = await Promise.all(keys.map(async (key) => (await http.get(key)).body.toString()));
    expect(values).toEqual(keys.map((_, i) => String(i)));
  });

  it('have 1 to 4,096 bytes', async () => {
    const { http } = cluster;
    expect((await http.put('k'.repeat(4096), 'x')).status).toBe(200);
    expect((await http.put('€'.repeat(1365), 'x')).status).toBe(200);
    expect((await http.put('k'.repeat(4097), 'x')).problem).toMatchObject({
      status: 413,
      code: 'HF_KEY_TOO_LARGE',
    });
    expect((await http.request('PUT', `${KEYS}/`, { body: 'x' })).problem.code).toBe('HF_KEY_INVALID');
    expect((await http.request('PUT', `${KEYS}/%ED%A0%80`, { body: 'x' })).problem.code).toBe(
      'HF_KEY_INVALID',
    );
  });
});

describe('what is refused', () => {
  it('names an unknown keyspace', async () => {
    const { problem } = await cluster.http.request('GET', '/v1/keyspaces/nowhere/keys/k');
    expect(problem).toMatchObject({ status: 404, code: 'HF_KEYSPACE_NOT_FOUND', outcome: 'not_applied' });
  });

  it('is a problem document for every address', async () => {
    const { http } = cluster;
    const post = await http.request('POST', `${KEYS}/k`, { body: 'x' });
    expect(post.headers['allow']).toBe('GET, HEAD, PUT, DELETE, POST');
    expect(post.problem).toMatchObject({ status: 405, code: 'HF_METHOD_NOT_ALLOWED' });
    const patch = await cluster.http.request('PATCH', '/v1/usage');
    expect(patch.problem).toMatchObject({ status: 405, code: 'HF_METHOD_NOT_ALLOWED' });
    expect(patch.headers['allow']).toBe('GET');
    const nothing = await http.request('GET', '/nothing', { headers: { 'x-request-id': 'mine-1' } });
    expect(nothing.headers['content-type']).toBe('application/problem+json');
    expect(nothing.problem).toMatchObject({ status: 404, code: 'HF_NOT_FOUND', request_id: 'mine-1' });
  });
});

describe('the edges', () => {
  it('tell health, metrics, the API and the state of the cluster', async () => {
    const { http } = cluster;
    expect((await http.request('GET', '/healthz')).status).toBe(200);
    expect((await http.request('GET', '/readyz')).status).toBe(200);
    expect((await http.request('GET', '/metrics')).body.toString()).toContain('holdfast_http_requests_total');
    const api = JSON.parse((await http.request('GET', '/openapi.json')).body.toString()) as { paths: object };
    expect(Object.keys(api.paths)).toContain('/v1/keyspaces/{keyspace}/keys/{key}');
    const view = (await (await fetch(`${cluster.adminUrl}/v1/cluster`)).json()) as {
      nodes: { id: number; state: string }[];
      ranges: { leader: number }[];
    };
    expect(view.nodes.map(({ id, state }) => [id, state])).toEqual([1, 2, 3].map((id) => [id, 'serving']));
    expect(view.ranges.every(({ leader }) => leader !== 0)).toBe(true);
  });
});
