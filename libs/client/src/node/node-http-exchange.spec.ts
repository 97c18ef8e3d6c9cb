import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { SystemClock } from '@holdfast/io-node';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../rest/http-exchange.ts';
import { NodeHttpExchange } from './node-http-exchange.ts';

const GET: HttpRequest = { method: 'GET', target: '/a/..%2F?b', headers: { 'x-a': '1' }, body: undefined };

let exchange: NodeHttpExchange;
let closing: (() => void) | undefined;

async function serve(server: Server | ReturnType<typeof createTcpServer>): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  exchange = new NodeHttpExchange(
    new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    new SystemClock(),
  );
  closing = () => server.close();
}
const answering = (listener: RequestListener): Promise<void> => serve(createServer(listener));
const send = (request: HttpRequest): Promise<HttpAnswer | HttpFailure> =>
  new Promise((resolve) => void exchange.send(request, resolve));

afterEach(() => {
  exchange.close();
  closing?.();
});

describe('NodeHttpExchange', () => {
  it('carries target, headers and body as they are, and keeps the connection', async () => {
    const ports = new Set<number | undefined>();
    await answering((request, response) => {
      ports.add(request.socket.remotePort);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('hex');
        response
          .writeHead(201, { 'x-b': '2' })
          .end(`${request.method} ${request.url} ${String(request.headers['x-a'])} ${body}`);
      });
    });
    const got = (await send(GET)) as HttpAnswer;
    expect(got).toMatchObject({ kind: 'answer', status: 201 });
    expect(got.header('x-b')).toBe('2');
    expect(Buffer.from(got.body).toString()).toBe('GET /a/..%2F?b 1 ');
    const put = await send({ ...GET, method: 'PUT', body: Uint8Array.of(0, 255) });
    expect(Buffer.from((put as HttpAnswer).body).toString()).toBe('PUT /a/..%2F?b 1 00ff');
    expect(ports.size).toBe(1);
  });

  it('knows whether a request can have left', async () => {
    await answering((request) => request.socket.destroy());
    expect(await send(GET)).toMatchObject({ kind: 'failure', sent: true });
    closing?.();
    const free = createTcpServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    exchange.close();
    exchange = new NodeHttpExchange(new URL(`http://127.0.0.1:${port}`), new SystemClock());
    expect(await send(GET)).toMatchObject({ kind: 'failure', sent: false });
  });

  it('gives up what its caller gives up, and what is too large', async () => {
    await answering((_request, response) => response.end(Buffer.alloc(2 * 1024 * 1024)));
    expect(await send(GET)).toMatchObject({
      kind: 'failure',
      reason: { message: 'the answer is too large' },
    });
    const cut = await new Promise((resolve) => exchange.send(GET, resolve)());
    expect(cut).toMatchObject({ kind: 'failure', reason: { message: 'given up' } });
  });

  it('fails for an answer that breaks off', async () => {
    await serve(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
      }),
    );
    expect(await send(GET)).toMatchObject({ kind: 'failure', sent: true });
  });
});
