import { connect } from 'node:net';
import type { Operation, OpResult, OpSink, WatchHandle } from '@holdfast/client';
import { EMPTY_BYTES, revision } from '@holdfast/io';
import { createLogger } from '@holdfast/telemetry';
import { Condition, Consistency, type ErrorCode, HoldfastError, OpKind } from '@holdfast/wire';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OpenAccess } from './access/authenticator.ts';
import { createGatewayApp } from './gateway-app.ts';
import { Readiness } from './readiness.ts';
import type { StoreClient, WatchClient } from './store-client.ts';

const KEYS = '/v1/keyspaces/default/keys';

/** Answers every operation with what the test has laid out, and remembers it. */
class FakeClient implements StoreClient, WatchClient {
  readonly pendingOps = 0;
  readonly seen: Operation[] = [];
  answer: Partial<OpResult> | HoldfastError | Error = {};

  watch(): WatchHandle {
    throw new Error('nobody watches here');
  }

  submit(operation: Operation, sink: OpSink): void {
    this.seen.push(operation);
    const { answer } = this;
    if (answer instanceof HoldfastError) setImmediate(() => sink.failed(answer, 0));
    else if (answer instanceof Error) throw answer;
    else setImmediate(() => sink.done(resultOf(answer), 0));
  }

  execute(operation: Operation): Promise<OpResult> {
    return new Promise((resolve, reject) => {
      this.submit(operation, { done: resolve, failed: reject });
    });
  }

  get last(): Operation {
    const operation = this.seen.at(-1);
    if (operation === undefined) throw new Error('no operation arrived');
    return operation;
  }
}

function resultOf(parts: Partial<OpResult>): OpResult {
  return {
    outcome: 'applied',
    found: true,
    revision: revision(7),
    contentType: EMPTY_BYTES,
    value: EMPTY_BYTES,
    replayed: false,
    servedLevel: Consistency.strong,
    stalenessMs: 0,
    role: 'leader',
    expiresAtMs: 0,
    count: 0,
    succeeded: false,
    rowCount: 0,
    resumeKey: undefined,
    transaction: () => ({ failedCheck: undefined, results: [] }),
    record: () => {
      throw new Error('no record here');
    },
    rows: () => {
      throw new Error('no rows here');
    },
    ...parts,
  };
}

const client = new FakeClient();
let app: NestFastifyApplication;
let http: ReturnType<typeof request>;

beforeAll(async () => {
  app = await createGatewayApp(
    client,
    new Readiness(client),
    createLogger({ app: 'gateway', level: 'silent' }),
    new OpenAccess(),
  );
  await app.listen(0, '127.0.0.1');
  http = request(await app.getUrl());
});
afterAll(() => app.close());
beforeEach(() => {
  client.answer = {};
  client.seen.length = 0;
});

