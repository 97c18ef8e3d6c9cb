import { assert } from '@holdfast/io';
import { holdfastErrorOf, replyProblem } from '@holdfast/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from './accounts.ts';
import type { Authenticator } from './authenticator.ts';
import type { Caller } from './caller.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before a protected route runs. */
    caller: Caller | undefined;
    /** What had left the connection before this request, in bytes. */
    bytesWrittenBefore: number;
    /** The body of an answer that no field of the framework tells the length of, in bytes; else -1. */
    answerBytes: number;
  }
}

/** How often the token of an open watch is looked at again, in milliseconds. */
const TOKEN_CHECK_MS = 5000;

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Routes that need no token: what load balancers, scrapers and readers of the documentation ask. */
const PUBLIC_ROUTE = /^\/(healthz|readyz|metrics|openapi\.(json|yaml)|docs(\/.*)?)$/;
/** Routes whose answers are open for long; their number has a limit of its own. */
const WATCH_ROUTE = /\/watch$/;

/**
 * Lets nobody through to a route without a valid token, but for the public ones, nor anybody who has used up what he
 * may use; and counts what is used. Must be called before any route is added: it works on the routes as they are
 * added, so that nothing is decided from the path of a request.
 */
export function addAccessGate(
  fastify: FastifyInstance,
  authenticator: Authenticator,
  accounts: Accounts | undefined,
): void {
  fastify.decorateRequest('caller');
  fastify.decorateRequest('bytesWrittenBefore', 0);
  fastify.decorateRequest('answerBytes', -1);
  const enter = authenticateBy(authenticator, (caller, request, reply) => {
    request.caller = caller;
    if (accounts === undefined) return;
    request.bytesWrittenBefore = bytesWritten(request);
    caller.countIn(accounts);
    admitWithin(caller, reply, accounts.monotonicMs());
  });
  const endWith = endWithToken(authenticator);
  fastify.addHook('onRoute', (route) => {
    if (PUBLIC_ROUTE.test(route.url)) return;
    const hooks: Hook[] = WATCH_ROUTE.test(route.url) ? [enter, openWatch, endWith] : [enter];
    const others = route.onRequest ?? [];
    route.onRequest = [...hooks, ...(Array.isArray(others) ? others : [others])];
  });
  if (accounts === undefined) return;
  fastify.addHook('onResponse', (request, reply, done) => {
    const { caller } = request;
    if (caller !== undefined) countAnswer(caller, request, reply, accounts.monotonicMs());
    done();
  });
}

/** Who calls a protected route. */
export function callerOf({ caller }: FastifyRequest): Caller {
  assert(caller !== undefined, 'the route is behind the gate');
  return caller;
}

function authenticateBy(
  authenticator: Authenticator,
  admit: (caller: Caller, request: FastifyRequest, reply: FastifyReply) => void,
): Hook {
  return (request, reply, done) => {
    const found = (caller: Caller): void => {
      try {
        admit(caller, request, reply);
      } catch (error) {
        refuse(reply, error);
        return;
      }
      done();
    };
    try {
      const caller = authenticator.authenticate(request.headers.authorization, request.raw.socket);
      if (caller instanceof Promise) caller.then(found, (error: unknown) => refuse(reply, error));
      else found(caller);
    } catch (error) {
      refuse(reply, error);
    }
  };
}

function refuse(reply: FastifyReply, thrown: unknown): void {
  const error = holdfastErrorOf(thrown);
  // RFC 9110, section 11.6.1: a 401 says how to do better.
  if (error.code === 'HF_UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  replyProblem(reply, error);
}

/** Tells what is left as `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10). */
function admitWithin({ budget }: Caller, reply: FastifyReply, nowMs: number): void {
  if (budget === undefined) return;
  try {
    budget.admit(nowMs);
  } finally {
    if (budget.policy !== '') {
      reply.header('ratelimit-policy', budget.policy).header('ratelimit', budget.state(nowMs));
    }
  }
}

/** Holds one of the caller's watches until the answer has ended, however it ends. */
const openWatch: Hook = (request, reply, done) => {
  const { budget } = callerOf(request);
  try {
    budget?.openWatch();
  } catch (error) {
    refuse(reply, error);
    return;
  }
  if (budget !== undefined) reply.raw.once('close', () => budget.closeWatch());
  done();
};

/** An answer that is open for long ends when its token does, be it that it expires or is revoked. */
function endWithToken(authenticator: Authenticator): Hook {
  return ({ headers }, { raw }, done) => {
    const check = async (): Promise<void> => {
      try {
        await authenticator.authenticate(headers.authorization);
      } catch (error) {
        // While nobody can say, it goes on.
        if (holdfastErrorOf(error).code === 'HF_UNAUTHENTICATED') raw.destroy();
      }
    };
    const timer = setInterval(() => void check(), TOKEN_CHECK_MS);
    raw.once('close', () => clearInterval(timer));
    done();
  };
}

function countAnswer(
  { usage, budget }: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
  nowMs: number,
): void {
  const bytesIn = Number(request.headers['content-length'] ?? 0) || 0;
  const bytesOut = request.answerBytes >= 0 ? request.answerBytes : bytesSent(request, reply);
  usage?.request(bytesIn, bytesOut);
  budget?.spendBytes(nowMs, bytesIn + bytesOut);
}

function bytesSent(request: FastifyRequest, reply: FastifyReply): number {
  const stated = reply.getHeader('content-length');
  return stated === undefined ? bytesWritten(request) - request.bytesWrittenBefore : Number(stated);
}

/** Requests that come from no connection have none. */
function bytesWritten({ raw }: FastifyRequest): number {
  return (raw.socket as { readonly bytesWritten?: number } | undefined)?.bytesWritten ?? 0;
}
