import { readFileSync } from 'node:fs';
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';

/** Longest wait for an answer of the issuer, in milliseconds. */
const FETCH_MS_MAX = 3000;
/** A key that nobody knows makes the keys be read again, but not more often than this, in milliseconds. */
const COOLDOWN_MS = 30_000;

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });
const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** The public keys in a file (RFC 7517), read once. @throws Error that says what is wrong with it. */
export function keysOfFile(path: string): JWTVerifyGetKey {
  const { success, data, error } = jwksSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!success) throw new Error(`not a JSON Web Key Set: ${z.prettifyError(error)}`);
  for (const key of data.keys) {
    if ('d' in key || 'k' in key) throw new Error('holds a private key; only public ones belong there');
  }
  return createLocalJWKSet(data as JSONWebKeySet);
}

/** The public keys behind a URL, read when they are needed and again when an unknown one appears. */
export function keysOfUrl(url: URL): JWTVerifyGetKey {
  return createRemoteJWKSet(url, { timeoutDuration: FETCH_MS_MAX, cooldownDuration: COOLDOWN_MS });
}

/** The public keys of an issuer that says where they are (OpenID Connect Discovery 1.0, section 4). */
export function keysOfIssuer(issuer: string): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const discover = async (): Promise<JWTVerifyGetKey> => {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS_MAX), redirect: 'error' });
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    const found = discoverySchema.parse(await response.json());
    if (found.issuer !== issuer) throw new Error(`${url} is about another issuer`);
    return keysOfUrl(new URL(found.jwks_uri));
  };
  return async (header, token) => {
    keys ??= discover().catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    return (await keys)(header, token);
  };
}
