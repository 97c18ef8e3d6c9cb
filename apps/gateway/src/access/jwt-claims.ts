import { z } from 'zod';
import {
  type Grant,
  GRANTS_MAX,
  grantOf,
  grantSchema,
  limitsSchema,
  type Principal,
  ROLES,
  tenantSchema,
} from './principal.ts';

/** The claim of our own. */
const claimSchema = z.object({
  tenant: tenantSchema.optional(),
  grants: z.array(grantSchema).max(GRANTS_MAX).optional(),
  limits: limitsSchema.optional(),
});
const SCOPE = new RegExp(`^holdfast:(${ROLES.join('|')}):([^:]+)(?::(.+))?$`);

/**
 * Who a verified token stands for. Grants come from the claim `holdfast` (`{ tenant, grants, limits }`) and from scopes
 * (RFC 8693, section 4.2: `scope` is a text of words) like `holdfast:read:users` and `holdfast:write:users:acme%2F`, a
 * keyspace and a prefix, percent-encoded; other scopes are somebody else's. The tenant is that of `holdfast`, else the
 * claim `tenant`, else the subject.
 *
 * @returns undefined when a claim that is there does not mean anything: a token is taken as a whole or not at all.
 */
export function principalOfClaims(claims: Readonly<Record<string, unknown>>): Principal | undefined {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '') return undefined;
  const own = claimSchema.safeParse(claims['holdfast'] ?? {});
  if (!own.success) return undefined;
  const scoped = grantsOfScope(claims['scope']);
  const tenant = tenantSchema.safeParse(own.data.tenant ?? claims['tenant'] ?? sub);
  if (scoped === undefined || !tenant.success) return undefined;
  const grants = [...(own.data.grants ?? []).map(grantOf), ...scoped];
  if (grants.length > GRANTS_MAX) return undefined;
  return { id: `jwt:${sub}`, tenant: tenant.data, grants, limits: own.data.limits ?? {} };
}

function grantsOfScope(scope: unknown): Grant[] | undefined {
  if (scope === undefined) return [];
  if (typeof scope !== 'string') return undefined;
  const grants: Grant[] = [];
  for (const word of scope.split(' ').filter((part) => part.startsWith('holdfast:'))) {
    const grant = grantOfWord(word);
    if (grant === undefined) return undefined;
    grants.push(grant);
  }
  return grants;
}

function grantOfWord(word: string): Grant | undefined {
  const [, role, keyspace, prefix = ''] = SCOPE.exec(word) ?? [];
  try {
    const { success, data } = grantSchema.safeParse({
      role,
      keyspace: decodeURIComponent(keyspace ?? ''),
      prefix: decodeURIComponent(prefix),
    });
    return success ? grantOf(data) : undefined;
  } catch {
    return undefined;
  }
}
