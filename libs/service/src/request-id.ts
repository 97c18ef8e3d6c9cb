import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What is taken over from a caller: printable, short, and harmless in logs and headers. */
const ACCEPTED = /^[A-Za-z0-9._~:/+=@-]{1,128}$/;

/**
 * Names each request: the caller's `X-Request-Id` when it is well formed, else one that is unique across processes
 * (a random prefix per process and a counter; no randomness per request).
 */
export function requestIds(): (request: IncomingMessage) => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return (request) => {
    const given = request.headers['x-request-id'];
    if (typeof given === 'string' && ACCEPTED.test(given)) return given;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
