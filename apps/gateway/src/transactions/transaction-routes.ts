import { OpKind, TRANSACTION_BYTES_MAX } from '@holdfast/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../access/access-gate.ts';
import { idempotencyKey } from '../idempotency.ts';
import { readJsonBody } from '../json-body.ts';
import { deadlineMs, single } from '../request-options.ts';
import type { StoreClient } from '../store-client.ts';
import { RAW_MEMBERS } from '../values/json-value.ts';
import { TransactionReply } from './transaction-reply.ts';
import { transactionOf, transactionSchema } from './transaction-schema.ts';

/** The body of a transaction, in bytes: base64 is a third larger than the bytes that it stands for. */
export const TRANSACTION_BODY_BYTES_MAX = 2 * TRANSACTION_BYTES_MAX;

/** `POST /v1/transactions`: checks, and steps that all happen at one revision, or do not. */
export function addTransactionRoute(fastify: FastifyInstance, client: StoreClient): void {
  fastify.post('/v1/transactions', { bodyLimit: TRANSACTION_BODY_BYTES_MAX }, (request, reply) => {
    execute(client, request, reply);
  });
}

function execute(client: StoreClient, request: FastifyRequest, reply: FastifyReply): void {
  const body = readJsonBody(request, transactionSchema, {
    bytesMax: TRANSACTION_BODY_BYTES_MAX,
    rawMembers: RAW_MEMBERS,
  });
  const transaction = transactionOf(body);
  const { checks, success, failure } = transaction;
  const [first] = [...checks, ...success, ...failure];
  client.submit(
    callerOf(request).permit({
      kind: OpKind.transaction,
      keyspace: first.keyspace,
      key: first.key,
      transaction,
      idempotencyKey: idempotencyKey(request),
      deadlineMs: deadlineMs(single(request.headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms')),
    }),
    new TransactionReply(reply, transaction, body.else !== undefined),
  );
}