describe('PUT', () => {
  it('passes bytes, content type and deadline on, and answers with the revision', async () => {
    const body = Buffer.from([0, 255, 128, 10]);
    const response = await http
      .put(`${KEYS}/a%2Fb`)
      .set('content-type', 'image/x-odd; v=1')
      .set('holdfast-deadline-ms', '1234')
      .send(body);
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({ etag: '"7"', 'holdfast-revision': '7' });
    expect(response.body).toEqual({ revision: 7 });
    expect(client.last).toMatchObject({
      kind: OpKind.put,
      keyspace: 'default',
      deadlineMs: 1234,
      condition: Condition.none,
    });
    expect(Buffer.from(client.last.key).toString()).toBe('a/b');
    expect(Buffer.from(client.last.value ?? []).equals(body)).toBe(true);
    expect(Buffer.from(client.last.contentType ?? []).toString()).toBe('image/x-odd; v=1');
  });

  it('takes an empty value, and JSON as the bytes that it is', async () => {
    await http.put(`${KEYS}/k`).expect(200);
    expect(client.last.value).toHaveLength(0);
    await http.put(`${KEYS}/k`).set('content-type', 'application/json').send('{"a":1,"a":2').expect(200);
    expect(Buffer.from(client.last.value ?? []).toString()).toBe('{"a":1,"a":2');
  });

  it('turns If-Match and If-None-Match into conditions', async () => {
    await http.put(`${KEYS}/k`).set('if-match', '"5"').expect(200);
    expect(client.last).toMatchObject({ condition: Condition.revisionEquals, revision: 5 });
    await http.put(`${KEYS}/k`).set('if-none-match', '*').expect(200);
    expect(client.last).toMatchObject({ condition: Condition.absent });
    await http.delete(`${KEYS}/k`).set('if-match', '*').expect(200);
    expect(client.last).toMatchObject({ kind: OpKind.delete, condition: Condition.exists });
  });

  it('refuses a value beyond 1 MiB, whether its length is told or not', async () => {
    const told = await http.put(`${KEYS}/k`).send(Buffer.alloc(1024 * 1024 + 1));
    expect(told.body).toMatchObject({ status: 413, code: 'HF_VALUE_TOO_LARGE', outcome: 'not_applied' });
    expect(await rawExchange(chunkedPut(1024 * 1024 + 1))).toContain('HF_VALUE_TOO_LARGE');
    expect(client.seen).toHaveLength(0);
    await http
      .put(`${KEYS}/k`)
      .send(Buffer.alloc(1024 * 1024))
      .expect(200);
  });

  it('takes values as a whole and as they are', async () => {
    const encoded = await http.put(`${KEYS}/k`).set('content-encoding', 'gzip').send('x');
    expect(encoded.body).toMatchObject({ status: 415, code: 'HF_UNSUPPORTED_MEDIA_TYPE' });
    const part = await http.put(`${KEYS}/k`).set('content-range', 'bytes 0-0/2').send('x');
    expect(part.body).toMatchObject({ status: 400, code: 'HF_BAD_REQUEST' });
    expect(client.seen).toHaveLength(0);
  });

  it('passes time to live and idempotency key on, and says that an answer is an earlier one', async () => {
    client.answer = { replayed: true };
    const { headers } = await http.put(`${KEYS}/k?ttl=90s`).set('idempotency-key', 'order-1').expect(200);
    expect(headers['idempotent-replayed']).toBe('true');
    expect(client.last).toMatchObject({ ttlMs: 90_000 });
    expect(client.last.idempotencyKey).toHaveLength(32);
    client.answer = {};
    const first = await http.delete(`${KEYS}/k`).set('idempotency-key', 'order-2').expect(200);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    await http.put(`${KEYS}/k`).set('holdfast-ttl', '250ms').expect(200);
    expect(client.last).toMatchObject({ ttlMs: 250, idempotencyKey: undefined });
  });
});

describe('Holdfast-Tell-Existed', () => {
  it('makes a write look, and its answer say what it saw', async () => {
    const quiet = await http.put(`${KEYS}/k`).expect(200);
    expect(quiet.headers).not.toHaveProperty('holdfast-existed');
    expect(client.last.tellExisted).toBe(false);
    for (const found of [true, false]) {
      client.answer = { found };
      const put = await http.put(`${KEYS}/k`).set('holdfast-tell-existed', 'true').expect(200);
      const gone = await http.delete(`${KEYS}/k`).set('holdfast-tell-existed', 'true').expect(200);
      expect(put.headers['holdfast-existed']).toBe(String(found));
      expect(gone.headers['holdfast-existed']).toBe(String(found));
      expect(client.last.tellExisted).toBe(true);
    }
    const odd = await http.put(`${KEYS}/k`).set('holdfast-tell-existed', 'yes');
    expect(odd.body).toMatchObject({ status: 400, code: 'HF_BAD_REQUEST' });
  });
});

