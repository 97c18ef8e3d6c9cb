import type { ClientRequest, IncomingMessage } from 'node:http';
import type { HttpFailure, HttpStream, HttpStreamReader } from '../rest/http-exchange.ts';
import { type Connecting, headOf, readBody } from './http-parts.ts';

/** One request whose answer is read while it comes. */
export class NodeHttpStream implements HttpStream {
  readonly #request: ClientRequest;
  readonly #connecting: Connecting;
  readonly #reader: HttpStreamReader;
  readonly #answerBytesMax: number;
  #response: IncomingMessage | undefined;
  #over = false;

  constructor(
    request: ClientRequest,
    connecting: Connecting,
    answerBytesMax: number,
    reader: HttpStreamReader,
  ) {
    this.#request = request;
    this.#connecting = connecting;
    this.#answerBytesMax = answerBytesMax;
    this.#reader = reader;
    request.on('response', (response) => this.#receive(response));
    request.on('error', (reason) => this.#fail(reason));
    request.on('close', () => {
      // A response that waits to be read outlives its request.
      if (this.#response === undefined) this.#fail(new Error('closed without an answer'));
    });
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  cancel(): void {
    this.#over = true;
    this.#request.destroy();
  }

  #receive(response: IncomingMessage): void {
    if (this.#over) return;
    this.#response = response;
    response.on('error', (reason) => this.#fail(reason));
    response.on('close', () => this.#fail(new Error('the answer broke off')));
    const head = headOf(response);
    if (this.#reader.opened(head)) {
      response.on('data', (piece: Uint8Array) => {
        if (!this.#over) this.#reader.piece(piece);
      });
      response.on('end', () => this.#end(undefined));
      return;
    }
    readBody(this.#request, response, this.#answerBytesMax, (body) =>
      this.#end({ kind: 'answer', ...head, body }),
    );
  }

  #fail(reason: Error): void {
    this.#end({ kind: 'failure', sent: this.#connecting.sent, reason } satisfies HttpFailure);
  }

  #end(outcome: Parameters<HttpStreamReader['closed']>[0]): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.closed(outcome);
  }
}
