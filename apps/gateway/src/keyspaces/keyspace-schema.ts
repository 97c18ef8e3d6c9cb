import type { KeyspaceInfo, KeyspaceSettings } from '@holdfast/client';
import {
  HoldfastError,
  KEY_BYTES_MAX,
  KEYSPACE_NAME_BYTES_MAX,
  RETENTION_MS_MAX,
  VALUE_BYTES_MAX,
} from '@holdfast/wire';
import { z } from 'zod';
import { TTL_MS_MAX } from '../request-options.ts';

/** More replicas than that have no use. */
const REPLICATION_FACTOR_MAX = 32;

/** What can be chosen for a keyspace; 0 is no limit of its own. */
export const keyspaceSettingsSchema = z.strictObject({
  replication: z
    .enum(['raft', 'async'])
    .optional()
    .describe('`raft`, the default. `async` is not offered yet: 501.'),
  replication_factor: z
    .int()
    .min(0)
    .max(REPLICATION_FACTOR_MAX)
    .optional()
    .describe('Replicas of each key. 0, the default: one on every node. Others are not offered yet: 501.'),
  default_ttl_ms: z
    .int()
    .min(0)
    .max(TTL_MS_MAX)
    .optional()
    .describe('Time to live of values that name none, in milliseconds; 0, the default: for ever.'),
  key_bytes_max: z
    .int()
    .min(0)
    .max(KEY_BYTES_MAX)
    .optional()
    .describe('Longest key; 0, the default: as long as keys can be.'),
  value_bytes_max: z
    .int()
    .min(0)
    .max(VALUE_BYTES_MAX)
    .optional()
    .describe('Longest value; 0, the default: as long as values can be.'),
  retention_ms: z
    .int()
    .min(0)
    .max(RETENTION_MS_MAX)
    .optional()
    .describe(
      'How long old versions stay readable, in milliseconds, at most a year; 0, the default: ten minutes.',
    ),
});

/** The body of `POST /v1/keyspaces`. */
export const newKeyspaceSchema = keyspaceSettingsSchema.extend({
  name: z
    .string()
    .min(1)
    .max(KEYSPACE_NAME_BYTES_MAX)
    .meta({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' })
    .describe('Letters, digits, `.`, `_` and `-`; a letter or digit first.'),
});

/** A keyspace as answers have it. */
export const keyspaceSchema = z.object({
  name: z.string(),
  id: z.int().describe('Never used again for another keyspace.'),
  state: z.enum(['active', 'deleting']).describe('`deleting`: hidden already; its values are being removed.'),
  replication: z.enum(['raft', 'async']),
  replication_factor: z.int(),
  default_ttl_ms: z.int(),
  key_bytes_max: z.int(),
  value_bytes_max: z.int(),
  retention_ms: z.int(),
  revision: z.int().describe('Of the last change of these settings.'),
  keys_left: z
    .int()
    .optional()
    .describe('While it is being deleted: keys still there; counted up to 100,000.'),
});

type Settings = z.output<typeof keyspaceSettingsSchema>;

/** In the terms of the client: only what is given. @throws HoldfastError HF_UNSUPPORTED. */
export function settingsOf(asked: Settings): KeyspaceSettings {
  const { replication, default_ttl_ms: ttl, key_bytes_max: key, value_bytes_max: value } = asked;
  const { retention_ms: retention, replication_factor: factor = 0 } = asked;
  if (factor !== 0) {
    throw new HoldfastError('HF_UNSUPPORTED', { detail: 'every node has a replica of every key' });
  }
  return {
    ...(replication !== undefined && { replication }),
    ...(ttl !== undefined && { defaultTtlMs: ttl }),
    ...(key !== undefined && { keyBytesMax: key }),
    ...(value !== undefined && { valueBytesMax: value }),
    ...(retention !== undefined && { retentionMs: retention }),
  };
}

export function keyspaceJson(info: KeyspaceInfo, keysLeft?: number): z.output<typeof keyspaceSchema> {
  return {
    name: info.name,
    id: info.id,
    state: info.state,
    replication: info.replication,
    replication_factor: 0,
    default_ttl_ms: info.defaultTtlMs,
    key_bytes_max: info.keyBytesMax,
    value_bytes_max: info.valueBytesMax,
    retention_ms: info.retentionMs,
    revision: info.revision,
    ...(keysLeft === undefined ? {} : { keys_left: keysLeft }),
  };
}
