import type { OpResult, OpSink } from '@holdfast/client';
import { viewOf } from '@holdfast/io';
import { replyProblem } from '@holdfast/service';
import { Consistency, HoldfastError } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { entityTag, matchesEntityTag } from './entity-tag.ts';
import { CONSISTENCY_NAMES } from './request-options.ts';

const DEFAULT_CONTENT_TYPE = 'application/octet-stream';
type ServedAs = Pick<OpResult, 'servedLevel' | 'stalenessMs'>;

/** The staleness of an answer whose age nobody has measured, as nodes say it. */
const STALENESS_UNKNOWN_MS = 0xffff_ffff;

/** Answers a read when its result is there. */
export class ReadReply implements OpSink {
  readonly #reply: FastifyReply;
  readonly #asked: Consistency;
  readonly #ifNoneMatch: string | undefined;

  constructor(reply: FastifyReply, asked: Consistency, ifNoneMatch: string | undefined) {
    this.#reply = reply;
    this.#asked = asked;
    this.#ifNoneMatch = ifNoneMatch;
  }

  done(result: OpResult): void {
    const { found, revision, value, contentType, expiresAtMs } = result;
    const reply = this.#reply.header('holdfast-consistency', servedText(this.#asked, result));
    if (!found) {
      replyProblem(reply, new HoldfastError('HF_KEY_NOT_FOUND'));
      return;
    }
    reply.header('etag', entityTag(revision)).header('holdfast-revision', String(revision));
    if (expiresAtMs > 0) reply.header('holdfast-expires-at', new Date(expiresAtMs).toISOString());
    if (this.#ifNoneMatch !== undefined && matchesEntityTag(this.#ifNoneMatch, revision)) {
      void reply.code(304).send();
      return;
    }
    const type =
      contentType.length === 0 ? DEFAULT_CONTENT_TYPE : Buffer.from(contentType).toString('latin1');
    void reply
      .code(200)
      .header('content-type', type)
      .send(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }

  failed(error: HoldfastError): void {
    replyProblem(this.#reply, error);
  }
}

/** Level asked for, level served, and how old the answer may be. */
export function servedText(asked: Consistency, { servedLevel, stalenessMs }: ServedAs): string {
  const name = CONSISTENCY_NAMES[asked];
  if (servedLevel === Consistency.strong) return `asked=${name}, served=strong, staleness-ms=0`;
  const staleness = stalenessMs === STALENESS_UNKNOWN_MS ? 'unknown' : String(stalenessMs);
  return `asked=${name}, served=${CONSISTENCY_NAMES[servedLevel]}, staleness-ms=${staleness}`;
}

/** Answers a write when its result is there. */
export class WriteReply implements OpSink {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  done(result: OpResult): void {
    void writtenHead(this.#reply, result).send(`{"revision":${result.revision}}`);
  }

  failed(error: HoldfastError): void {
    replyProblem(this.#reply, error);
  }
}

/** Answers an increment when its result is there. */
export class CountReply implements OpSink {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  done(result: OpResult): void {
    const value = counterOf(result);
    void writtenHead(this.#reply, result).send(`{"value":${value},"revision":${result.revision}}`);
  }

  failed(error: HoldfastError): void {
    replyProblem(this.#reply, error);
  }
}

/** The counter that an increment made. */
export function counterOf({ value }: Pick<OpResult, 'value'>): number {
  return Number(viewOf(value).getBigInt64(0, true));
}

/** Status and header fields of a write that was done; its body is JSON. */
export function writtenHead(reply: FastifyReply, { revision, replayed }: OpResult): FastifyReply {
  if (replayed) reply.header('idempotent-replayed', 'true');
  return reply
    .code(200)
    .header('etag', entityTag(revision))
    .header('holdfast-revision', String(revision))
    .header('content-type', 'application/json');
}
