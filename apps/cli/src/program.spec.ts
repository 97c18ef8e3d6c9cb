import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProblemError } from './gateway-http.ts';
import { createProgram, EXIT_REFUSED, EXIT_RETRYABLE, EXIT_UNREACHABLE, exitCodeOf } from './program.ts';

interface Seen {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let base: string;
let seen: Seen[];
let answer: { status: number; headers: Record<string, string>; body: string | Buffer };

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  seen = [];
  answer = {
    status: 200,
    headers: { 'holdfast-revision': '7', 'content-type': 'text/plain' },
    body: 'hello',
  };
});

async function run(...args: readonly string[]): Promise<string> {
  let printed = '';
  const program = createProgram({
    line: (text) => (printed += `${text}\n`),
    json: (value) => (printed += JSON.stringify(value)),
    bytes: (bytes) => (printed += Buffer.from(bytes).toString()),
  });
  await program.parseAsync([...args], { from: 'user' });
  return printed;
}

describe('holdfast', () => {
  it('gets a value as it is, or as JSON', async () => {
    expect(await run('get', '..', '-g', base)).toBe('hello');
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/v1/keyspaces/default/keys/Li4?consistency=strong&key_encoding=base64url',
    });
    expect(JSON.parse(await run('get', 'k', '--json', '-g', base))).toMatchObject({
      revision: 7,
      value: 'hello',
    });
    answer.body = Buffer.from([255]);
    expect(JSON.parse(await run('get', 'k', '--json', '-g', base))).toMatchObject({ valueBase64: '/w==' });
  });

  it('puts and deletes under conditions', async () => {
    expect(await run('put', 'k', 'v', '-g', base, '--if-revision', '5', '--deadline-ms', '100')).toBe(
      'revision 7\n',
    );
    expect(seen[0]).toMatchObject({
      method: 'PUT',
      body: 'v',
      headers: {
        'if-match': '"5"',
        'holdfast-deadline-ms': '100',
        'content-type': 'text/plain; charset=utf-8',
      },
    });
    expect(await run('del', 'k', '-g', base, '--json')).toBe('{"key":"k","revision":7}');
    expect(seen[1]).toMatchObject({ method: 'DELETE' });
  });

  it('shows the cluster', async () => {
    answer.body = JSON.stringify({
      nodes: [
        { id: 1, state: 'serving', ready: true, pid: 11, address: '127.0.0.1:7711' },
        { id: 2, state: 'down', ready: false },
      ],
      ranges: [{ id: 1, leader: 0, term: 3 }],
    });
    const printed = await run('status', '--admin', base);
    expect(printed).toContain('127.0.0.1:7711');
    expect(printed).toContain('down');
    expect(printed).toContain('none');
  });

  it('fails with the problem that the gateway tells', async () => {
    answer = {
      status: 503,
      headers: { 'content-type': 'application/problem+json' },
      body: JSON.stringify({
        status: 503,
        title: 'No quorum',
        code: 'HF_NO_QUORUM',
        retryable: true,
        outcome: 'unknown',
      }),
    };
    const failure = await run('get', 'k', '-g', base).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProblemError);
    expect((failure as Error).message).toBe('HF_NO_QUORUM: No quorum (outcome: unknown)');
    expect(exitCodeOf(failure)).toBe(EXIT_RETRYABLE);
    answer.body = 'not JSON';
    expect(exitCodeOf(await run('get', 'k', '-g', base).catch((error: unknown) => error))).toBe(EXIT_REFUSED);
  });

  it('says that nobody answers', async () => {
    const failure = await run('get', 'k', '-g', 'http://127.0.0.1:1').catch((error: unknown) => error);
    expect(exitCodeOf(failure)).toBe(EXIT_UNREACHABLE);
  });
});