describe('POST :increment', () => {
  const counter = (value: bigint): Uint8Array => new Uint8Array(new BigInt64Array([value]).buffer);

  it('adds one, or what the body says, and answers with the counter', async () => {
    client.answer = { value: counter(-3n) };
    const { body, headers } = await http.post(`${KEYS}/hits:increment`).expect(200);
    expect(body).toEqual({ value: -3, revision: 7 });
    expect(headers['etag']).toBe('"7"');
    expect(client.last).toMatchObject({ kind: OpKind.increment, value: counter(1n) });
    expect(Buffer.from(client.last.key).toString()).toBe('hits');
    await http.post(`${KEYS}/a:increment:increment`).send({ delta: -5 }).expect(200);
    expect(client.last).toMatchObject({ value: counter(-5n) });
    expect(Buffer.from(client.last.key).toString()).toBe('a:increment');
  });

  it.each([
    ['application/json', '{"delta":1.5}', 400, 'HF_BAD_REQUEST'],
    ['application/json', '{"delta":9007199254740993}', 400, 'HF_BAD_REQUEST'],
    ['application/json', '{"delta":1,"delta":2}', 400, 'HF_BAD_REQUEST'],
    ['application/json', '{"__proto__":{"delta":2}}', 400, 'HF_BAD_REQUEST'],
    ['application/json', '{"delte":1}', 400, 'HF_BAD_REQUEST'],
    ['application/json', '[]', 400, 'HF_BAD_REQUEST'],
    ['application/json', '', 200, undefined],
    ['application/json', `{"delta":${' '.repeat(2000)}1}`, 413, 'HF_BATCH_TOO_LARGE'],
    ['text/plain', '{"delta":1}', 415, 'HF_UNSUPPORTED_MEDIA_TYPE'],
    ['application/json; charset=latin1', '{"delta":1}', 415, 'HF_UNSUPPORTED_MEDIA_TYPE'],
  ])('takes a delta only: %s %j', async (type, text, status, code) => {
    client.answer = { value: counter(1n) };
    const { body } = await http.post(`${KEYS}/k:increment`).set('content-type', type).send(text);
    expect(body).toMatchObject(code === undefined ? { value: 1 } : { status, code });
  });
});

describe('GET', () => {
  it('gives back bytes, content type, revision and the level served', async () => {
    client.answer = { value: Buffer.from([1, 0, 2]), contentType: Buffer.from('image/png') };
    const response = await http.get(`${KEYS}/k`);
    expect(response.headers).toMatchObject({
      'content-type': 'image/png',
      etag: '"7"',
      'holdfast-revision': '7',
      'holdfast-consistency': 'asked=strong, served=strong, staleness-ms=0, role=leader',
    });
    expect([...(response.body as Buffer)]).toEqual([1, 0, 2]);
  });

  it('says what an eventual read got', async () => {
    client.answer = { servedLevel: Consistency.eventual, stalenessMs: 0xffff_ffff, role: 'follower' };
    const response = await http.get(`${KEYS}/k?consistency=eventual`);
    expect(client.last.consistency).toBe(Consistency.eventual);
    expect(response.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'holdfast-consistency': 'asked=eventual, served=eventual, staleness-ms=unknown, role=follower',
    });
  });

  it('passes level, bound, floor and revision on', async () => {
    await http
      .get(`${KEYS}/k?consistency=bounded&max_staleness=250ms&revision=5`)
      .set('holdfast-min-revision', '3')
      .expect(200);
    expect(client.last).toMatchObject({
      consistency: Consistency.bounded,
      maxStalenessMs: 250,
      minRevision: 3,
      revision: 5,
    });
  });

  it('answers HEAD like GET, without the body', async () => {
    client.answer = { value: Buffer.from('four') };
    const response = await http.head(`${KEYS}/k`);
    expect(response.headers).toMatchObject({ 'content-length': '4', etag: '"7"' });
    expect(response.text).toBeUndefined();
  });

  it.each(['text/plain; a="1\r\nx-evil: 1"', 'text/\u0000', 'no type', 'a/b c'])(
    'serves a value whose stored media type is none: %j',
    async (stored) => {
      client.answer = { value: Buffer.from('v'), contentType: Buffer.from(stored, 'latin1') };
      const response = await http.get(`${KEYS}/k`).expect(200);
      expect(response.headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': '1',
      });
      expect(response.headers).not.toHaveProperty('x-evil');
    },
  );

  it.each([16 * 1024, 16 * 1024 + 1])(
    'gives a value of %i bytes back as it is, any bytes in it',
    async (length) => {
      const value = Uint8Array.from({ length }, (_, i) => i);
      client.answer = { value };
      const response = await http.get(`${KEYS}/k`).buffer(true).expect(200);
      expect(response.headers['content-length']).toBe(String(length));
      expect(Buffer.from(response.body as Uint8Array).equals(value)).toBe(true);
    },
  );

  it('answers 304 to a reader that has this revision', async () => {
    await http.get(`${KEYS}/k`).set('if-none-match', '"7"').expect(304);
    await http.get(`${KEYS}/k`).set('if-none-match', '"6"').expect(200);
  });

  it('says 404 for a key without a value, and what kind of read found that out', async () => {
    client.answer = { found: false, servedLevel: Consistency.eventual, stalenessMs: 5 };
    const response = await http.get(`${KEYS}/k?consistency=eventual`);
    expect(response.body).toMatchObject({ status: 404, code: 'HF_KEY_NOT_FOUND' });
    expect(response.headers['holdfast-consistency']).toBe(
      'asked=eventual, served=eventual, staleness-ms=5, role=leader',
    );
  });

  it('takes a key as base64url', async () => {
    await http.get(`${KEYS}/Li4?key_encoding=base64url`).expect(200);
    expect(Buffer.from(client.last.key).toString()).toBe('..');
  });
});

