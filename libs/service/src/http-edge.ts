import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, HoldfastError } from '@holdfast/wire';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { holdfastErrorOf, PROBLEM_CONTENT_TYPE, problemOf } from './problem.ts';
import { replyProblem } from './problem-reply.ts';
import { requestIds } from './request-id.ts';

/** Request line and header fields together, in bytes: a key of 4 KiB with every byte percent-encoded fits. */
export const HTTP_HEADER_BYTES_MAX = 32 * 1024;
/** From the first byte of a request to the end of its header fields, in milliseconds. */
export const HTTP_HEADERS_MS_MAX = 10_000;
/** How often slow senders are looked for, in milliseconds. */
const HTTP_CHECK_MS = 2000;
/** From the first byte of a request to the end of its body, in milliseconds. */
export const HTTP_REQUEST_MS_MAX = 60_000;

/**
 * How Fastify meets the outside in every app: bounded header fields, no patience for slow senders, request ids, and
 * problem documents even for what never becomes a request. No log line per request.
 */
export function httpEdgeOptions(): FastifyHttpOptions<Server> {
  return {
    logger: false,
    genReqId: requestIds(),
    requestIdHeader: false,
    requestTimeout: HTTP_REQUEST_MS_MAX,
    return503OnClosing: false,
    http: {
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
      headersTimeout: HTTP_HEADERS_MS_MAX,
      connectionsCheckingInterval: HTTP_CHECK_MS,
    },
    routerOptions: { maxParamLength: HTTP_HEADER_BYTES_MAX },
    frameworkErrors: (error, _request, reply) => replyProblem(reply, holdfastErrorOf(error)),
    clientErrorHandler: refuseRaw,
  };
}

/** Gives every answer its `X-Request-Id`. */
export function addRequestIdHeader(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
}

const CODE_OF_PARSER: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HF_HEADERS_TOO_LARGE',
};

/** Answers bytes that are no HTTP request; the connection ends, because nobody knows where a next one would begin. */
function refuseRaw(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = CODE_OF_PARSER[error.code ?? ''] ?? 'HF_BAD_REQUEST';
  const detail =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'the request did not arrive in time' : 'not HTTP';
  const problem = problemOf(new HoldfastError(code, code === 'HF_BAD_REQUEST' ? { detail } : {}), '');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\n` +
      `Content-Type: ${PROBLEM_CONTENT_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
