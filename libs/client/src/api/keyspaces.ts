import { EMPTY_BYTES, type KeyspaceId, type Revision, viewOf } from '@holdfast/io';
import {
  Condition,
  COUNT_ROWS_MAX,
  decodeKeyspaceRecord,
  encodeKeyspaceRecord,
  HoldfastError,
  isKeyspaceName,
  KEY_BYTES_MAX,
  KEYSPACE_CHANGES_KEY,
  KEYSPACE_NAME_BYTES_MAX,
  KEYSPACE_COUNTER_KEY,
  KEYSPACE_RECORDS,
  type KeyspaceRecord,
  keyspaceRecordKey,
  OpKind,
  RETENTION_MS_MAX,
  SYSTEM_KEYSPACE_ID,
  VALUE_BYTES_MAX,
} from '@holdfast/wire';
import type { Operation, OpResult, RequestedStep } from '../operation.ts';
import type { Transport } from '../transport.ts';
import type { CallOptions } from './options.ts';
import { execute } from './promise-sink.ts';
import { countPages, deletePages } from './scan.ts';

/** What can be chosen for a keyspace. */
export interface KeyspaceSettings {
  /** Default `raft`; `async` is refused with `HF_UNSUPPORTED`. */
  readonly replication?: 'raft' | 'async';
  /** Time to live of values that name none, in milliseconds; 0 = for ever, the default. */
  readonly defaultTtlMs?: number;
  /** Longest key that is written, in bytes; 0 = KEY_BYTES_MAX, the default. */
  readonly keyBytesMax?: number;
  /** Longest value, in bytes; 0 = VALUE_BYTES_MAX, the default. */
  readonly valueBytesMax?: number;
  /**
   * How long old versions stay readable and watches can resume, in milliseconds, at most RETENTION_MS_MAX; 0 = as long
   * as nodes keep them by themselves (ten minutes), the default. All keyspaces of a node are kept on disk as long as
   * the one with the longest time.
   */
  readonly retentionMs?: number;
}

/** A keyspace as the cluster knows it. */
export interface KeyspaceInfo extends Required<KeyspaceSettings> {
  readonly name: string;
  readonly id: number;
  /** `deleting`: no longer to be used; {@link Keyspaces.purge} has not finished. */
  readonly state: 'active' | 'deleting';
  /** Of the last change of these settings. */
  readonly revision: Revision;
}

interface Stored {
  readonly record: KeyspaceRecord;
  readonly revision: Revision;
}

const SYSTEM = SYSTEM_KEYSPACE_ID as KeyspaceId;
const DEFAULT_NAME = 'default';
const NAME_RULE = `a name has at most ${KEYSPACE_NAME_BYTES_MAX} letters, digits, ".", "_" and "-", a letter or digit first`;
const CHANGED: RequestedStep = { kind: OpKind.put, key: KEYSPACE_CHANGES_KEY, value: EMPTY_BYTES };
const asIs = (result: OpResult): OpResult => result;

/**
 * The keyspaces of a cluster. Clients learn of a change with their next map; one that uses a new name at once asks for
 * it. Only over `holdfast://`; a gateway has routes of its own for this.
 *
 * Two callers who change the same keyspace at once: one gets `HF_CONFLICT`.
 */
