import { prefixEnd, utf8 } from '@holdfast/io';
import { KEY_BYTES_MAX, KEYSPACE_NAME_BYTES_MAX } from '@holdfast/wire';
import { z } from 'zod';

/** Each role includes those before it. */
export const ROLES = ['read', 'write', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Stands for the cluster itself where a keyspace is named: no keyspace can have this name. */
export const CLUSTER = '*';

/** Grants of one principal, at most. */
export const GRANTS_MAX = 64;
const PER_SECOND_MAX = 1e9;
const WATCHERS_MAX = 1e6;

/** A role for the keys of a keyspace that begin with a prefix. */
export interface Grant {
  readonly role: Role;
  /** A name, or the beginning of names with `*` behind it; `*` alone is every keyspace and the cluster itself. */
  readonly keyspace: string;
  /** First key of the grant; empty = the whole keyspace. */
  readonly start: Uint8Array;
  /** Key behind the last; empty = to the end of the keyspace. */
  readonly end: Uint8Array;
}

/** What a principal may use per second and at once; absent = without limit. Each gateway counts for itself. */
export interface Limits {
  readonly requestsPerSecond?: number | undefined;
  /** Bodies of requests and answers together. */
  readonly bytesPerSecond?: number | undefined;
  /** Watches that are open at the same time. */
  readonly watchers?: number | undefined;
}

/** Who a request comes from, as far as its token proves it. */
export interface Principal {
  /** `root`, the id of an API key, or the subject of a JWT. */
  readonly id: string;
  /** Whom usage and idempotency keys belong to. */
  readonly tenant: string;
  readonly grants: readonly Grant[];
  readonly limits: Limits;
}

const fits = (bytesMax: number) => (text: string) => utf8(text).length <= bytesMax;

/** A grant as JSON has it: `{ "role": "write", "keyspace": "users", "prefix": "acme/" }`. */
export const grantSchema = z.strictObject({
  role: z.enum(ROLES).describe('Each role includes those before it: read, write, admin.'),
  keyspace: z
    .string()
    .min(1)
    .refine(fits(KEYSPACE_NAME_BYTES_MAX), 'too long')
    .regex(/^[^*]*\*?$/, '* stands at the end, if anywhere')
    .describe('A name, or the beginning of names with * behind it.'),
  prefix: z
    .string()
    .refine((text) => text.isWellFormed(), 'a lone surrogate')
    .refine(fits(KEY_BYTES_MAX), 'too long')
    .default('')
    .describe('Only keys that begin with this.'),
});
export type GrantJson = z.output<typeof grantSchema>;

export const limitsSchema = z.strictObject({
  requestsPerSecond: z.number().positive().max(PER_SECOND_MAX).optional(),
  bytesPerSecond: z.number().positive().max(PER_SECOND_MAX).optional(),
  watchers: z.int().min(0).max(WATCHERS_MAX).optional(),
});

/** Whom usage is counted for. */
export const tenantSchema = z
  .string()
  .regex(
    /^[\x21-\x2e\x30-\x7e]{1,128}$/,
    'a tenant has 1 to 128 printable ASCII characters, no space and no slash',
  );

export function grantOf({ role, keyspace, prefix }: GrantJson): Grant {
  const start = utf8(prefix);
  return { role, keyspace, start, end: prefixEnd(start) ?? new Uint8Array(0) };
}

/** Everything everywhere. */
export const FULL_GRANT: Grant = grantOf({ role: 'admin', keyspace: CLUSTER, prefix: '' });
