import { HoldfastError, isWrite } from '@holdfast/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../access/access-gate.ts';
import { readJsonBody } from '../json-body.ts';
import { idempotencyKeyText, scopedKey } from '../idempotency.ts';
import { deadlineMs, type ReadQuery, readLevel, single } from '../request-options.ts';
import type { StoreClient } from '../store-client.ts';
import { RAW_MEMBERS } from '../values/json-value.ts';
import { BatchReply } from './batch-reply.ts';
import { operationOf, operationSchema } from './operation-schema.ts';

/** Operations in one batch. */
export const BATCH_OPERATIONS_MAX = 1000;
/** The body of a batch, in bytes. */
export const BATCH_BYTES_MAX = 8 * 1024 * 1024;

export const batchSchema = z.strictObject({
  operations: z.array(operationSchema).min(1).max(BATCH_OPERATIONS_MAX),
});

/** `POST /v1/batch`: operations that travel together and are executed each by itself. */
export function addBatchRoute(fastify: FastifyInstance, client: StoreClient): void {
  fastify.route<{ Querystring: ReadQuery }>({
    method: 'POST',
    url: '/v1/batch',
    bodyLimit: BATCH_BYTES_MAX,
    handler: (request, reply) => execute(client, request, reply),
  });
}

function execute(
  client: StoreClient,
  request: FastifyRequest<{ Querystring: ReadQuery }>,
  reply: FastifyReply,
): void {
  const { headers, query } = request;
  const { operations } = readJsonBody(request, batchSchema, {
    bytesMax: BATCH_BYTES_MAX,
    rawMembers: RAW_MEMBERS,
  });
  const level = readLevel(query, headers['holdfast-min-revision']);
  const named = idempotencyKeyText(headers['idempotency-key']);
  const caller = callerOf(request);
  const waitMs = deadlineMs(single(headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms'));
  // Everything is understood before anything is sent.
  const parts = operations.map((part, i) => {
    const operation = operationOf(part);
    return isWrite(operation.kind)
      ? {
          ...operation,
          deadlineMs: waitMs,
          idempotencyKey: scopedKey(caller, named === undefined ? undefined : `${named}#${i}`),
        }
      : { ...level, ...operation, revision: operation.revision ?? level.revision, deadlineMs: waitMs };
  });
  const sink = new BatchReply(reply, parts, level.consistency);
  for (const [i, part] of parts.entries()) {
    const refusal = refusalOf(() => caller.permit(part));
    if (refusal === undefined) client.submit(part, sink, i);
    else sink.failed(refusal, i);
  }
}

/** What is refused to the caller of one operation is that operation's failure. */
function refusalOf(permit: () => unknown): HoldfastError | undefined {
  try {
    permit();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  return undefined;
}