export class Keyspaces {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Makes a keyspace. One of the same name and settings is given back as it is.
   *
   * @throws HoldfastError `HF_KEYSPACE_INVALID`, `HF_KEYSPACE_EXISTS` (also while it is being deleted), `HF_UNSUPPORTED`.
   */
  async create(
    name: string,
    settings: KeyspaceSettings = {},
    options: CallOptions = {},
  ): Promise<KeyspaceInfo> {
    if (!isKeyspaceName(name)) throw new HoldfastError('HF_KEYSPACE_INVALID', { detail: NAME_RULE });
    const wanted = checked(settings);
    const existing = await this.#read(name, options);
    if (existing !== undefined) return sameOrThrow(existing, wanted);
    const counted = await this.#execute(
      { kind: OpKind.increment, key: KEYSPACE_COUNTER_KEY, value: numberBytes(1) },
      options,
    );
    const id = Number(viewOf(counted.value).getBigInt64(0, true)) + 1;
    const record: KeyspaceRecord = { id, name, state: 'active', ...wanted, retentionSince: 0 };
    const revision = await this.#change(record, 0, options);
    if (revision !== undefined) return infoOf({ record, revision });
    const winner = await this.#read(name, options);
    if (winner === undefined) throw new HoldfastError('HF_CONFLICT');
    return sameOrThrow(winner, wanted);
  }

  /** All keyspaces, by name; those that are being deleted too. */
  async list(options: CallOptions = {}): Promise<readonly KeyspaceInfo[]> {
    const found: KeyspaceInfo[] = [];
    let from: Uint8Array | undefined = KEYSPACE_RECORDS.start;
    while (from !== undefined) {
      const page: OpResult = await this.#execute(
        { kind: OpKind.scan, key: from, endKey: KEYSPACE_RECORDS.end },
        options,
      );
      const rows = page.rows();
      while (rows.next()) {
        const record = decodeKeyspaceRecord(rows.value);
        if (record !== undefined) found.push(infoOf({ record, revision: rows.revision }));
      }
      from = page.resumeKey;
    }
    return found;
  }

  /** Undefined when there is none of this name. */
  async describe(name: string, options: CallOptions = {}): Promise<KeyspaceInfo | undefined> {
    const stored = await this.#read(name, options);
    return stored === undefined ? undefined : infoOf(stored);
  }

  /**
   * Changes the settings that are given. Values that exist keep their time to live.
   *
   * @throws HoldfastError `HF_KEYSPACE_NOT_FOUND`, `HF_KEYSPACE_INVALID`, `HF_CONFLICT`, `HF_UNSUPPORTED`.
   */
  async update(name: string, settings: KeyspaceSettings, options: CallOptions = {}): Promise<KeyspaceInfo> {
    const stored = await this.#active(name, options);
    const wanted = checked({ ...stored.record, ...settings });
    const kept = wanted.retentionMs === stored.record.retentionMs;
    const retentionSince = kept ? stored.record.retentionSince || stored.revision : 0;
    const record = { ...stored.record, ...wanted, retentionSince };
    const revision = await this.#change(record, stored.revision, options);
    if (revision === undefined) throw new HoldfastError('HF_CONFLICT');
    return infoOf({ record, revision });
  }

  /**
   * Takes the keyspace away from everybody at once; its data goes with {@link purge}: a gateway's, or the caller's own.
   *
   * @throws HoldfastError `HF_KEYSPACE_NOT_FOUND`, `HF_CONFLICT`; `HF_KEYSPACE_INVALID` for the default keyspace.
   */
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    if (name === DEFAULT_NAME)
      throw new HoldfastError('HF_KEYSPACE_INVALID', { detail: 'the default keyspace stays' });
    const { record, revision } = await this.#active(name, options);
    const changed = await this.#change({ ...record, state: 'deleting' }, revision, options);
    if (changed === undefined) throw new HoldfastError('HF_CONFLICT');
  }

  /**
   * Removes the data of a deleted keyspace, and then what is left of the keyspace itself. Whoever is interrupted calls
   * again, from wherever: it goes on where it was. Returns how many keys it removed; the deadline is that of each step.
   */
  async purge(name: string, options: CallOptions = {}): Promise<number> {
    const stored = await this.#read(name, options);
    if (stored === undefined) return 0;
    const { record, revision } = stored;
    if (record.state !== 'deleting') {
      throw new HoldfastError('HF_KEYSPACE_EXISTS', { detail: 'only a deleted keyspace is purged' });
    }
    const keys = await deletePages(
      this.#transport,
      record.id as KeyspaceId,
      EMPTY_BYTES,
      EMPTY_BYTES,
      options,
    );
    const gone: RequestedStep = { kind: OpKind.delete, key: keyspaceRecordKey(name) };
    await this.#write(name, revision, gone, options);
    return keys;
  }

  /** How many keys are there, also of one that is being deleted; counted up to COUNT_ROWS_MAX. */
  keysLeft({ id }: Pick<KeyspaceInfo, 'id'>, { deadlineMs, signal }: CallOptions = {}): Promise<number> {
    const read = { kind: OpKind.scan, keyspace: id as KeyspaceId, key: EMPTY_BYTES, deadlineMs };
    return countPages(this.#transport, read, EMPTY_BYTES, { limit: COUNT_ROWS_MAX, signal });
  }

  async #active(name: string, options: CallOptions): Promise<Stored> {
    const stored = await this.#read(name, options);
    if (stored?.record.state !== 'active') throw new HoldfastError('HF_KEYSPACE_NOT_FOUND');
    return stored;
  }

  async #read(name: string, options: CallOptions): Promise<Stored | undefined> {
    const { found, value, revision } = await this.#execute(
      { kind: OpKind.get, key: keyspaceRecordKey(name) },
      options,
    );
    const record = found ? decodeKeyspaceRecord(value) : undefined;
    return record === undefined ? undefined : { record, revision };
  }

  /** Undefined when somebody else was faster. */
  #change(record: KeyspaceRecord, before: number, options: CallOptions): Promise<Revision | undefined> {
    const key = keyspaceRecordKey(record.name);
    const put: RequestedStep = { kind: OpKind.put, key, value: encodeKeyspaceRecord(record) };
    return this.#write(record.name, before, put, options);
  }

  async #write(
    name: string,
    before: number,
    step: RequestedStep,
    options: CallOptions,
  ): Promise<Revision | undefined> {
    const key = keyspaceRecordKey(name);
    const check = { key, condition: Condition.revisionEquals, revision: before };
    const result = await this.#execute(
      {
        kind: OpKind.transaction,
        key,
        transaction: { checks: [check], success: [step, CHANGED], failure: [] },
      },
      options,
    );
    return result.succeeded ? result.revision : undefined;
  }

  #execute(operation: Omit<Operation, 'keyspace'>, options: CallOptions): Promise<OpResult> {
    const { deadlineMs, signal } = options;
    return execute(this.#transport, { ...operation, keyspace: SYSTEM, deadlineMs }, asIs, signal);
  }
}

