import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { SystemClock } from '@holdfast/io-node';
import { afterEach, describe, expect, it } from 'vitest';
import type {
  HttpAnswer,
  HttpFailure,
  HttpHead,
  HttpRequest,
  HttpStream,
  HttpStreamReader,
} from '../rest/http-exchange.ts';
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

/** Keeps what it is told; pieces are taken of answers with status 200. */
class Reader implements HttpStreamReader {
  bytes = 0;
  onPiece: () => void = () => undefined;
  readonly over: Promise<HttpAnswer | HttpFailure | undefined>;
  closed: (outcome: HttpAnswer | HttpFailure | undefined) => void = () => undefined;

  constructor() {
    this.over = new Promise((resolve) => (this.closed = resolve));
  }

  opened({ status }: HttpHead): boolean {
    return status === 200;
  }

  piece(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    this.onPiece();
  }
}

describe('a stream', () => {
  it('tells an answer while it comes, and that it has ended', async () => {
    await answering((_request, response) => {
      response.write('first');
      reader.onPiece = () => response.end();
    });
    const reader = new Reader();
    exchange.stream(GET, reader);
    expect(await reader.over).toBeUndefined();
    expect(reader.bytes).toBe(5);
  });

  it('takes no connection of the pool', async () => {
    await answering((request, response) => {
      if (request.url === '/stream') response.write('open');
      else response.end();
    });
    const readers = Array.from({ length: 100 }, () => {
      const reader = new Reader();
      exchange.stream({ ...GET, target: '/stream' }, reader);
      return reader;
    });
    await Promise.all(readers.map((reader) => new Promise<void>((resolve) => (reader.onPiece = resolve))));
    expect(await send(GET)).toMatchObject({ status: 200 });
    exchange.close();
    const ends = await Promise.all(readers.map(({ over }) => over));
    expect(ends.every((end) => end?.kind === 'failure')).toBe(true);
  });

  it('takes a refusal as a whole, and says what broke off', async () => {
    await answering((request, response) => {
      if (request.url === '/no') response.writeHead(409, { 'x-b': '2' }).end('because');
      else if (request.url === '/large') response.writeHead(409).end(Buffer.alloc(2 * 1024 * 1024));
      else response.write('half', () => request.socket.destroy());
    });
    const over = (target: string): Promise<unknown> => {
      const reader = new Reader();
      exchange.stream({ ...GET, target }, reader);
      return reader.over;
    };
    const refusal = (await over('/no')) as HttpAnswer;
    expect(refusal).toMatchObject({ kind: 'answer', status: 409 });
    expect(Buffer.from(refusal.body).toString()).toBe('because');
    expect(refusal.header('x-b')).toBe('2');
    expect(await over('/large')).toMatchObject({
      kind: 'failure',
      reason: { message: 'the answer is too large' },
    });
    expect(await over('/half')).toMatchObject({ kind: 'failure', sent: true });
  });

  it('holds the other side back while it is paused, and is silent after it was cancelled', async () => {
    let written = 0;
    let isFull: () => void = () => undefined;
    const full = new Promise<void>((resolve) => (isFull = resolve));
    await answering((_request, response) => {
      const block = Buffer.alloc(256 * 1024);
      const fill = (): void => {
        do written += block.length;
        while (response.write(block) && written < 512 * 1024 * 1024);
        // Nobody drains it: the buffers on the way are full.
        const stalled = setTimeout(isFull, 300);
        response.once('drain', () => {
          clearTimeout(stalled);
          if (written < 512 * 1024 * 1024) fill();
        });
      };
      response.on('error', () => undefined);
      fill();
    });
    const reader = new Reader();
    const stream: HttpStream = exchange.stream(GET, reader);
    reader.onPiece = () => stream.pause();
    await full;
    const taken = reader.bytes;
    expect(written).toBeLessThan(256 * 1024 * 1024);
    expect(taken).toBeLessThan(1024 * 1024);
    await new Promise<void>((resolve) => {
      reader.onPiece = resolve;
      stream.resume();
    });
    stream.cancel();
    const before = reader.bytes;
    reader.closed = () => expect.fail('told after it was cancelled');
    expect(await send({ ...GET, target: '/other', answerBytesMax: 1 })).toMatchObject({ kind: 'failure' });
    expect(reader.bytes).toBe(before);
  });
});
