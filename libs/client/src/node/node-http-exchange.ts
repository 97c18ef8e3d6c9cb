import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Cancel, Clock } from '@holdfast/io';
import { VALUE_BYTES_MAX } from '@holdfast/wire';
import type {
  HttpAnswer,
  HttpExchange,
  HttpFailure,
  HttpRequest,
  HttpStream,
  HttpStreamReader,
} from '../rest/http-exchange.ts';
import { type Connecting, connecting, headOf, readBody } from './http-parts.ts';
import { NodeHttpStream } from './http-stream.ts';

/** Connections to one gateway; further requests wait for one of them. */
const CONNECTIONS_MAX = 64;
/** An answer holds one value or a problem document; what is longer is none of ours. */
const ANSWER_BYTES_MAX = VALUE_BYTES_MAX + 64 * 1024;

type Done = (outcome: HttpAnswer | HttpFailure) => void;

/** HTTP/1.1 to one origin over connections that are kept alive. */
export class NodeHttpExchange implements HttpExchange {
  readonly #origin: URL;
  readonly #pool: HttpAgent;
  /** Streams do not end: each has a connection of its own. */
  readonly #streams: HttpAgent;
  readonly #secure: boolean;
  readonly #clock: Clock;

  /** @param origin `http:` or `https:`, host and port; the rest is not looked at. */
  constructor(origin: URL, clock: Clock) {
    this.#origin = origin;
    this.#clock = clock;
    this.#secure = origin.protocol === 'https:';
    const Agent = this.#secure ? HttpsAgent : HttpAgent;
    this.#pool = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX, scheduling: 'lifo' });
    this.#streams = new Agent({ keepAlive: false });
  }

  send(request: HttpRequest, done: Done): Cancel {
    const outgoing = this.#open(request, this.#pool);
    const state = connecting(outgoing, this.#clock);
    const exchange = new Exchange(outgoing, state, request.answerBytesMax ?? ANSWER_BYTES_MAX, done);
    outgoing.end(request.body);
    return () => exchange.cancel();
  }

  stream(request: HttpRequest, reader: HttpStreamReader): HttpStream {
    const outgoing = this.#open(request, this.#streams);
    const state = connecting(outgoing, this.#clock);
    const stream = new NodeHttpStream(outgoing, state, request.answerBytesMax ?? ANSWER_BYTES_MAX, reader);
    outgoing.end(request.body);
    return stream;
  }

  close(): void {
    this.#pool.destroy();
    this.#streams.destroy();
  }

  #open({ method, target, headers, body }: HttpRequest, agent: HttpAgent): ClientRequest {
    const { hostname, port } = this.#origin;
    const open = this.#secure ? httpsRequest : httpRequest;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    return open({
      agent,
      // A bracketed IPv6 host is a name for URLs only.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      method,
      path: target,
      headers: { ...headers, ...length },
    });
  }
}

/** One request and its answer. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #connecting: Connecting;
  readonly #done: Done;
  readonly #answerBytesMax: number;
  #over = false;

  constructor(request: ClientRequest, state: Connecting, answerBytesMax: number, done: Done) {
    this.#request = request;
    this.#connecting = state;
    this.#answerBytesMax = answerBytesMax;
    this.#done = done;
    request.on('response', (response) => this.#receive(response));
    request.on('error', (reason) => this.#fail(reason));
    request.on('close', () => this.#fail(new Error('closed without an answer')));
  }

  cancel(): void {
    this.#request.destroy(new Error('given up'));
  }

  #receive(response: IncomingMessage): void {
    response.on('error', (reason) => this.#fail(reason));
    readBody(this.#request, response, this.#answerBytesMax, (body) => {
      if (this.#over) return;
      this.#over = true;
      this.#done({ kind: 'answer', ...headOf(response), body });
    });
  }

  #fail(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#done({ kind: 'failure', sent: this.#connecting.sent, reason });
  }
}