type Chosen = Pick<
  KeyspaceRecord,
  'replication' | 'defaultTtlMs' | 'keyBytesMax' | 'valueBytesMax' | 'retentionMs'
>;

function checked(settings: KeyspaceSettings): Chosen {
  const { replication = 'raft', defaultTtlMs = 0, keyBytesMax = 0, valueBytesMax = 0 } = settings;
  const { retentionMs = 0 } = settings;
  if (replication !== 'raft') {
    throw new HoldfastError('HF_UNSUPPORTED', { detail: 'keyspaces are replicated by raft' });
  }
  const limits: readonly (readonly [string, number, number])[] = [
    ['defaultTtlMs', defaultTtlMs, Number.MAX_SAFE_INTEGER],
    ['keyBytesMax', keyBytesMax, KEY_BYTES_MAX],
    ['valueBytesMax', valueBytesMax, VALUE_BYTES_MAX],
    ['retentionMs', retentionMs, RETENTION_MS_MAX],
  ];
  for (const [field, value, max] of limits) {
    if (Number.isSafeInteger(value) && value >= 0 && value <= max) continue;
    throw new HoldfastError('HF_KEYSPACE_INVALID', { detail: `${field} is an integer from 0 to ${max}` });
  }
  return { replication, defaultTtlMs, keyBytesMax, valueBytesMax, retentionMs };
}

function sameOrThrow(stored: Stored, wanted: Chosen): KeyspaceInfo {
  const { record } = stored;
  const same =
    record.state === 'active' &&
    record.defaultTtlMs === wanted.defaultTtlMs &&
    record.keyBytesMax === wanted.keyBytesMax &&
    record.valueBytesMax === wanted.valueBytesMax &&
    record.retentionMs === wanted.retentionMs;
  if (same) return infoOf(stored);
  const detail = record.state === 'deleting' ? 'a keyspace of this name is being deleted' : undefined;
  throw new HoldfastError('HF_KEYSPACE_EXISTS', { ...(detail !== undefined && { detail }) });
}

function infoOf({ record, revision }: Stored): KeyspaceInfo {
  const { retentionSince: _, ...settings } = record;
  return { ...settings, revision };
}

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigInt64(0, BigInt(value), true);
  return bytes;
}
