import type { KeyspaceInfo, KeyspaceSettings } from '@holdfast/client';
import { KEY_BYTES_MAX, KEYSPACE_NAME_BYTES_MAX, VALUE_BYTES_MAX } from '@holdfast/wire';
import { z } from 'zod';
import { TTL_MS_MAX } from '../request-options.ts';

/** What can be chosen for a keyspace; 0 is no limit of its own. */
export const keyspaceSettingsSchema = z.strictObject({
  replication: z
    .enum(['raft', 'async'])
    .optional()
    .describe('`raft`, the default. `async` is not offered yet: 501.'),
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
});

/** The body of `POST /v1/keyspaces`. */
export const newKeyspaceSchema = keyspaceSettingsSchema.extend({
  name: z
    .string()
    .min(1)
    .max(KEYSPACE_NAME_BYTES_MAX)
    .describe('Letters, digits, `.`, `_` and `-`; a letter or digit first.'),
});

/** A keyspace as answers have it. */
export const keyspaceSchema = z.object({
  name: z.string(),
  id: z.int().describe('Never used again for another keyspace.'),
  state: z.enum(['active', 'deleting']).describe('`deleting`: hidden already; its values are being removed.'),
  replication: z.enum(['raft', 'async']),
  default_ttl_ms: z.int(),
  key_bytes_max: z.int(),
  value_bytes_max: z.int(),
  revision: z.int().describe('Of the last change of these settings.'),
  keys_left: z
    .int()
    .optional()
    .describe('While it is being deleted: keys still there; counted up to 100,000.'),
});

type Settings = z.output<typeof keyspaceSettingsSchema>;

/** In the terms of the client: only what is given. */
export function settingsOf(asked: Settings): KeyspaceSettings {
  const { replication, default_ttl_ms: ttl, key_bytes_max: key, value_bytes_max: value } = asked;
  return {
    ...(replication !== undefined && { replication }),
    ...(ttl !== undefined && { defaultTtlMs: ttl }),
    ...(key !== undefined && { keyBytesMax: key }),
    ...(value !== undefined && { valueBytesMax: value }),
  };
}

export function keyspaceJson(info: KeyspaceInfo, keysLeft?: number): z.output<typeof keyspaceSchema> {
  return {
    name: info.name,
    id: info.id,
    state: info.state,
    replication: info.replication,
    default_ttl_ms: info.defaultTtlMs,
    key_bytes_max: info.keyBytesMax,
    value_bytes_max: info.valueBytesMax,
    revision: info.revision,
    ...(keysLeft === undefined ? {} : { keys_left: keysLeft }),
  };
}
