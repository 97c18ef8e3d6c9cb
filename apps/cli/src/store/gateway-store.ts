import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type Dispatcher } from 'undici';
import { ClusterError } from '../cluster-error.ts';
import { parseExactJson } from '../rows/exact-json.ts';
import { linesOf } from '../rows/lines-of.ts';
import { entryOf, type JsonRow, keyMember } from '../rows/json-row.ts';
import type {
  Change,
  Entry,
  PutOptions,
  ReadOptions,
  Row,
  ScanOptions,
  Store,
  StoredValue,
  WatchOptions,
  WriteFailure,
  WriteOptions,
} from './store.ts';
import { readEvents } from './event-stream.ts';

/** How much longer than the cluster's own deadline an answer is waited for, in milliseconds. */
const GRACE_MS = 2000;
const CONNECTIONS = 64;
/** A watch is never silent for longer while the gateway lives, in milliseconds: it sends heartbeats. */
const WATCH_SILENCE_MS = 60_000;
/** Waits before a watch is opened again, in milliseconds. */
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2000;

export interface GatewayOptions {
  /** `http://host:port`. */
  readonly url: string;
  readonly token: string | undefined;
  readonly deadlineMs: number;
}

interface Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly signal?: AbortSignal;
  /** Longest silence inside an answer, in milliseconds; default: that of the store. */
  readonly bodyTimeout?: number;
}

/** What ends a stream of rows: a summary, or what went wrong. */
interface LastLine {
  readonly end?: unknown;
  readonly problem?: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Buffer;
}

/** Over HTTP, to a gateway. */
export class GatewayStore implements Store {
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, token, deadlineMs }: GatewayOptions) {
    const patienceMs = deadlineMs + GRACE_MS;
    this.#pool = new Pool(new URL(url).origin, {
      connections: CONNECTIONS,
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
      connect: { timeout: patienceMs },
    });
    this.#headers = {
      'holdfast-deadline-ms': String(deadlineMs),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  async get(keyspace: string, key: Buffer, options: ReadOptions): Promise<StoredValue | undefined> {
    const path = keyPath(keyspace, key, readQuery(options));
    try {
      const { headers, body } = await this.request({ method: 'GET', path });
      const contentType = String(headers['content-type'] ?? '');
      return { bytes: body, contentType, revision: Number(headers['holdfast-revision']) };
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'HF_KEY_NOT_FOUND') return undefined;
      throw error;
    }
  }

  put(keyspace: string, key: Buffer, bytes: Buffer, options: PutOptions): Promise<number> {
    const { contentType, ttlMs } = options;
    return this.#write({
      method: 'PUT',
      path: keyPath(keyspace, key, ttlMs === undefined ? {} : { ttl: `${ttlMs}ms` }),
      headers: { ...writeHeaders(options), 'content-type': contentType },
      body: bytes,
    });
  }

  delete(keyspace: string, key: Buffer, options: WriteOptions): Promise<number> {
    return this.#write({
      method: 'DELETE',
      path: keyPath(keyspace, key, {}),
      headers: writeHeaders(options),
    });
  }

  async increment(keyspace: string, key: Buffer, delta: number, options: WriteOptions) {
    const answer = await this.json({
      method: 'POST',
      path: keyPath(keyspace, key, {}, ':increment'),
      headers: { ...writeHeaders(options), 'content-type': 'application/json' },
      body: JSON.stringify({ delta }),
    });
    const { value, revision } = answer as { readonly value: number; readonly revision: number };
    return { value, revision };
  }

  async *scan(keyspace: string, options: ScanOptions): AsyncGenerator<Row> {
    const { prefix, start, end, reverse, keysOnly, limit } = options;
    const query = new URLSearchParams({
      ...readQuery(options),
      key_encoding: 'base64url',
      ...(prefix === undefined ? {} : { prefix: prefix.toString('base64url') }),
      ...(start === undefined ? {} : { start: start.toString('base64url') }),
      ...(end === undefined ? {} : { end: end.toString('base64url') }),
      ...(reverse === true ? { reverse: 'true' } : {}),
      ...(keysOnly === true ? { keys_only: 'true' } : {}),
      ...(limit === undefined ? {} : { limit: String(limit) }),
    });
    const path = `/v1/keyspaces/${encodeURIComponent(keyspace)}/keys?${query.toString()}`;
    const { body } = await this.#send({ method: 'GET', path, headers: { accept: 'application/x-ndjson' } });
    let complete = false;
    try {
      for await (const line of linesOf(body)) {
        const row = parseExactJson(line) as JsonRow & LastLine;
        if (row.problem !== undefined) throw new ClusterError(row.problem);
        complete = row.end !== undefined;
        if (complete) break;
        const entry = entryOf(keysOnly === true ? { ...row, text: '' } : row);
        if (entry === undefined) throw new Error('a row that is not understood');
        yield { ...entry, contentType: row.content_type ?? '', revision: row.revision ?? 0 };
      }
    } catch (error) {
      throw error instanceof ClusterError ? error : unreachable(error);
    }
    if (!complete) throw unreachable(new Error('the answer broke off'));
  }

  async *watch(keyspace: string, { prefix, from, signal }: WatchOptions): AsyncGenerator<Change> {
    const query = new URLSearchParams({ key_encoding: 'base64url', prefix: prefix.toString('base64url') });
    const path = `/v1/keyspaces/${encodeURIComponent(keyspace)}/watch?${query.toString()}`;
    let resume = from;
    let waitMs = 0;
    while (!signal.aborted) {
      try {
        const headers: Record<string, string> =
          resume === undefined ? {} : { 'last-event-id': String(resume) };
        const { body } = await this.#send({
          method: 'GET',
          path,
          headers,
          signal,
          bodyTimeout: WATCH_SILENCE_MS,
        });
        for await (const { type, data, id } of readEvents(body)) {
          waitMs = 0;
          if (type === 'end') throw new ClusterError(JSON.parse(data) as Record<string, unknown>);
          if (type === 'compacted') throw compacted(data);
          resume = id ?? resume;
          if (type !== 'put' && type !== 'delete' && type !== 'expire') continue;
          const row = parseExactJson(data) as JsonRow;
          const entry = entryOf(type === 'put' ? row : { ...row, text: '' });
          if (entry === undefined) throw unreachable(new Error('an event that is not understood'));
          const { key, bytes } = entry;
          const contentType = row.content_type ?? '';
          yield { type, key, bytes, contentType, revision: row.revision ?? 0, resume: resume ?? 0 };
        }
      } catch (error) {
        if (signal.aborted) return;
        const known = error instanceof ClusterError ? error : unreachable(error);
        // The first try tells whether there is anybody; from then on, the watch holds.
        if (!known.retryable || resume === undefined) throw known;
      }
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(RECONNECT_MS_MAX, 2 * waitMs + RECONNECT_MS_MIN);
    }
  }

  async putMany(keyspace: string, entries: readonly Entry[]): Promise<readonly (WriteFailure | undefined)[]> {
    const operations = entries.map(({ key, bytes, contentType }) => ({
      op: 'put',
      keyspace,
      ...keyMember(key),
      base64: bytes.toString('base64'),
      ...(contentType === '' ? {} : { content_type: contentType }),
    }));
    const { results } = (await this.json({
      method: 'POST',
      path: '/v1/batch',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ operations }),
    })) as { readonly results: readonly { readonly problem?: Readonly<Record<string, unknown>> }[] };
    return results.map(({ problem }) => {
      if (problem === undefined) return undefined;
      const { code, message, retryable } = new ClusterError(problem);
      return { code, message, retryable };
    });
  }

  /** Any route of the gateway. @throws ClusterError. */
  async request(request: Request): Promise<Answer> {
    const { headers, body } = await this.#send(request);
    try {
      return { headers, body: Buffer.from(await body.arrayBuffer()) };
    } catch (error) {
      throw unreachable(error);
    }
  }

  /** A route that answers with JSON. @throws ClusterError. */
  async json(request: Request): Promise<unknown> {
    return JSON.parse((await this.request(request)).body.toString('utf8')) as unknown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // An answer that was left in the middle would be waited for.
    await this.#pool.destroy();
  }

  async #write(request: Request): Promise<number> {
    return Number((await this.request(request)).headers['holdfast-revision']);
  }

  async #send({ headers, ...request }: Request): Promise<Dispatcher.ResponseData> {
    let response: Dispatcher.ResponseData;
    try {
      response = await this.#pool.request({ ...request, headers: { ...this.#headers, ...headers } });
    } catch (error) {
      throw unreachable(error);
    }
    if (response.statusCode < 400) return response;
    const body = await response.body.text().catch(() => '');
    throw new ClusterError(problemOf(response.statusCode, body));
  }
}

