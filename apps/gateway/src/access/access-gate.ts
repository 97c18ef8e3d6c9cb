import { holdfastErrorOf, replyProblem } from '@holdfast/service';
import { assert } from '@holdfast/io';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from './authenticator.ts';
import type { Caller } from './caller.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before a protected route runs. */
    caller: Caller | undefined;
  }
}

/** Routes that need no token: what load balancers, scrapers and readers of the documentation ask. */
const PUBLIC_ROUTE = /^\/(healthz|readyz|metrics|openapi\.(json|yaml)|docs(\/.*)?)$/;

/**
 * Lets nobody through to a route without a valid token, but for the public ones. Must be called before any route is
 * added: it works on the routes as they are added, so that nothing is decided from the path of a request.
 */
export function addAccessGate(fastify: FastifyInstance, authenticator: Authenticator): void {
  fastify.decorateRequest('caller');
  const enter = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const admit = (caller: Caller): void => {
      request.caller = caller;
      done();
    };
    const refuse = (thrown: unknown): void => {
      const error = holdfastErrorOf(thrown);
      // RFC 9110, section 11.6.1: a 401 says how to do better.
      if (error.code === 'HF_UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
      replyProblem(reply, error);
    };
    try {
      const found = authenticator.authenticate(request.headers.authorization);
      if (found instanceof Promise) found.then(admit, refuse);
      else admit(found);
    } catch (error) {
      refuse(error);
    }
  };
  fastify.addHook('onRoute', (route) => {
    if (PUBLIC_ROUTE.test(route.url)) return;
    const others = route.onRequest ?? [];
    route.onRequest = [enter, ...(Array.isArray(others) ? others : [others])];
  });
}

/** Who calls a protected route. */
export function callerOf({ caller }: FastifyRequest): Caller {
  assert(caller !== undefined, 'the route is behind the gate');
  return caller;
}
