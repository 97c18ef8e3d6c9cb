import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { keyPath } from './http.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

const KEYS = '/v1/keyspaces/default/keys';

interface Row {
  readonly key?: string;
  readonly key_base64url?: string;
  readonly revision: number;
  readonly value?: unknown;
}
interface Page {
  readonly rows: readonly Row[];
  readonly count: number;
  readonly cursor?: string;
}

async function list(query: string): Promise<Page> {
  const answer = await cluster.http.request('GET', `${KEYS}?${query}`);
  expect(answer.status, answer.body.toString()).toBe(200);
  return JSON.parse(answer.body.toString()) as Page;
}

async function fill(prefix: string, count: number): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(5, '0')}`);
  await Promise.all(
    keys.map((key, i) => cluster.http.put(key, `{"i":${i}}`, { 'content-type': 'application/json' })),
  );
  return keys;
}

async function pages(query: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const page: Page = await list(`${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    rows.push(...page.rows);
    ({ cursor } = page);
  }
  return rows;
}

describe('a listing', () => {
  it('shows keys, revisions and values, in order, page by page, both ways', async () => {
    const keys = await fill('list/', 57);
    const rows = await pages('prefix=list/&limit=10');
    expect(rows.map(({ key }) => key)).toEqual(keys);
    expect(rows[3]).toEqual({
      key: keys[3],
      revision: rows[3].revision,
      content_type: 'application/json',
      value: { i: 3 },
    });
    const backwards = await pages('prefix=list/&limit=10&reverse=true');
    expect(backwards.map(({ key }) => key)).toEqual(keys.toReversed());
    const middle = await list(`start=${keys[5]}&end=${keys[8]}&keys_only`);
    expect(middle.rows).toEqual([5, 6, 7].map((i) => ({ key: keys[i], revision: rows[i].revision })));
    const all = await list('prefix=list/&count_only');
    expect([all.count, all.cursor]).toEqual([57, undefined]);
    const nothing = await list('start=b&end=a');
    expect([nothing.rows, nothing.cursor]).toEqual([[], undefined]);
    const counted = await list('prefix=list/&count_only&limit=50');
    expect(counted.count).toBe(50);
    expect(await list(`prefix=list/&count_only&cursor=${counted.cursor}`)).toMatchObject({ count: 7 });
  });

  it('shows keys of any bytes as base64url', async () => {
    const name = Buffer.from([0xff, 0x00, 0x41]).toString('base64url');
    const path = `${KEYS}/${name}?key_encoding=base64url`;
    expect((await cluster.http.request('PUT', path, { body: 'x' })).status).toBe(200);
    expect((await cluster.http.request('GET', path)).body.toString()).toBe('x');
    const { rows } = await list('start=_w&key_encoding=base64url');
    expect(rows.map((row) => row.key_base64url)).toContain(name);
    const plain = await list('start=%F4%8F%BF%BF');
    expect(plain.rows.map((row) => row.key_base64url)).toContain(name);
  });

  it('is refused when it cannot be what was meant', async () => {
    const { http } = cluster;
    const codes = async (query: string): Promise<unknown> => {
      const { problem } = await http.request('GET', `${KEYS}?${query}`);
      return [problem.status, problem.code];
    };
    const { cursor } = await list('prefix=list/&limit=1');
    expect(await codes('prefx=a')).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes('prefix=a&start=b')).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes('prefix=%ff')).toEqual([400, 'HF_KEY_INVALID']);
    expect(await codes('limit=0')).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes('limit=1001')).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes('consistency=maybe')).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes(`prefix=other/&cursor=${cursor}`)).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes(`prefix=list/&reverse&cursor=${cursor}`)).toEqual([400, 'HF_BAD_REQUEST']);
    expect(await codes('cursor=AAAA')).toEqual([400, 'HF_BAD_REQUEST']);
    const unknown = await http.request('GET', '/v1/keyspaces/nowhere/keys?limit=1');
    expect(unknown.problem).toMatchObject({ status: 404, code: 'HF_KEYSPACE_NOT_FOUND' });
  });
});

