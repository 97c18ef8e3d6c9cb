import {
  bytes as asBytes,
  type Client,
  Condition,
  Consistency,
  HoldfastError,
  type Operation,
  OpKind,
  type OpResult,
} from '@holdfast/client';
import { connect, type ConnectOptions } from '@holdfast/client/node';
import { EMPTY_BYTES, prefixEnd, viewOf } from '@holdfast/io';
import { ClusterError } from '../cluster-error.ts';
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

const PAGE_ROWS = 1000;

/** Straight to the data nodes, by the client library. */
export class NodeStore implements Store {
  readonly #client: Client;

  /** @param url `holdfast://host:port[,host:port …]`. @throws ClusterError. */
  static async open(url: string, options: ConnectOptions): Promise<NodeStore> {
    return new NodeStore(await told(connect(url, options)));
  }

  private constructor(client: Client) {
    this.#client = client;
  }

  async get(keyspace: string, key: Buffer, options: ReadOptions): Promise<StoredValue | undefined> {
    const result = await this.#execute({ kind: OpKind.get, keyspace, key, ...read(options) });
    if (!result.found) return undefined;
    return { bytes: copy(result.value), contentType: latin1(result.contentType), revision: result.revision };
  }

  async put(keyspace: string, key: Buffer, value: Buffer, options: PutOptions): Promise<number> {
    const { contentType, ttlMs } = options;
    const result = await this.#execute({
      kind: OpKind.put,
      keyspace,
      key,
      value,
      ttlMs,
      ...write(options),
      contentType: Buffer.from(contentType, 'latin1'),
    });
    return result.revision;
  }

  async delete(keyspace: string, key: Buffer, options: WriteOptions): Promise<number> {
    return (await this.#execute({ kind: OpKind.delete, keyspace, key, ...write(options) })).revision;
  }

  async increment(keyspace: string, key: Buffer, delta: number, options: WriteOptions) {
    const operand = new Uint8Array(8);
    viewOf(operand).setBigInt64(0, BigInt(delta), true);
    const { value, revision } = await this.#execute({
      kind: OpKind.increment,
      keyspace,
      key,
      value: operand,
      ...write(options),
    });
    return { value: Number(viewOf(value).getBigInt64(0, true)), revision };
  }

  async *scan(keyspace: string, options: ScanOptions): AsyncGenerator<Row> {
    const { prefix, reverse = false, keysOnly = false, limit = Number.POSITIVE_INFINITY } = options;
    let key: Uint8Array = prefix ?? options.start ?? EMPTY_BYTES;
    let endKey: Uint8Array = (prefix === undefined ? options.end : prefixEnd(prefix)) ?? EMPTY_BYTES;
    let { revision } = options;
    for (let left = limit; left > 0;) {
      const page = await this.#execute({
        kind: OpKind.scan,
        keyspace,
        key,
        endKey,
        reverse,
        keysOnly,
        limit: Math.min(PAGE_ROWS, left),
        ...read({ ...options, revision }),
      });
      // Every page shows what the first one did, where the cluster says which state that was.
      revision ??= page.revision === 0 ? undefined : page.revision;
      left -= page.rowCount;
      const rows = page.rows();
      while (rows.next()) {
        yield {
          key: copy(rows.key),
          bytes: copy(rows.value),
          revision: rows.revision,
          contentType: latin1(rows.contentType),
        };
      }
      if (page.resumeKey === undefined) return;
      if (reverse) endKey = copy(page.resumeKey);
      else key = copy(page.resumeKey);
    }
  }

  putMany(keyspace: string, entries: readonly Entry[]): Promise<readonly (WriteFailure | undefined)[]> {
    return Promise.all(
      entries.map(async ({ key, bytes, contentType }) => {
        try {
          await this.put(keyspace, key, bytes, { contentType });
          return undefined;
        } catch (error) {
          if (!(error instanceof ClusterError)) throw error;
          return { code: error.code, message: error.message, retryable: error.retryable };
        }
      }),
    );
  }

  async *watch(keyspace: string, { prefix, from, signal }: WatchOptions): AsyncGenerator<Change> {
    const options = { prefix, signal, ...(from === undefined ? {} : { from }) };
    try {
      for await (const event of this.#client.keyspace(keyspace, asBytes).watch(options)) {
        if (event.type === 'progress') continue;
        const { type, revision, resume } = event;
        const [value, contentType] = type === 'put' ? [event.value, event.contentType] : [EMPTY_BYTES, ''];
        yield { type, revision, resume, key: copy(event.keyBytes), bytes: copy(value), contentType };
      }
    } catch (error) {
      throw toldOf(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  #execute(operation: Operation): Promise<OpResult> {
    return told(this.#client.execute(operation));
  }
}

function read({ consistency, revision }: ReadOptions): Partial<Operation> {
  return { consistency: Consistency[consistency], revision };
}

function write({ ifRevision, ifAbsent = false, idempotencyKey }: WriteOptions): Partial<Operation> {
  return {
    ...(ifRevision === undefined ? {} : { condition: Condition.revisionEquals, revision: ifRevision }),
    ...(ifAbsent ? { condition: Condition.absent } : {}),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: Buffer.from(idempotencyKey) }),
  };
}

/** What the client throws, as every command tells it. @throws ClusterError */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toldOf(error);
  }
}

function toldOf(error: unknown): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const { code, detail, outcome, retryable, revision, info } = error;
  return new ClusterError({
    status: info.status,
    title: info.title,
    detail,
    code,
    retryable,
    outcome,
    revision,
  });
}

function copy(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
