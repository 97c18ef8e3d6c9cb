import { connect } from 'node:net';
import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayUnderTest } from './gateway-under-test.ts';
import { naughtyText } from './schema-arbitrary.ts';

/** What clients do wrong, by accident and by intent: each is answered or cut off, and the gateway goes on. */
const KEYS = '/v1/keyspaces/default/keys';
const HEAD = 'HTTP/1.1\r\nHost: x\r\n';

let gateway: GatewayUnderTest;
let pool: Pool;
beforeAll(async () => {
  gateway = await GatewayUnderTest.start();
  pool = new Pool(gateway.url, { connections: 8 });
});
afterAll(async () => {
  await pool.close();
  await gateway[Symbol.asyncDispose]();
});

/** Sends bytes, and gives back all that comes until the gateway ends the connection. */
function exchange(...parts: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      for (const part of parts) socket.write(part);
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A refused sender may see a reset behind the answer.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
  });
}

describe('slow senders', () => {
  it('of header fields are cut off while others are served', async () => {
    const slow = exchange(`GET ${KEYS}/k HTTP/1.1\r\nHost: x\r\nX-Slow:`);
    const others = await pool.request({ method: 'PUT', path: `${KEYS}/other`, body: 'x' });
    expect(others.statusCode).toBe(200);
    await others.body.dump();
    expect(await slow).toMatch(/^HTTP\/1\.1 400 [\s\S]*did not arrive in time/);
  }, 30_000);
});

describe('too much', () => {
  it('is refused before it is read: bodies', async () => {
    const length = 64 * 1024 * 1024;
    for (const target of [`PUT ${KEYS}/k`, 'POST /v1/batch', `POST ${KEYS}/k:increment`]) {
      const answer = await exchange(`${target} ${HEAD}Content-Length: ${length}\r\n\r\n`);
      expect(answer, target).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('"outcome":"not_applied"');
    }
  });

  it('is refused before it is read: header fields', async () => {
    const answer = await exchange(`GET ${KEYS}/k ${HEAD}X: ${'y'.repeat(40_000)}\r\n\r\n`);
    expect(answer).toContain('HTTP/1.1 431 ');
    expect(answer).toContain('HF_HEADERS_TOO_LARGE');
    const many = Array.from({ length: 3000 }, (_, i) => `X-${i}: y\r\n`).join('');
    expect(await exchange(`GET ${KEYS}/k ${HEAD}${many}\r\n`)).toContain('HTTP/1.1 431 ');
  });

  it('is refused when a chunked body never ends', async () => {
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
    const head = `PUT ${KEYS}/endless ${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
    const answer = await exchange(head, ...Array.from({ length: 20 }, () => chunk));
    expect(answer).toContain('HF_VALUE_TOO_LARGE');
    const read = await pool.request({ method: 'GET', path: `${KEYS}/endless` });
    await read.body.dump();
    expect(read.statusCode).toBe(404);
  });
});

describe('requests that two readers could take differently', () => {
  it.each([
    ['two lengths', `PUT ${KEYS}/smuggled ${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    [
      'a length and chunks',
      `PUT ${KEYS}/smuggled ${HEAD}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    ],
    ['a length that is no number', `PUT ${KEYS}/smuggled ${HEAD}Content-Length: 1x\r\n\r\na`],
    ['a bare line feed', `PUT ${KEYS}/smuggled HTTP/1.1\nHost: x\n\n`],
    ['a space before the colon', `PUT ${KEYS}/smuggled HTTP/1.1\r\nHost : x\r\nContent-Length: 0\r\n\r\n`],
  ])('are refused: %s', async (_what, bytes) => {
    expect(await exchange(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    const read = await pool.request({ method: 'GET', path: `${KEYS}/smuggled` });
    await read.body.dump();
    expect(read.statusCode).toBe(404);
  });
});

describe('JSON', () => {
  const post = async (body: string | Buffer) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await pool.request({ method: 'POST', path: '/v1/batch', body, headers });
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
  };

  it.each([
    ['nested a million deep', '['.repeat(1_000_000)],
    ['nested deep inside a value', `{"operations":[{"op":"put","key":"k","value":${'['.repeat(100_000)}`],
    ['a member twice', '{"operations":[],"operations":[{"op":"get","key":"k"}]}'],
    ['__proto__', '{"__proto__":{"operations":[{"op":"get","key":"k"}]}}'],
    ['a lone surrogate in a key', String.raw`{"operations":[{"op":"get","key":"\ud800"}]}`],
    ['a number beyond 2^53', '{"operations":[{"op":"increment","key":"k","delta":9007199254740992}]}'],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"operations":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    ],
    ['a byte order mark', '\ufeff{"operations":[{"op":"get","key":"k"}]}'],
    ['not quite JSON', "{'operations':[]}"],
  ])('%s is a bad request', async (_what, body) => {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'HF_BAD_REQUEST', outcome: 'not_applied' } });
  });

  it('takes values of a megabyte in every form', async () => {
    const bytes = Buffer.alloc(1024 * 1024, 7);
    const answer = await post(
      JSON.stringify({
        operations: [
          { op: 'put', key: 'large/1', base64: bytes.toString('base64') },
          { op: 'put', key: 'large/2', text: 'x'.repeat(1024 * 1024) },
          { op: 'put', key: 'large/3', value: 'x'.repeat(1024 * 1024 - 2) },
        ],
      }),
    );
    expect(answer.status).toBe(200);
    const read = await pool.request({ method: 'GET', path: `${KEYS}/large/1` });
    expect(Buffer.from(await read.body.arrayBuffer()).equals(bytes)).toBe(true);
  });
});

it('naughty strings make a round trip as key and as value, or are refused', async () => {
  await fc.assert(
    fc.asyncProperty(naughtyText, naughtyText, async (name, value) => {
      fc.pre(name.isWellFormed() && value.isWellFormed());
      const path = `${KEYS}/${encodeURIComponent(name)}`;
      const put = await pool.request({ method: 'PUT', path, body: value });
      await put.body.dump();
      const bytes = Buffer.byteLength(name);
      expect(put.statusCode).toBe(bytes === 0 ? 400 : bytes > 4096 ? 413 : 200);
      if (put.statusCode !== 200) return;
      const get = await pool.request({ method: 'GET', path });
      expect(await get.body.text()).toBe(value.replace(/^\ufeff/, ''));
      const listed = await pool.request({
        method: 'GET',
        path: `${KEYS}?start=${encodeURIComponent(name)}&limit=1`,
      });
      expect(await listed.body.json()).toMatchObject({ rows: [{ key: name }] });
    }),
    { numRuns: 100 },
  );
});