describe('a listing as lines', () => {
  const ndjson = { accept: 'application/x-ndjson' };

  it('gives every row, and says that it is complete', async () => {
    const keys = await fill('lines/', 2500);
    const answer = await cluster.http.request('GET', `${KEYS}?prefix=lines/`, { headers: ndjson });
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    expect(answer.headers['x-request-id']).toBeDefined();
    const lines = answer.body.toString().trimEnd().split('\n');
    const { end } = JSON.parse(lines.at(-1) ?? '') as { end: Page };
    expect([end.count, end.cursor]).toEqual([2500, undefined]);
    expect(lines.slice(0, -1).map((line) => (JSON.parse(line) as Row).key)).toEqual(keys);
    const limited = await cluster.http.request('GET', `${KEYS}?prefix=lines/&limit=3&keys_only`, {
      headers: ndjson,
    });
    expect(limited.body.toString().trimEnd().split('\n')).toHaveLength(4);
  });

  it('waits for a slow reader instead of filling memory', async () => {
    const value = Buffer.alloc(256 * 1024, 'x').toString();
    const keys = Array.from({ length: 160 }, (_, i) => `slow/${i}`);
    for (let i = 0; i < keys.length; i += 20) {
      await Promise.all(keys.slice(i, i + 20).map((key) => cluster.http.put(key, value)));
    }
    const { hostname, port } = new URL(cluster.gatewayUrl);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(
      `GET ${KEYS}?prefix=slow/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${cluster.rootKey}\r\n` +
        'Accept: application/x-ndjson\r\nConnection: close\r\n\r\n',
    );
    await once(socket, 'data');
    socket.pause();
    // Others are served while one does not read; then it gets the rest of its 40 MiB.
    const before = await cluster.http.get('slow/1');
    expect(before.status).toBe(200);
    let bytes = 0;
    let last = '';
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      last = chunk.subarray(-200).toString();
    });
    socket.resume();
    await once(socket, 'close');
    expect(bytes).toBeGreaterThan(40 * 1024 * 1024);
    expect(last).toContain('"count":160');
  });

  it('is a page for a reader that takes both', async () => {
    const answer = await cluster.http.request('GET', `${KEYS}?prefix=list/&limit=2`, {
      headers: { accept: 'application/json, application/x-ndjson, application/problem+json' },
    });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ count: 2 });
  });

  it('answers with a status while it can', async () => {
    const answer = await cluster.http.request('GET', '/v1/keyspaces/nowhere/keys', { headers: ndjson });
    expect(answer.problem).toMatchObject({ status: 404, code: 'HF_KEYSPACE_NOT_FOUND' });
  });
});

describe('removing a range', () => {
  it('takes a limit, counts, and goes on at a cursor', async () => {
    const { http } = cluster;
    await fill('gone/', 30);
    await http.put('gonf', 'stays');
    const remove = async (query: string) => {
      const answer = await http.request('DELETE', `${KEYS}?${query}`);
      return JSON.parse(answer.body.toString()) as { deleted: number; cursor?: string; code?: string };
    };
    const first = await remove('prefix=gone/&limit=12');
    expect(first.deleted).toBe(12);
    expect(await remove(`prefix=gone/&cursor=${first.cursor}`)).toEqual({ deleted: 18 });
    expect(await list('prefix=gone/')).toMatchObject({ count: 0 });
    expect((await http.get('gonf')).status).toBe(200);
    expect(await remove('limit=5')).toMatchObject({ code: 'HF_BAD_REQUEST' });
    expect(await remove('prefx=gone')).toMatchObject({ code: 'HF_BAD_REQUEST' });
  });
});

