import { type OpResult } from '@holdfast/client';
import { copyBytes } from '@holdfast/io';
import { holdfastErrorOf, problemOf } from '@holdfast/service';
import { COUNT_ROWS_MAX, DELETE_RANGE_KEYS_MAX, HoldfastError, OpKind, SCAN_BYTES_MAX } from '@holdfast/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../access/access-gate.ts';
import { idempotencyKeyText, scopedKey } from '../idempotency.ts';
import { servedText, WRITTEN_TEXT } from '../key-reply.ts';
import { deadlineMs, single } from '../request-options.ts';
import type { StoreClient } from '../store-client.ts';
import { LineStream } from './line-stream.ts';
import { Listing } from './listing.ts';
import {
  COUNT_KEYS_MAX,
  LIST_ROWS_DEFAULT,
  LIST_ROWS_MAX,
  type ListRequest,
  readDeleteRequest,
  readListRequest,
} from './range-request.ts';
import { rowText } from './row-text.ts';

const NDJSON = 'application/x-ndjson';
/** Bytes of stored rows in one JSON page; a first row is always given. */
const LIST_BYTES_MAX = 4 * 1024 * 1024;
/** What one write of a stream holds, in bytes of stored rows and in rows. */
const STREAM_PAGE = { bytes: 256 * 1024, rows: 2000 };

/** `/v1/keyspaces/{keyspace}/keys`: parts of a keyspace. */
export function addRangeRoutes(fastify: FastifyInstance, client: StoreClient): void {
  const url = '/v1/keyspaces/:keyspace/keys';
  const routes = new RangeRoutes(client);
  fastify.route({ method: 'GET', url, exposeHeadRoute: false, handler: routes.list });
  fastify.route({ method: 'DELETE', url, handler: routes.delete });
}

class RangeRoutes {
  readonly #client: StoreClient;

  constructor(client: StoreClient) {
    this.#client = client;
  }

  readonly list = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { headers, raw } = request;
    const wanted = readListRequest(raw.url ?? '', headers['holdfast-min-revision']);
    const { keyspace, start, end } = wanted;
    callerOf(request).permit({ kind: OpKind.scan, keyspace, key: start, endKey: end });
    const waitMs = deadlineMs(single(headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms'));
    const listing = new Listing(this.#client, wanted);
    if (wanted.countOnly) return this.#count(listing, wanted, performance.now() + waitMs, reply);
    if (prefersLines(headers.accept)) return this.#stream(listing, wanted, waitMs, reply);
    return this.#page(listing, wanted, performance.now() + waitMs, reply);
  };

  readonly delete = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { headers, raw } = request;
    const wanted = readDeleteRequest(raw.url ?? '');
    const { keyspace, start, end, limit, position } = wanted;
    const caller = callerOf(request);
    caller.permit({ kind: OpKind.deleteRange, keyspace, key: start, endKey: end });
    const name = idempotencyKeyText(headers['idempotency-key']);
    const waitMs = deadlineMs(single(headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms'));
    const endsAtMs = performance.now() + waitMs;
    let deleted = 0;
    let replayed = false;
    let revision = 0;
    let from: Uint8Array | undefined = position?.key ?? start;
    for (let part = 0; from !== undefined && deleted < limit; part++) {
      const leftMs = Math.floor(endsAtMs - performance.now());
      // What is gone is gone: the answer says how far it came.
      if (leftMs < 1 && part > 0) break;
      const result: OpResult = await this.#client.execute({
        kind: OpKind.deleteRange,
        keyspace,
        key: from,
        endKey: end,
        limit: Math.min(limit - deleted, DELETE_RANGE_KEYS_MAX),
        idempotencyKey: scopedKey(caller, name === undefined ? undefined : `${name}#${part}`),
        deadlineMs: Math.max(1, leftMs),
      });
      deleted += result.count;
      replayed ||= result.replayed;
      revision = Math.max(revision, result.revision);
      from = result.resumeKey === undefined ? undefined : copyBytes(result.resumeKey);
    }
    reply.header('holdfast-consistency', WRITTEN_TEXT).header('holdfast-revision', String(revision));
    if (replayed) reply.header('idempotent-replayed', 'true');
    return {
      deleted,
      ...(from === undefined ? {} : { cursor: wanted.cursorAt({ revision: 0, key: from }) }),
    };
  };

  async #page(listing: Listing, wanted: ListRequest, endsAtMs: number, reply: FastifyReply) {
    const { limit = LIST_ROWS_DEFAULT } = wanted;
    if (limit > LIST_ROWS_MAX) {
      throw new HoldfastError('HF_BAD_REQUEST', {
        detail: `limit is at most ${LIST_ROWS_MAX}; ask for ${NDJSON} to read more at once`,
      });
    }
    const texts: string[] = [];
    let bytesLeft = LIST_BYTES_MAX;
    while (texts.length < limit && bytesLeft > 0 && !listing.complete) {
      const page = await listing.next({ rows: limit - texts.length, bytes: bytesLeft, endsAtMs });
      const rows = page.rows();
      while (rows.next()) {
        bytesLeft -= rows.key.length + rows.value.length;
        texts.push(rowText(rows, wanted));
      }
    }
    return addHead(reply, listing, wanted).send(
      `{"rows":[${texts.join(',')}],${tailOf(listing, texts.length)}}`,
    );
  }