describe('problems', () => {
  it.each<[ErrorCode, number, string]>([
    ['HF_NO_QUORUM', 503, 'not_applied'],
    ['HF_TIMEOUT', 503, 'unknown'],
    ['HF_OVERLOADED', 429, 'not_applied'],
    ['HF_KEYSPACE_NOT_FOUND', 404, 'not_applied'],
    ['HF_CORRUPTION', 500, 'not_applied'],
  ])('%s is %i, outcome %s', async (code, status, outcome) => {
    client.answer = new HoldfastError(code);
    const response = await http.put(`${KEYS}/k`).set('x-request-id', 'abc-1');
    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.headers['x-request-id']).toBe('abc-1');
    expect(response.headers['retry-after']).toBe(status === 503 || status === 429 ? '1' : undefined);
    expect(response.body).toMatchObject({ code, status, outcome, request_id: 'abc-1' });
  });

  it('tells the current revision when a condition did not hold', async () => {
    client.answer = new HoldfastError('HF_PRECONDITION_FAILED', { revision: revision(9) });
    const { body } = await http.put(`${KEYS}/k`).set('if-match', '"5"');
    expect(body).toMatchObject({ status: 412, code: 'HF_PRECONDITION_FAILED', revision: 9 });
  });

  it('keeps what broke inside to the log', async () => {
    client.answer = new Error('the secret');
    const response = await http.get(`${KEYS}/k`);
    expect(response.body).toMatchObject({ status: 500, code: 'HF_INTERNAL', outcome: 'unknown' });
    expect(response.text).not.toContain('secret');
  });

  it.each([
    ['GET', '/nothing/here', 404, 'HF_NOT_FOUND'],
    ['GET', '/v1/keyspaces/default/things', 404, 'HF_NOT_FOUND'],
    ['POST', `${KEYS}/k`, 405, 'HF_METHOD_NOT_ALLOWED'],
    ['PATCH', `${KEYS}/k`, 405, 'HF_METHOD_NOT_ALLOWED'],
    ['GET', `${KEYS}/`, 400, 'HF_KEY_INVALID'],
    ['GET', `${KEYS}/%ff`, 400, 'HF_KEY_INVALID'],
    ['GET', `${KEYS}/%ED%A0%80`, 400, 'HF_KEY_INVALID'],
    ['GET', `${KEYS}/%`, 400, 'HF_KEY_INVALID'],
    ['GET', `/%ff`, 400, 'HF_BAD_REQUEST'],
    ['GET', `${KEYS}/${'x'.repeat(4097)}`, 413, 'HF_KEY_TOO_LARGE'],
    ['GET', `${KEYS}/${'%41'.repeat(4097)}`, 413, 'HF_KEY_TOO_LARGE'],
    ['GET', `${KEYS}/k?consistency=bounded`, 400, 'HF_BAD_REQUEST'],
    ['GET', `${KEYS}/k?consistency=weak`, 400, 'HF_BAD_REQUEST'],
    ['GET', `${KEYS}/k?consistency=strong&consistency=eventual`, 400, 'HF_BAD_REQUEST'],
    ['GET', `${KEYS}/k?key_encoding=hex`, 400, 'HF_BAD_REQUEST'],
    ['GET', `/v1/keyspaces/%ff/keys/k`, 400, 'HF_KEY_INVALID'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    const answer = await rawExchange(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain('content-type: application/problem+json');
    expect(answer).toContain(`"code":"${code}"`);
    expect(client.seen).toHaveLength(0);
  });

  it.each([
    ['holdfast-deadline-ms', '0'],
    ['holdfast-deadline-ms', '60001'],
    ['if-match', 'W/"5"'],
    ['if-none-match', '"5"'],
    ['content-type', `x/${'y'.repeat(300)}`],
  ])('refuses %s: %s', async (name, value) => {
    const { body } = await http.put(`${KEYS}/k`).set(name, value);
    expect(body).toMatchObject({ status: 400, code: 'HF_BAD_REQUEST', outcome: 'not_applied' });
  });

  it('answers what is not HTTP, and header fields without end', async () => {
    expect(await rawExchange('HELLO\r\n\r\n')).toContain('"code":"HF_BAD_REQUEST"');
    const endless = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`;
    expect(await rawExchange(endless)).toContain('"code":"HF_HEADERS_TOO_LARGE"');
  });

  it('replaces a request id that is not well formed', async () => {
    const { headers } = await http.get('/healthz').set('x-request-id', 'a b{}');
    expect(headers['x-request-id']).toMatch(/^[\w-]+$/);
  });
});

describe('raw paths', () => {
  it.each([
    ['..', '..'],
    ['.', '.'],
    ['../../healthz', '../../healthz'],
    ['%2e%2E', '..'],
    ['a//b', 'a//b'],
    ['a%2Fb', 'a/b'],
    ['%252F', '%2F'],
    ['%00', '\0'],
    ['a+b;c=d', 'a+b;c=d'],
    ['%E2%82%AC', '€'],
    ['K%C3%89Y', 'KÉY'],
  ])('%s is the key %j', async (path, key) => {
    const answer = await rawExchange(`GET ${KEYS}/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toContain('HTTP/1.1 200 ');
    expect(Buffer.from(client.last.key).toString()).toBe(key);
  });
});

describe('readiness', () => {
  it('is a strong read that succeeds', async () => {
    client.answer = new HoldfastError('HF_NO_QUORUM');
    const { body } = await http.get('/readyz');
    expect(body).toMatchObject({ status: 503, code: 'HF_UNAVAILABLE' });
    await http.get('/healthz').expect(200);
  });

  it('counts answers', async () => {
    const { text } = await http.get('/metrics').expect(200);
    expect(text).toMatch(/holdfast_http_requests_total\{method="GET",status="200"\} [1-9]/);
  });
});

/** Sends bytes as they are and gives back everything that comes until the connection ends. */
function rawExchange(bytes: string | Buffer): Promise<string> {
  const { port } = app.getHttpServer().address() as { readonly port: number };
  return new Promise<string>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A refused sender may see a reset behind the answer.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

function chunkedPut(bytes: number): Buffer {
  return Buffer.concat([
    Buffer.from(`PUT ${KEYS}/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`),
    Buffer.from(`${bytes.toString(16)}\r\n`),
    Buffer.alloc(bytes),
    Buffer.from('\r\n0\r\n\r\n'),
  ]);
}
