import { z } from 'zod';
import { GRANTS_MAX, grantOf, grantSchema, limitsSchema, type Principal, tenantSchema } from './principal.ts';
import type { TokenDigest } from './token.ts';

/** Longest life that a key may be given, in seconds: ten years. */
const LIFE_SECONDS_MAX = 315_360_000;
const NAME_LENGTH_MAX = 128;

/** What is asked for: `POST /v1/api-keys`. */
export const newApiKeySchema = z.strictObject({
  name: z.string().max(NAME_LENGTH_MAX).default('').describe('For people.'),
  tenant: tenantSchema.describe('Whom usage and idempotency keys belong to.'),
  grants: z.array(grantSchema).max(GRANTS_MAX).describe('What the key may do; nothing without any.'),
  limits: limitsSchema.default({}),
  expiresInSeconds: z.int().min(1).max(LIFE_SECONDS_MAX).optional().describe('Default: never.'),
});
export type NewApiKey = z.output<typeof newApiKeySchema>;

/** What the store keeps of a key: everything but the key. */
export const apiKeyRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  tenant: z.string(),
  grants: z.array(grantSchema),
  limits: limitsSchema,
  /** SHA-256 of the whole key, hexadecimal. */
  digest: z.string().length(64),
  createdAtMs: z.number(),
  /** By the gateways' wall clocks. */
  expiresAtMs: z.number().optional(),
  revokedAtMs: z.number().optional(),
});
export type ApiKeyRecord = z.output<typeof apiKeyRecordSchema>;

export function newRecord(id: string, digest: TokenDigest, asked: NewApiKey, nowMs: number): ApiKeyRecord {
  const { expiresInSeconds, ...rest } = asked;
  return {
    id,
    ...rest,
    digest: digest.toString('hex'),
    createdAtMs: nowMs,
    ...(expiresInSeconds === undefined ? {} : { expiresAtMs: nowMs + expiresInSeconds * 1000 }),
  };
}

export function isUsable({ revokedAtMs, expiresAtMs }: ApiKeyRecord, nowMs: number): boolean {
  return revokedAtMs === undefined && (expiresAtMs === undefined || nowMs < expiresAtMs);
}

export function principalOf({ id, tenant, grants, limits }: ApiKeyRecord): Principal {
  return { id, tenant, grants: grants.map(grantOf), limits };
}

/** What is shown of a key: never its digest. */
export function describeApiKey(record: ApiKeyRecord, nowMs: number): Record<string, unknown> {
  const { id, name, tenant, grants, limits, createdAtMs, expiresAtMs, revokedAtMs } = record;
  const state = revokedAtMs !== undefined ? 'revoked' : isUsable(record, nowMs) ? 'active' : 'expired';
  return {
    id,
    prefix: `hf_${id}_`,
    name,
    tenant,
    state,
    grants,
    limits,
    created_at: isoTime(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expires_at: isoTime(expiresAtMs) }),
    ...(revokedAtMs === undefined ? {} : { revoked_at: isoTime(revokedAtMs) }),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
