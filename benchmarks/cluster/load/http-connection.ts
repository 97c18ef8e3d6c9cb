import { connect, type Socket } from 'node:net';

/** The answer to a request; undefined when the connection broke. */
export type AnswerDone = (status: number, body: Buffer) => void;

const CRLF = '\r\n';
const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');

/**
 * HTTP/1.1 with keep-alive and one request under way, for both sides of a comparison alike: status, Content-Length or
 * chunks, body. A general client costs as much per request as a server does.
 */
export class HttpConnection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #input: Buffer = Buffer.alloc(0);
  #done: AnswerDone | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** @param request head and body, ready to be sent. One at a time. */
  send(request: Uint8Array, done: AnswerDone): void {
    this.#done = done;
    this.#socket ??= this.#connect();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.on('data', (chunk) => this.#read(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socket = undefined;
      this.#input = Buffer.alloc(0);
      this.#answer(0, Buffer.alloc(0));
    });
    return socket;
  }

  #read(chunk: Buffer): void {
    const input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    this.#input = input;
    const headEnd = input.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = input.toString('latin1', 0, headEnd + CRLF.length).toLowerCase();
    const status = Number(head.slice(9, 12));
    const bodyStart = headEnd + HEAD_END.length;
    const length = headerOf(head, 'content-length');
    if (length === undefined && headerOf(head, 'transfer-encoding') !== undefined) {
      const body = chunkedBody(input, bodyStart);
      if (body !== undefined) this.#finish(status, body);
      return;
    }
    const end = bodyStart + Number(length ?? 0);
    if (input.length >= end) this.#finish(status, input.subarray(bodyStart, end));
  }

  #finish(status: number, body: Buffer): void {
    this.#input = Buffer.alloc(0);
    this.#answer(status, body);
  }

  #answer(status: number, body: Buffer): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(status, body);
  }
}

/** A whole request. */
export function httpRequest(
  method: string,
  host: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (method !== 'GET') lines.push(`Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(lines.join(CRLF) + CRLF + CRLF, 'latin1'), body]);
}

function headerOf(head: string, name: string): string | undefined {
  const at = head.indexOf(`${CRLF}${name}:`);
  if (at < 0) return undefined;
  const from = at + CRLF.length + name.length + 1;
  return head.slice(from, head.indexOf(CRLF, from)).trim();
}

/** The body when its last chunk is there. */
function chunkedBody(input: Buffer, start: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = input.indexOf(CRLF, at);
    if (lineEnd < 0) return undefined;
    const length = Number.parseInt(input.toString('latin1', at, lineEnd), 16);
    const from = lineEnd + CRLF.length;
    const next = from + length + CRLF.length;
    if (next > input.length) return undefined;
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(input.subarray(from, from + length));
    at = next;
  }
}
