import type { ClientRequest, IncomingMessage } from 'node:http';
import { type Clock, concatBytes } from '@holdfast/io';
import type { HttpHead } from '../rest/http-exchange.ts';

const CONNECT_MS_MAX = 1000;

/** How far a request has come. */
export interface Connecting {
  /** Bytes of it may have left. */
  readonly sent: boolean;
}

/** Gives a request up whose connection does not stand in time. */
export function connecting(request: ClientRequest, clock: Clock): Connecting {
  const state = { sent: false };
  request.on('socket', (socket) => {
    if (!socket.connecting) {
      state.sent = true;
      return;
    }
    const giveUp = clock.schedule(CONNECT_MS_MAX, () =>
      request.destroy(new Error(`no connection within ${CONNECT_MS_MAX} ms`)),
    );
    socket.once('close', giveUp);
    socket.once('connect', () => {
      state.sent = true;
      giveUp();
    });
  });
  return state;
}

export function headOf({ statusCode = 0, headers }: IncomingMessage): HttpHead {
  return {
    status: statusCode,
    header: (name) => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
  };
}

/** Reads an answer as a whole; one of more than `bytesMax` bytes ends its request with an error. */
export function readBody(
  request: ClientRequest,
  response: IncomingMessage,
  bytesMax: number,
  done: (body: Uint8Array) => void,
): void {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  response.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > bytesMax) request.destroy(new Error('the answer is too large'));
    else chunks.push(chunk);
  });
  response.on('end', () => done(concatBytes(chunks)));
}
