import type { Client, Keyspace } from '@holdfast/client';
import { HoldfastError } from '@holdfast/client';

/** A request of Maelstrom's `lin-kv` workload; `key` and values are any JSON. */
export interface LinKvRequest {
  readonly type: string;
  readonly key?: unknown;
  readonly value?: unknown;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly create_if_not_exists?: boolean;
}

export interface LinKvReply {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Maelstrom's error codes. Only the first leaves open whether the request took effect. */
export const LinKvError = {
  timeout: 0,
  notSupported: 10,
  temporarilyUnavailable: 11,
  malformed: 12,
  keyDoesNotExist: 20,
  preconditionFailed: 22,
} as const;

/** Below the time for which Maelstrom's clients wait. */
const DEADLINE_MS = 4_000;

/** Reads, writes and comparisons of values, through the client library of the store. */
export class LinKv {
  readonly #keyspace: Keyspace<unknown>;

  constructor(client: Client) {
    this.#keyspace = client.keyspace('default');
  }

  /** Never rejects: what goes wrong is an answer with a code. */
  async answer(request: LinKvRequest): Promise<LinKvReply> {
    const { type } = request;
    if (type !== 'read' && type !== 'write' && type !== 'cas')
      return failure(LinKvError.notSupported, `unknown request ${type}`);
    if (request.key === undefined) return failure(LinKvError.malformed, 'a request has a key');
    const key = JSON.stringify(request.key);
    try {
      if (type === 'read') return await this.#read(key);
      if (type === 'cas') return await this.#compareAndSet(key, request);
      if (request.value === undefined) return failure(LinKvError.malformed, 'a write has a value');
      await this.#keyspace.set(key, request.value, { deadlineMs: DEADLINE_MS });
      return { type: 'write_ok' };
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const isOpen = type !== 'read' && error.outcome === 'unknown';
      return failure(isOpen ? LinKvError.timeout : LinKvError.temporarilyUnavailable, error.message);
    }
  }

  async #read(key: string): Promise<LinKvReply> {
    const item = await this.#keyspace.get(key, { deadlineMs: DEADLINE_MS });
    if (item === undefined) return failure(LinKvError.keyDoesNotExist, 'no such key');
    return { type: 'read_ok', value: item.value };
  }

  /** Compares what was read, and writes if that is still there: as often as somebody else was faster. */
  async #compareAndSet(key: string, request: LinKvRequest): Promise<LinKvReply> {
    const { from, to, create_if_not_exists: create = false } = request;
    if (from === undefined || to === undefined) return failure(LinKvError.malformed, 'a cas has from and to');
    for (;;) {
      const item = await this.#keyspace.get(key, { deadlineMs: DEADLINE_MS });
      if (item === undefined && !create) return failure(LinKvError.keyDoesNotExist, 'no such key');
      if (item !== undefined && JSON.stringify(item.value) !== JSON.stringify(from))
        return failure(LinKvError.preconditionFailed, `the value is ${JSON.stringify(item.value)}`);
      const { swapped } = await this.#keyspace.compareAndSet(key, to, {
        deadlineMs: DEADLINE_MS,
        ...(item === undefined ? { ifAbsent: true } : { ifRevision: item.revision }),
      });
      if (swapped) return { type: 'cas_ok' };
    }
  }
}

function failure(code: number, text: string): LinKvReply {
  return { type: 'error', code, text };
}
