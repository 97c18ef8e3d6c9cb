import { HoldfastError } from '@holdfast/wire';
import { type ApiKeyRecord, apiKeyRecordSchema } from './api-key-record.ts';
import type { SystemRecords } from './system-records.ts';

const PREFIX = 'api-key/';
/** How long a revoked key is still listed, in milliseconds: 90 days. */
const REVOKED_KEPT_MS = 90 * 86_400_000;

/** The API keys of the cluster: records of the system keyspace. */
export class ApiKeyStore {
  readonly #records: SystemRecords;

  constructor(records: SystemRecords) {
    this.#records = records;
  }

  async create(record: ApiKeyRecord): Promise<void> {
    await this.#records.put(PREFIX + record.id, record, { expect: 'absent' });
  }

  /** Strong. */
  async find(id: string, deadlineMs?: number): Promise<ApiKeyRecord | undefined> {
    const record = await this.#records.get(PREFIX + id, deadlineMs);
    return record === undefined ? undefined : recordOf(record.json);
  }

  async list(after: string | undefined, limit: number): Promise<ApiKeyRecord[]> {
    const records = await this.#records.list(PREFIX, after === undefined ? undefined : PREFIX + after, limit);
    return records.map(({ json }) => recordOf(json));
  }

  /** A key that is revoked already stays as it is. @throws HoldfastError HF_NOT_FOUND. */
  async revoke(id: string, nowMs: number): Promise<ApiKeyRecord> {
    const found = await this.#records.get(PREFIX + id);
    if (found === undefined) throw new HoldfastError('HF_NOT_FOUND');
    const record = recordOf(found.json);
    if (record.revokedAtMs !== undefined) return record;
    const revoked = { ...record, revokedAtMs: nowMs };
    await this.#records.put(PREFIX + id, revoked, { expect: found.revision, ttlMs: REVOKED_KEPT_MS });
    return revoked;
  }
}

function recordOf(json: unknown): ApiKeyRecord {
  const { success, data, error } = apiKeyRecordSchema.safeParse(json);
  if (!success) throw new HoldfastError('HF_CORRUPTION', { detail: 'not an API key', cause: error });
  return data;
}
