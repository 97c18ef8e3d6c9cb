import type { OpResult, OpSink } from '@holdfast/client';
import { viewOf } from '@holdfast/io';
import { replyProblem } from '@holdfast/service';
import { Consistency, HoldfastError } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { entityTag, matchesEntityTag } from './entity-tag.ts';
import { CONSISTENCY_NAMES } from './request-options.ts';
import { replyWhole } from './whole-reply.ts';

const DEFAULT_CONTENT_TYPE = 'application/octet-stream';
/** What may stand in a header field (RFC 9110, section 8.3.1): other clients store any bytes. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
/** As the framework writes it for every other JSON. */
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';
type ServedAs = Pick<OpResult, 'servedLevel' | 'stalenessMs' | 'role'>;

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
    const reply = this.#reply;
    const served = servedText(this.#asked, result);
    if (!found) {
      // No version: revision 0, as in the problem document of a refused condition.
      reply.header('holdfast-consistency', served).header('holdfast-revision', '0');
      replyProblem(reply, new HoldfastError('HF_KEY_NOT_FOUND'));
      return;
    }
    const fields = ['holdfast-consistency', served, ...versionFields(revision)];
    if (expiresAtMs > 0) fields.push('holdfast-expires-at', new Date(expiresAtMs).toISOString());
    if (this.#ifNoneMatch !== undefined && matchesEntityTag(this.#ifNoneMatch, revision)) {
      for (let i = 0; i < fields.length; i += 2) reply.header(fields[i], fields[i + 1]);
      void reply.code(304).send();
      return;
    }
    fields.push('content-type', mediaTypeOf(contentType));
    replyWhole(reply, fields, value);
  }

  failed(error: HoldfastError): void {
    replyProblem(this.#reply, error);
  }
}

function mediaTypeOf(contentType: Uint8Array): string {
  if (contentType.length === 0) return DEFAULT_CONTENT_TYPE;
  const text = Buffer.from(contentType).toString('latin1');
  return MEDIA_TYPE.test(text) ? text : DEFAULT_CONTENT_TYPE;
}

/** What is said of every write: it is in the log of its range's leader, and of a majority. */
export const WRITTEN_TEXT = 'asked=strong, served=strong, staleness-ms=0, role=leader';

/** Level asked for, level served, how old the answer may be, and what the replica that answered is in its range. */
export function servedText(asked: Consistency, { servedLevel, stalenessMs, role }: ServedAs): string {
  const name = CONSISTENCY_NAMES[asked];
  if (servedLevel === Consistency.strong) return `asked=${name}, served=strong, staleness-ms=0, role=${role}`;
  const staleness = stalenessMs === STALENESS_UNKNOWN_MS ? 'unknown' : String(stalenessMs);
  return `asked=${name}, served=${CONSISTENCY_NAMES[servedLevel]}, staleness-ms=${staleness}, role=${role}`;
}

/** Answers a write when its result is there. */
export class WriteReply implements OpSink {
  readonly #reply: FastifyReply;
  readonly #tellsExisted: boolean;

  /** @param tellsExisted whether the write was asked to look, and the answer is to say what it saw */
  constructor(reply: FastifyReply, tellsExisted: boolean) {
    this.#reply = reply;
    this.#tellsExisted = tellsExisted;
  }

  done(result: OpResult): void {
    const { revision, found } = result;
    const seen = this.#tellsExisted ? ['holdfast-existed', String(found)] : [];
    replyWritten(this.#reply, result, `{"revision":${revision}}`, seen);
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
    replyWritten(this.#reply, result, `{"value":${value},"revision":${result.revision}}`);
  }

  failed(error: HoldfastError): void {
    replyProblem(this.#reply, error);
  }
}

/** The counter that an increment made. */
export function counterOf({ value }: Pick<OpResult, 'value'>): number {
  return Number(viewOf(value).getBigInt64(0, true));
}

/** Answers a write that was done. @param json bytes, or ASCII. @param more header fields, names and values in turn. */
export function replyWritten(
  reply: FastifyReply,
  { revision, replayed }: OpResult,
  json: Uint8Array | string,
  more: readonly string[] = [],
): void {
  const fields = [
    'holdfast-consistency',
    WRITTEN_TEXT,
    ...versionFields(revision),
    'content-type',
    JSON_CONTENT_TYPE,
    ...more,
  ];
  if (replayed) fields.push('idempotent-replayed', 'true');
  replyWhole(reply, fields, json);
}

function versionFields(revision: number): string[] {
  return ['etag', entityTag(revision), 'holdfast-revision', String(revision)];
}
