import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Cancel, Clock } from '@holdfast/io';
import { VALUE_BYTES_MAX } from '@holdfast/wire';
import type { HttpAnswer, HttpExchange, HttpFailure, HttpRequest } from '../rest/http-exchange.ts';

/** Connections to one gateway; further requests wait for one of them. */
const CONNECTIONS_MAX = 64;
/** An answer holds one value or a problem document; what is longer is none of ours. */
const ANSWER_BYTES_MAX = VALUE_BYTES_MAX + 64 * 1024;
const CONNECT_MS_MAX = 1000;

type Done = (outcome: HttpAnswer | HttpFailure) => void;

/** HTTP/1.1 to one origin over connections that are kept alive. */
export class NodeHttpExchange implements HttpExchange {
  readonly #origin: URL;
  readonly #agent: HttpAgent;
  readonly #secure: boolean;
  readonly #clock: Clock;

  /** @param origin `http:` or `https:`, host and port; the rest is not looked at. */
  constructor(origin: URL, clock: Clock) {
    this.#origin = origin;
    this.#clock = clock;
    this.#secure = origin.protocol === 'https:';
    const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX, scheduling: 'lifo' } as const;
    this.#agent = this.#secure ? new HttpsAgent(options) : new HttpAgent(options);
  }

  send(
    { method, target, headers, body, answerBytesMax = ANSWER_BYTES_MAX }: HttpRequest,
    done: Done,
  ): Cancel {
    const { hostname, port } = this.#origin;
    const open = this.#secure ? httpsRequest : httpRequest;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const request = open({
      agent: this.#agent,
      // A bracketed IPv6 host is a name for URLs only.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      method,
      path: target,
      headers: { ...headers, ...length },
    });
    const exchange = new Exchange(request, this.#clock, answerBytesMax, done);
    request.end(body);
    return () => exchange.cancel();
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** One request and its answer. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #done: Done;
  readonly #answerBytesMax: number;
  /** Bytes of it may have left. */
  #sent = false;
  #over = false;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(request: ClientRequest, clock: Clock, answerBytesMax: number, done: Done) {
    this.#request = request;
    this.#answerBytesMax = answerBytesMax;
    this.#done = done;
    request.on('socket', (socket) => {
      if (!socket.connecting) {
        this.#sent = true;
        return;
      }
      const giveUp = clock.schedule(CONNECT_MS_MAX, () =>
        request.destroy(new Error(`no connection within ${CONNECT_MS_MAX} ms`)),
      );
      socket.once('close', giveUp);
      socket.once('connect', () => {
        this.#sent = true;
        giveUp();
      });
    });
    request.on('response', (response) => this.#receive(response));
    request.on('error', (reason) => this.#fail(reason));
    request.on('close', () => this.#fail(new Error('closed without an answer')));
  }

  cancel(): void {
    this.#request.destroy(new Error('given up'));
  }

  #receive(response: IncomingMessage): void {
    response.on('data', (chunk: Uint8Array) => {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#answerBytesMax) this.#request.destroy(new Error('the answer is too large'));
      else this.#chunks.push(chunk);
    });
    response.on('error', (reason) => this.#fail(reason));
    response.on('end', () => {
      if (this.#over) return;
      this.#over = true;
      const { headers } = response;
      this.#done({
        kind: 'answer',
        status: response.statusCode ?? 0,
        header: (name) => {
          const value = headers[name];
          return Array.isArray(value) ? value.join(', ') : value;
        },
        body: joined(this.#chunks, this.#bytes),
      });
    });
  }

  #fail(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#done({ kind: 'failure', sent: this.#sent, reason });
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
