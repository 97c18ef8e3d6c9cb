import type { OpResult } from '@holdfast/client';
import { keyspaceId } from '@holdfast/io';
import { Consistency, ERRORS, HoldfastError, IDEMPOTENCY_KEY_BYTES_MAX, OpKind } from '@holdfast/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from '../access/access-gate.ts';
import { scopedKey } from '../idempotency.ts';
import { servedText } from '../key-reply.ts';
import { percentDecoded } from '../percent-encoding.ts';
import { deadlineMs, single } from '../request-options.ts';
import type { StoreClient } from '../store-client.ts';

const PATH = '/v1/operations/';
const OPERATION_NAMES: Readonly<Partial<Record<number, string>>> = {
  [OpKind.put]: 'put',
  [OpKind.delete]: 'delete',
  [OpKind.increment]: 'increment',
  [OpKind.transaction]: 'transaction',
  [OpKind.deleteRange]: 'delete_range',
};

/** What the cluster remembers of a write with an idempotency key. */
export const operationRecordSchema = z.object({
  operation: z.enum(['put', 'delete', 'increment', 'transaction', 'delete_range']),
  outcome: z.enum(['applied', 'not_applied']).describe('What the write did.'),
  status: z.int().describe('Of the first answer.'),
  code: z.string().optional().describe('The code of a refusal.'),
  revision: z.int().describe('Of the write; of a refused one: the current one then.'),
  value: z.int().optional().describe('After an increment: the counter. Of a range: how many keys are gone.'),
  existed: z.boolean().optional().describe('The key had a value before, where the write looked.'),
  succeeded: z.boolean().optional().describe('Of a transaction: every check held.'),
  expires_at: z.iso.datetime().describe('When the record goes.'),
});

/** `GET /v1/operations/{key}`: what became of the write with this idempotency key. */
export function addOperationRoute(fastify: FastifyInstance, client: StoreClient): void {
  fastify.get(`${PATH}*`, { exposeHeadRoute: false }, (request, reply) => lookUp(client, request, reply));
}

async function lookUp(client: StoreClient, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const name = scopedKey(callerOf(request), keyIn(request.raw.url ?? ''));
  const result = await client.execute({
    kind: OpKind.lookup,
    keyspace: keyspaceId(0),
    key: name,
    deadlineMs: deadlineMs(single(request.headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms')),
  });
  if (!result.found) {
    throw new HoldfastError('HF_NOT_FOUND', {
      detail: 'no record of it: it has not happened so far; a write that is still under way may come',
    });
  }
  return reply
    .header('holdfast-consistency', servedText(Consistency.strong, result))
    .header('content-type', 'application/json')
    .send(JSON.stringify(describe(result)));
}

function describe(result: OpResult): z.output<typeof operationRecordSchema> {
  const { kind, refusal, revision, counter, existed, succeeded, expiresAtMs } = result.record();
  const operation = operationRecordSchema.shape.operation.parse(OPERATION_NAMES[kind]);
  const counts = operation === 'increment' || operation === 'delete_range';
  return {
    operation,
    outcome: refusal === undefined ? 'applied' : 'not_applied',
    status: refusal === undefined ? 200 : ERRORS[refusal].status,
    ...(refusal === undefined ? {} : { code: refusal }),
    revision,
    ...(counts && refusal === undefined ? { value: counter } : {}),
    ...(existed ? { existed } : {}),
    ...(operation === 'transaction' ? { succeeded } : {}),
    expires_at: new Date(expiresAtMs).toISOString(),
  };
}

/** The idempotency key of a target, byte for byte as the header had it. @throws HoldfastError. */
function keyIn(target: string): string {
  const start = target.indexOf(PATH) + PATH.length;
  const query = target.indexOf('?', start);
  const end = query < 0 ? target.length : query;
  const bytes = percentDecoded(target, start, end, IDEMPOTENCY_KEY_BYTES_MAX);
  if (typeof bytes === 'string' || bytes.length === 0) throw new HoldfastError('HF_IDEMPOTENCY_KEY_INVALID');
  return Buffer.from(bytes).toString('latin1');
}
