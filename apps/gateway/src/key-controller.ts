import { EMPTY_BYTES } from '@holdfast/io';
import { CONTENT_TYPE_BYTES_MAX, HoldfastError, OpKind } from '@holdfast/wire';
import { Controller, Delete, Get, Head, Inject, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from './access/access-gate.ts';
import { writeCondition } from './entity-tag.ts';
import { ReadReply, WriteReply } from './key-reply.ts';
import { readKeyTarget } from './key-target.ts';
import { consistency, deadlineMs, single } from './request-options.ts';
import { CLIENT } from './tokens.ts';
import type { StoreClient } from './store-client.ts';

interface KeyRoute {
  readonly Querystring: {
    readonly key_encoding?: string | readonly string[];
    readonly consistency?: string | readonly string[];
  };
}
type KeyRequest = FastifyRequest<KeyRoute>;

/**
 * `/v1/keyspaces/{keyspace}/keys/{key}`: translates requests into operations. The answer is sent by the operation's
 * sink; nothing here waits, and nothing of NestJS stands between the route and this code.
 */
@Controller('v1/keyspaces/:keyspace/keys')
export class KeyController {
  readonly #client: StoreClient;

  constructor(@Inject(CLIENT) client: StoreClient) {
    this.#client = client;
  }

  @Head('*')
  head(@Req() request: KeyRequest, @Res() reply: FastifyReply): void {
    this.#read(request, reply);
  }

  @Get('*')
  get(@Req() request: KeyRequest, @Res() reply: FastifyReply): void {
    this.#read(request, reply);
  }

  @Put('*')
  put(@Req() request: KeyRequest, @Res() reply: FastifyReply): void {
    const { headers, body } = request;
    refuseTransformed(headers);
    this.#write(request, reply, OpKind.put, {
      value: body instanceof Uint8Array ? body : EMPTY_BYTES,
      contentType: contentTypeOf(headers['content-type']),
    });
  }

  @Delete('*')
  delete(@Req() request: KeyRequest, @Res() reply: FastifyReply): void {
    this.#write(request, reply, OpKind.delete, {});
  }

  #read(request: KeyRequest, reply: FastifyReply): void {
    const { headers, query } = request;
    if (headers['if-match'] !== undefined) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'If-Match is for writes' });
    }
    const asked = consistency(single(query.consistency, 'consistency'));
    this.#client.submit(
      callerOf(request).permit({
        kind: OpKind.get,
        ...targetOf(request),
        consistency: asked,
        deadlineMs: deadlineOf(request),
      }),
      new ReadReply(reply, asked, headers['if-none-match']),
    );
  }

  #write(
    request: KeyRequest,
    reply: FastifyReply,
    kind: typeof OpKind.put | typeof OpKind.delete,
    content: { readonly value?: Uint8Array; readonly contentType?: Uint8Array },
  ): void {
    const { headers } = request;
    if (headers['idempotency-key'] !== undefined) {
      // Dropping it would let the caller believe that sending again is safe.
      throw new HoldfastError('HF_UNSUPPORTED', { detail: 'Idempotency-Key is not offered' });
    }
    this.#client.submit(
      callerOf(request).permit({
        kind,
        ...targetOf(request),
        ...content,
        ...writeCondition(headers['if-match'], headers['if-none-match']),
        deadlineMs: deadlineOf(request),
      }),
      new WriteReply(reply),
    );
  }
}

function targetOf({ raw, query }: KeyRequest) {
  return readKeyTarget(raw.url ?? '', single(query.key_encoding, 'key_encoding'));
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
