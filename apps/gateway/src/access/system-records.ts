import type { OpResult } from '@holdfast/client';
import { copyBytes, EMPTY_BYTES, keyspaceId, prefixEnd, utf8 } from '@holdfast/io';
import { Condition, Consistency, HoldfastError, OpKind } from '@holdfast/wire';
import type { StoreClient } from '../store-client.ts';

/** Holds what the cluster knows of itself, in the `meta` range; no HTTP route reaches it by name. */
const SYSTEM_KEYSPACE = keyspaceId(0);
const JSON_TYPE = utf8('application/json');
const text = new TextDecoder('utf-8', { fatal: true });

export interface SystemRecord {
  readonly key: string;
  readonly json: unknown;
  readonly revision: number;
}

export interface PutOptions {
  /** Only if the record is absent, or has this revision. */
  readonly expect?: 'absent' | number;
  readonly ttlMs?: number;
  readonly deadlineMs?: number;
}

/** JSON records of the gateway in the system keyspace, by text keys. */
export class SystemRecords {
  readonly #client: Pick<StoreClient, 'execute'>;

  constructor(client: Pick<StoreClient, 'execute'>) {
    this.#client = client;
  }

  /** Strong. @throws HoldfastError. */
  async get(key: string, deadlineMs?: number): Promise<SystemRecord | undefined> {
    const { found, value, revision } = await this.#client.execute({
      kind: OpKind.get,
      keyspace: SYSTEM_KEYSPACE,
      key: utf8(key),
      consistency: Consistency.strong,
      deadlineMs,
    });
    return found ? { key, json: parse(key, value), revision } : undefined;
  }

  /** @throws HoldfastError HF_PRECONDITION_FAILED among others. */
  async put(key: string, json: unknown, { expect, ttlMs, deadlineMs }: PutOptions = {}): Promise<void> {
    await this.#client.execute({
      kind: OpKind.put,
      keyspace: SYSTEM_KEYSPACE,
      key: utf8(key),
      value: utf8(JSON.stringify(json)),
      contentType: JSON_TYPE,
      ...(expect === undefined
        ? {}
        : expect === 'absent'
          ? { condition: Condition.absent }
          : { condition: Condition.revisionEquals, revision: expect }),
      ttlMs,
      deadlineMs,
    });
  }

  /** At most `limit` records whose keys begin with `prefix` and come after `after`, in order. @throws HoldfastError. */
  async list(prefix: string, after: string | undefined, limit: number): Promise<SystemRecord[]> {
    const endKey = prefixEnd(utf8(prefix)) ?? EMPTY_BYTES;
    const records: SystemRecord[] = [];
    for (
      let start: Uint8Array | undefined = utf8(after === undefined ? prefix : `${after}\0`);
      start !== undefined && records.length < limit;
    ) {
      const page: OpResult = await this.#client.execute({
        kind: OpKind.scan,
        keyspace: SYSTEM_KEYSPACE,
        key: start,
        endKey,
        limit: limit - records.length,
        consistency: Consistency.strong,
      });
      const rows = page.rows();
      while (rows.next()) {
        const key = text.decode(rows.key);
        records.push({ key, json: parse(key, rows.value), revision: rows.revision });
      }
      start = page.resumeKey === undefined ? undefined : copyBytes(page.resumeKey);
    }
    return records;
  }
}

function parse(key: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(text.decode(bytes));
  } catch (cause) {
    throw new HoldfastError('HF_CORRUPTION', { detail: `the record ${key} is not JSON`, cause });
  }
}