  async #count(listing: Listing, wanted: ListRequest, endsAtMs: number, reply: FastifyReply) {
    const { limit = COUNT_KEYS_MAX } = wanted;
    let count = 0;
    while (count < limit && !listing.complete) {
      const rows = Math.min(limit - count, COUNT_ROWS_MAX);
      count += (await listing.next({ rows, bytes: SCAN_BYTES_MAX, endsAtMs })).count;
    }
    return addHead(reply, listing, wanted).send(`{${tailOf(listing, count)}}`);
  }

  /** Rows as lines, as fast as the reader takes them; each page has the deadline of the request. */
  async #stream(listing: Listing, wanted: ListRequest, waitMs: number, reply: FastifyReply): Promise<void> {
    const { limit = Number.POSITIVE_INFINITY } = wanted;
    let count = 0;
    const next = async (): Promise<string> => {
      if (listing.complete || count >= limit) return '';
      const page = await listing.next({
        rows: Math.min(limit - count, STREAM_PAGE.rows),
        bytes: STREAM_PAGE.bytes,
        endsAtMs: performance.now() + waitMs,
      });
      count += page.rowCount;
      let text = '';
      const rows = page.rows();
      while (rows.next()) text += `${rowText(rows, wanted)}\n`;
      return text;
    };
    // While the first page is not there, a failure still has a status.
    const first = await next();
    addHead(reply, listing, wanted);
    const stream = new LineStream(reply, NDJSON);
    try {
      for (let text = first; ; text = await next()) {
        if (text !== '') await stream.write(text);
        if (listing.complete || count >= limit) break;
      }
      stream.end(`{"end":{${tailOf(listing, count)}}}\n`);
    } catch (error) {
      const problem = problemOf(holdfastErrorOf(error), reply.request.id);
      stream.breakOff(`${JSON.stringify({ problem })}\n`);
    }
  }
}

function addHead(reply: FastifyReply, listing: Listing, { level }: ListRequest): FastifyReply {
  if (listing.revision > 0) reply.header('holdfast-revision', String(listing.revision));
  return reply
    .header('holdfast-consistency', servedText(level.consistency, listing))
    .header('content-type', 'application/json');
}

/** How far a listing came: members of a JSON object, without braces. */
function tailOf(listing: Listing, count: number): string {
  const revision = listing.revision > 0 ? `,"revision":${listing.revision}` : '';
  const cursor = listing.cursor === undefined ? '' : `,"cursor":"${listing.cursor}"`;
  return `"count":${count}${revision}${cursor}`;
}

/** True for a reader that takes lines, and no page: one that names both understands a page. */
function prefersLines(accept: string | undefined): boolean {
  const types = accept?.split(',').map((part) => part.split(';')[0].trim().toLowerCase());
  return types !== undefined && types.includes(NDJSON) && !types.includes('application/json');
}
