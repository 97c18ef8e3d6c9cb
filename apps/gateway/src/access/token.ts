import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Longest token that is looked at, in characters; JWTs with many claims have a few thousand. */
export const TOKEN_LENGTH_MAX = 8192;

const SCHEME = 'Bearer ';
const TOKEN = /^[\x21-\x7e]+$/;
const API_KEY = /^hf_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const API_KEY_ID_BYTES = 8;
const SECRET_BYTES = 32;

/** A digest of a token, 32 bytes. */
export type TokenDigest = Buffer;

/**
 * SHA-256, without salt and stretching: secrets here are 256 random bits, so there is no dictionary to try and nothing
 * that a slow hash would make harder; and each request pays for it.
 */
export function digestOf(token: string): TokenDigest {
  return hash('sha256', token, 'buffer');
}

/** In time that does not depend on where the two differ. */
export function sameDigest(a: TokenDigest, b: TokenDigest): boolean {
  return timingSafeEqual(a, b);
}

/** The token of an `Authorization: Bearer …` header; undefined when there is none that could be one. */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > SCHEME.length + TOKEN_LENGTH_MAX)
    return undefined;
  const scheme = authorization.slice(0, SCHEME.length);
  if (scheme !== SCHEME && scheme.toLowerCase() !== SCHEME.toLowerCase()) return undefined;
  const token = authorization.slice(SCHEME.length);
  return TOKEN.test(token) ? token : undefined;
}

/** The public part of an API key: `hf_<id>_<secret>`; undefined for any other token. */
export function apiKeyId(token: string): string | undefined {
  return API_KEY.exec(token)?.[1];
}

/** A new API key and its public id. */
export function newApiKey(): { readonly id: string; readonly token: string } {
  const id = randomBytes(API_KEY_ID_BYTES).toString('hex');
  return { id, token: `hf_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}
