import { decodeUtf8, encodeUtf8, utf8 } from '@holdfast/io';
import { KEYSPACE_NAME_BYTES_MAX } from './limits.ts';

/**
 * What the cluster knows of a keyspace: a value of the system keyspace, which lies in the `meta` range. Written by
 * clients, as a transaction that also writes {@link KEYSPACE_CHANGES_KEY}; read by every node for its map.
 */
export interface KeyspaceRecord {
  readonly id: number;
  readonly name: string;
  readonly replication: 'raft';
  /** `deleting`: no client sees it any more, its data is being removed. */
  readonly state: 'active' | 'deleting';
  /** Time to live of values that name none, in milliseconds; 0 = for ever. */
  readonly defaultTtlMs: number;
  /** In bytes; 0 = the protocol's limit. */
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** How long old versions stay readable, in milliseconds; 0 = as long as nodes keep them by themselves. */
  readonly retentionMs: number;
  /** Revision of the record that named this retention; 0 = of this one. What is older may be gone all the same. */
  readonly retentionSince: number;
}

export const SYSTEM_KEYSPACE_ID = 0;
/** Longest time for which a keyspace keeps old versions, in milliseconds: a year. */
export const RETENTION_MS_MAX = 365 * 24 * 60 * 60 * 1000;
const PREFIX = 'keyspace/';
/** Interval of the records, by name: `[start, end)`. */
export const KEYSPACE_RECORDS = { start: utf8(PREFIX), end: utf8('keyspace0') } as const;
/** Counts the ids that were given out, besides that of the default keyspace. Ids are never used again. */
export const KEYSPACE_COUNTER_KEY = utf8('keyspace-ids');
/** Written with every change of a record: its revision tells how new a list of keyspaces is. */
export const KEYSPACE_CHANGES_KEY = utf8('keyspace-changes');

export function keyspaceRecordKey(name: string): Uint8Array {
  return utf8(PREFIX + name);
}

/** 1 to KEYSPACE_NAME_BYTES_MAX bytes of letters, digits, `.`, `_`, `-`; a letter or digit first. */
export function isKeyspaceName(name: string): boolean {
  const bytes = encodeUtf8(name);
  if (bytes === undefined || bytes.length > KEYSPACE_NAME_BYTES_MAX) return false;
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name);
}

export function encodeKeyspaceRecord(record: KeyspaceRecord): Uint8Array {
  return utf8(JSON.stringify(record));
}

/** Undefined when the bytes are no record. Settings that an older version did not know have their defaults. */
export function decodeKeyspaceRecord(bytes: Uint8Array): KeyspaceRecord | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  let json: Partial<KeyspaceRecord>;
  try {
    json = JSON.parse(text) as Partial<KeyspaceRecord>;
  } catch {
    return undefined;
  }
  const { id, name, state = 'active', defaultTtlMs = 0, keyBytesMax = 0, valueBytesMax = 0 } = json;
  const { retentionMs = 0, retentionSince = 0 } = json;
  if (typeof id !== 'number' || typeof name !== 'string') return undefined;
  const limits = { defaultTtlMs, keyBytesMax, valueBytesMax, retentionMs, retentionSince };
  return { id, name, replication: 'raft', state, ...limits };
}
