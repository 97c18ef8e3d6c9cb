import { EMPTY_BYTES } from '@holdfast/io';
import { CONTENT_TYPE_BYTES_MAX, HoldfastError, OpKind } from '@holdfast/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { callerOf } from './access/access-gate.ts';
import { counterBytes } from './batch/operation-schema.ts';
import { writeCondition } from './entity-tag.ts';
import { CountReply, ReadReply, WriteReply } from './key-reply.ts';
import { idempotencyKey } from './idempotency.ts';
import { methodNotAllowed } from './method-not-allowed.ts';
import { pathEndsWith, readKeyTarget } from './key-target.ts';
import { readJsonBody } from './json-body.ts';
import { deadlineMs, readLevel, single, tellsExisted, ttlMs, type ReadQuery } from './request-options.ts';
import type { StoreClient } from './store-client.ts';

interface KeyRoute {
  readonly Querystring: ReadQuery & {
    readonly key_encoding?: string | readonly string[];
    readonly ttl?: string | readonly string[];
  };
}
type KeyRequest = FastifyRequest<KeyRoute>;

const INCREMENT = ':increment';
/** An increment's body, in bytes. */
const INCREMENT_BYTES_MAX = 1024;

/** The body of `POST …:increment`. */
export const incrementSchema = z.strictObject({
  delta: z.int().default(1).describe('What is added; a whole number from -(2^53 - 1) to 2^53 - 1.'),
});

/** Fields of an answer that a write without a body of its own has. */
export const revisionSchema = z.object({ revision: z.int().describe('Of the new version.') });
/** What an increment made. */
export const countedSchema = z.object({
  value: z.int().describe('The counter after it.'),
  revision: z.int(),
});

/**
 * `/v1/keyspaces/{keyspace}/keys/{key}`: translates requests into operations. The answer is sent by the operation's
 * sink; nothing here waits, and nothing of NestJS stands between the route and this code.
 */
export function addKeyRoutes(fastify: FastifyInstance, client: StoreClient): void {
  const url = '/v1/keyspaces/:keyspace/keys/*';
  const routes = new KeyRoutes(client);
  fastify.route<KeyRoute>({ method: ['GET', 'HEAD'], url, handler: routes.read });
  fastify.route<KeyRoute>({ method: 'PUT', url, handler: routes.put });
  fastify.route<KeyRoute>({ method: 'DELETE', url, handler: routes.delete });
  fastify.route<KeyRoute>({ method: 'POST', url, handler: routes.act });
}

class KeyRoutes {
  readonly #client: StoreClient;

  constructor(client: StoreClient) {
    this.#client = client;
  }

  readonly read = (request: KeyRequest, reply: FastifyReply): void => {
    const { headers, query } = request;
    if (headers['if-match'] !== undefined) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'If-Match is for writes' });
    }
    const level = readLevel(query, headers['holdfast-min-revision']);
    const { keyspace, key } = targetOf(request);
    this.#client.submit(
      callerOf(request).permit({
        kind: OpKind.get,
        keyspace,
        key,
        consistency: level.consistency,
        maxStalenessMs: level.maxStalenessMs,
        minRevision: level.minRevision,
        revision: level.revision,
        deadlineMs: deadlineOf(request),
      }),
      new ReadReply(reply, level.consistency, headers['if-none-match']),
    );
  };

  readonly put = (request: KeyRequest, reply: FastifyReply): void => {
    const { headers, query, body } = request;
    refuseTransformed(headers);
    const { keyspace, key } = targetOf(request);
    const { condition, revision } = writeCondition(headers['if-match'], headers['if-none-match']);
    const tellExisted = tellsExisted(headers['holdfast-tell-existed']);
    this.#client.submit(
      callerOf(request).permit({
        kind: OpKind.put,
        keyspace,
        key,
        value: body instanceof Uint8Array ? body : EMPTY_BYTES,
        contentType: contentTypeOf(headers['content-type']),
        ttlMs: ttlMs(query.ttl, headers['holdfast-ttl']),
        condition,
        revision,
        tellExisted,
        idempotencyKey: idempotencyKey(request),
        deadlineMs: deadlineOf(request),
      }),
      new WriteReply(reply, tellExisted),
    );
  };

  readonly delete = (request: KeyRequest, reply: FastifyReply): void => {
    const { headers } = request;
    const { keyspace, key } = targetOf(request);
    const { condition, revision } = writeCondition(headers['if-match'], headers['if-none-match']);
    const tellExisted = tellsExisted(headers['holdfast-tell-existed']);
    this.#client.submit(
      callerOf(request).permit({
        kind: OpKind.delete,
        keyspace,
        key,
        condition,
        revision,
        tellExisted,
        idempotencyKey: idempotencyKey(request),
        deadlineMs: deadlineOf(request),
      }),
      new WriteReply(reply, tellExisted),
    );
  };

  /** `POST …/keys/{key}:increment`: the one action that a key takes. */
  readonly act = (request: KeyRequest, reply: FastifyReply): void => {
    const { headers, body } = request;
    if (!pathEndsWith(request.raw.url ?? '', INCREMENT)) throw methodNotAllowed(reply);
    const { keyspace, key } = targetOf(request, INCREMENT);
    const { condition, revision } = writeCondition(headers['if-match'], headers['if-none-match']);
    const { delta } =
      !(body instanceof Uint8Array) || body.length === 0
        ? { delta: 1 }
        : readJsonBody(request, incrementSchema, { bytesMax: INCREMENT_BYTES_MAX });
    this.#client.submit(
      callerOf(request).permit({
        kind: OpKind.increment,
        keyspace,
        key,
        value: counterBytes(delta),
        condition,
        revision,
        idempotencyKey: idempotencyKey(request),
        deadlineMs: deadlineOf(request),
      }),
      new CountReply(reply),
    );
  };
}

function targetOf({ raw, query }: KeyRequest, suffix?: string) {
  return readKeyTarget(raw.url ?? '', single(query.key_encoding, 'key_encoding'), suffix);
}

function deadlineOf({ headers }: KeyRequest): number {
  return deadlineMs(single(headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms'));
}

/** Only the media type is kept beside the bytes: what needs more to be understood is not taken. */
function refuseTransformed(headers: FastifyRequest['headers']): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HoldfastError('HF_UNSUPPORTED_MEDIA_TYPE', {
      detail: 'Content-Encoding is not kept with a value',
    });
  }
  if (headers['content-range'] !== undefined) {
    throw new HoldfastError('HF_BAD_REQUEST', { detail: 'a value is written as a whole: no Content-Range' });
  }
}

function contentTypeOf(header: string | undefined): Uint8Array {
  if (header === undefined) return EMPTY_BYTES;
  if (header.length > CONTENT_TYPE_BYTES_MAX) {
    throw new HoldfastError('HF_BAD_REQUEST', {
      detail: `Content-Type has at most ${CONTENT_TYPE_BYTES_MAX} bytes`,
    });
  }
  return Buffer.from(header, 'latin1');
}
