import type { Server } from 'node:http';
import { addRequestIdHeader, httpEdgeOptions, replyProblem } from '@holdfast/service';
import { FrameworkLog, type Logger } from '@holdfast/telemetry';
import { VALUE_BYTES_MAX } from '@holdfast/wire';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions } from 'fastify';
import { addAccessGate } from './access/access-gate.ts';
import type { AccessManagement } from './access/access-module.ts';
import type { Authenticator } from './access/authenticator.ts';
import { addBatchRoute } from './batch/batch-routes.ts';
import { GatewayModule } from './gateway-module.ts';
import type { KeyspaceManagement } from './keyspaces/keyspace-module.ts';
import { addKeyRoutes } from './key-routes.ts';
import { addOperationRoute } from './operations/operation-routes.ts';
import { addRangeRoutes } from './ranges/range-routes.ts';
import type { Readiness } from './readiness.ts';
import { RequestCounters } from './request-counters.ts';
import { errorAtRoute } from './routing-error.ts';
import type { StoreClient, WatchClient } from './store-client.ts';
import { addWatchRoute } from './watch/watch-routes.ts';
import { addTransactionRoute } from './transactions/transaction-routes.ts';

/**
 * Puts the HTTP application around a client; it does not listen yet. Without `management`, API keys cannot be made;
 * without `keyspaces`, keyspaces cannot.
 */
export async function createGatewayApp(
  client: StoreClient & WatchClient,
  readiness: Readiness,
  log: Logger,
  authenticator: Authenticator,
  management?: AccessManagement,
  keyspaces?: KeyspaceManagement,
): Promise<NestFastifyApplication> {
  const options: FastifyHttpOptions<Server> = {
    ...httpEdgeOptions(),
    bodyLimit: VALUE_BYTES_MAX,
    frameworkErrors: (error, request, reply) => replyProblem(reply, errorAtRoute(error, request, reply)),
  };
  const adapter = new FastifyAdapter({ ...options, skipMiddie: true });
  const fastify = adapter.getInstance();
  const counters = new RequestCounters();
  addRequestIdHeader(fastify);
  addAccessGate(fastify, authenticator, management?.accounts);
  fastify.addHook('onResponse', (request, reply, done) => {
    counters.count(request.method, reply.statusCode);
    done();
  });
  // Values are bytes, whatever their media type says.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  // The data path: routes of Fastify itself, with nothing of NestJS between a request and its operation.
  void fastify.register((routes, _options, done) => {
    addKeyRoutes(routes, client);
    addRangeRoutes(routes, client);
    addBatchRoute(routes, client);
    addTransactionRoute(routes, client);
    addOperationRoute(routes, client);
    addWatchRoute(routes, client);
    done();
  });
  return NestFactory.create<NestFastifyApplication>(
    GatewayModule.of({ client, readiness, counters, log, management, keyspaces }),
    adapter,
    { logger: new FrameworkLog(log), bodyParser: false, abortOnError: false },
  );
}