function keyPath(
  keyspace: string,
  key: Buffer,
  query: Readonly<Record<string, string>>,
  action = '',
): string {
  // As base64url, no URL code on the way can change it.
  const search = new URLSearchParams({ ...query, key_encoding: 'base64url' });
  const path = `/v1/keyspaces/${encodeURIComponent(keyspace)}/keys/${key.toString('base64url')}${action}`;
  return `${path}?${search.toString()}`;
}

function readQuery({ consistency, revision }: ReadOptions): Record<string, string> {
  return { consistency, ...(revision === undefined ? {} : { revision: String(revision) }) };
}

function writeHeaders({
  ifRevision,
  ifAbsent = false,
  idempotencyKey,
}: WriteOptions): Record<string, string> {
  return {
    ...(ifRevision === undefined ? {} : { 'if-match': `"${ifRevision}"` }),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
}

function problemOf(status: number, text: string): Readonly<Record<string, unknown>> {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === 'object' && problem !== null) return { status, ...problem };
  } catch {
    // Something on the way has answered in its own words.
  }
  return { status, title: 'an answer that is not a problem document', outcome: 'unknown' };
}

function compacted(data: string): ClusterError {
  const { oldest } = JSON.parse(data) as { readonly oldest: number };
  const detail = `changes before revision ${oldest} are no longer kept`;
  return new ClusterError({ status: 410, code: 'HF_COMPACTED', detail, outcome: 'not_applied', oldest });
}

function unreachable(error: unknown): ClusterError {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  return new ClusterError({
    status: 0,
    code: 'unreachable',
    detail: reason,
    outcome: 'unknown',
    retryable: true,
  });
}