describe('a batch', () => {
  const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    cluster.http.request('POST', '/v1/batch', {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('executes each operation by itself, with a status each', async () => {
    const first = await post({
      operations: [
        { op: 'put', key: 'batch/a', value: { n: 1 } },
        { op: 'put', key: 'batch/b', text: 'héllo' },
        { op: 'put', key_base64url: Buffer.from('batch/c').toString('base64url'), base64: 'AAE=' },
        { op: 'increment', key: 'batch/n', delta: 5 },
        { op: 'put', key: 'batch/d', value: 'no number' },
        { op: 'put', key: 'batch/e', value: null },
      ],
    });
    expect(first.status).toBe(200);
    const second = await post({
      operations: [
        { op: 'get', key: 'batch/a' },
        { op: 'get', key: 'batch/b' },
        { op: 'get', key: 'batch/c' },
        { op: 'get', key: 'batch/missing' },
        { op: 'increment', key: 'batch/n', delta: -2 },
        { op: 'put', key: 'batch/a', value: 2, if_absent: true },
        { op: 'delete', key: 'batch/e', if_exists: true },
        { op: 'increment', key: 'batch/d' },
        { op: 'get', keyspace: 'nowhere', key: 'k' },
      ],
    });
    expect(second.status).toBe(207);
    const { results } = JSON.parse(second.body.toString()) as { results: Record<string, unknown>[] };
    expect(results.slice(0, 3)).toMatchObject([
      { status: 200, value: { n: 1 } },
      { status: 200, text: 'héllo' },
      { status: 200, base64: 'AAE=' },
    ]);
    expect(results.map(({ status }) => status)).toEqual([200, 200, 200, 404, 200, 412, 200, 422, 404]);
    expect(results[4]).toMatchObject({ value: 3 });
    expect(results[5]).toMatchObject({ problem: { code: 'HF_PRECONDITION_FAILED', outcome: 'not_applied' } });
    expect(results[8]).toMatchObject({ problem: { code: 'HF_KEYSPACE_NOT_FOUND' } });
  });

  it('keeps the digits of JSON', async () => {
    await post('{"operations":[{"op":"put","key":"digits","value":{"n":12345678901234567890.10}}]}');
    expect((await cluster.http.get('digits')).body.toString()).toBe('{"n":12345678901234567890.10}');
    const answer = await post('{"operations":[{"op":"get","key":"digits"}]}');
    expect(answer.body.toString()).toContain('12345678901234567890.10');
  });

  it('is refused as a whole when a part of it is not understood', async () => {
    const refused: readonly [string, number][] = [
      ['{"operations":[]}', 400],
      ['{"operations":[{"op":"put","key":"never","value":1},{"op":"fly"}]}', 400],
      ['{"operations":[{"op":"put","key":"never","value":1},{"op":"get"}]}', 400],
      ['{"operations":[{"op":"put","key":"never","value":1,"text":"x"}]}', 400],
      ['{"operations":[{"op":"put","key":"never","key":"never","value":1}]}', 400],
      ['{"operations":[{"op":"put","key":"never","value":1}],"__proto__":{}}', 400],
      ['{"operations":[{"op":"increment","key":"never","delta":9007199254740993}]}', 400],
      ['{"operations":[{"op":"put","key":"never\\ud800","value":1}]}', 400],
      ['{"operations":[{"op":"put","key":"","value":1}]}', 400],
      [`{"operations":[{"op":"put","key":"${'k'.repeat(4097)}","value":1}]}`, 413],
      [`{"operations":${'['.repeat(100_000)}`, 400],
      [`{"operations":[${'{"op":"get","key":"k"},'.repeat(1000)}{"op":"get","key":"k"}]}`, 400],
    ];
    for (const [body, status] of refused) {
      const { problem } = await post(body);
      expect([problem.status, problem.outcome], body.slice(0, 80)).toEqual([status, 'not_applied']);
    }
    expect((await post('{}', { 'content-type': 'text/plain' })).problem.status).toBe(415);
    expect((await cluster.http.get('never')).status).toBe(404);
  });
});

describe('read levels', () => {
  it('say what was asked and what was served', async () => {
    const { http } = cluster;
    const put = await http.put('level', 'x');
    const revision = String(put.headers['holdfast-revision']);
    const strong = await http.get('level');
    expect(strong.headers['holdfast-consistency']).toBe(
      'asked=strong, served=strong, staleness-ms=0, role=leader',
    );
    const floor = await http.request('GET', `${keyPath('level')}?consistency=eventual`, {
      headers: { 'holdfast-min-revision': revision },
    });
    expect(floor.headers['holdfast-revision']).toBe(revision);
    expect(floor.headers['holdfast-consistency']).toMatch(/^asked=eventual, served=/);
    const bounded = await http.get('level', '?consistency=bounded&max_staleness=10s');
    expect(bounded.status).toBe(200);
    expect(bounded.headers['holdfast-consistency']).toMatch(/^asked=bounded, served=(strong|bounded), /);
    expect((await http.get('level', '?consistency=linear')).problem.code).toBe('HF_BAD_REQUEST');
    // What no replica has reached is answered by the leader, above every completed write.
    const above = await http.request('GET', `${keyPath('level')}?consistency=eventual`, {
      headers: { 'holdfast-min-revision': String(Number.MAX_SAFE_INTEGER) },
    });
    expect(above.headers['holdfast-consistency']).toBe(
      'asked=eventual, served=strong, staleness-ms=0, role=leader',
    );
    const future = await http.get('level', `?revision=${Number.MAX_SAFE_INTEGER}`);
    expect(future.problem).toMatchObject({ status: 400, detail: 'a revision of the future' });
    expect(future.problem).not.toHaveProperty('revision');
  });

  it('say with every answer what it is: level, age, and who gave it', async () => {
    const { http } = cluster;
    const strong = 'asked=strong, served=strong, staleness-ms=0, role=leader';
    const eventual = /^asked=eventual, served=eventual, staleness-ms=(\d+|unknown), role=(leader|follower)$/;
    const json = { 'content-type': 'application/json' };
    const put = await http.put('level/a', '1', json);
    const answers = [
      put,
      await http.request('POST', `${keyPath('level/n')}:increment`, { headers: { 'idempotency-key': 'lv' } }),
      await http.get('level/a', `?revision=${String(put.headers['holdfast-revision'])}`),
      await http.get('level/none'),
      await http.request('HEAD', keyPath('level/a')),
      await http.request('GET', `${KEYS}?prefix=level/`),
      await http.request('GET', `${KEYS}?prefix=level/&count_only`),
      await http.request('GET', `${KEYS}?prefix=level/`, { headers: { accept: 'application/x-ndjson' } }),
      await http.request('POST', '/v1/batch', {
        headers: json,
        body: JSON.stringify({ operations: [{ op: 'get', key: 'level/a' }] }),
      }),
      await http.request('POST', '/v1/transactions', {
        headers: json,
        body: '{"then":[{"op":"get","key":"level/a"}]}',
      }),
      await http.request('GET', '/v1/operations/lv'),
      await http.request('DELETE', `${KEYS}?prefix=level/n`),
      await http.delete('level/none'),
    ];
    for (const [i, answer] of answers.entries()) {
      expect([i, answer.headers['holdfast-consistency']]).toEqual([i, strong]);
    }
    // Revision 0: there is no version.
    expect(answers[3]?.headers['holdfast-revision']).toBe('0');
    await http.put('level/a', '2', json);
    const weak = [
      await http.get('level/a', '?consistency=eventual'),
      await http.get('level/none', '?consistency=eventual'),
      await http.request('GET', `${KEYS}?prefix=level/&consistency=eventual`),
      await http.request('POST', '/v1/batch?consistency=eventual', {
        headers: json,
        body: JSON.stringify({ operations: [{ op: 'get', key: 'level/a' }] }),
      }),
    ];
    for (const answer of weak) expect(answer.headers['holdfast-consistency']).toMatch(eventual);
    // Weak reads go around among the replicas: leader and followers are told apart.
    const roles = new Set<string>();
    for (let i = 0; i < 60 && roles.size < 2; i++) {
      const read = await http.get('level/a', '?consistency=eventual');
      roles.add(String(read.headers['holdfast-consistency']).split('role=')[1] ?? '');
    }
    expect([...roles].sort()).toEqual(['follower', 'leader']);
  });
});

describe('increments', () => {
  it('of many at once are all counted', async () => {
    const { http } = cluster;
    const path = `${keyPath('counter')}:increment`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => http.request('POST', path)));
    const values = answers.map(({ body }) => (JSON.parse(body.toString()) as { value: number }).value);
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect((await http.get('counter')).body.toString()).toBe('50');
    await http.put('word', 'x');
    const word = await http.request('POST', `${keyPath('word')}:increment`);
    expect(word.problem).toMatchObject({ status: 422, code: 'HF_VALUE_NOT_INTEGER' });
  });
});
