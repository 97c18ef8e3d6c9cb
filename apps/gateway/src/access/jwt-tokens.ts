import type { Clock } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { TokenSource } from './authenticator.ts';
import { Caller } from './caller.ts';
import { principalOfClaims } from './jwt-claims.ts';
import type { TokenDigest } from './token.ts';

/** Signatures that only the issuer can make. Shared secrets (HS256) and `none` are not among them. */
export const JWT_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];
/** Header, claims, signature. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** A token that was verified is believed this long, or until it expires, in milliseconds. */
const VERIFIED_MS = 60_000;
/** Verified tokens remembered; the one that was learned first goes first. */
const VERIFIED_MAX = 10_000;
/** A token whose claims name no end is not taken. */
const REQUIRED_CLAIMS = ['sub', 'exp'];

export interface JwtOptions {
  readonly keys: JWTVerifyGetKey;
  readonly audience: string;
  /** Undefined: whoever signs with the keys. */
  readonly issuer: string | undefined;
  /** How far clocks may be apart, in seconds. */
  readonly clockToleranceSeconds: number;
}

interface Verified {
  readonly caller: Caller;
  /** Monotonic. */
  readonly untilMs: number;
}

/** JSON Web Tokens (RFC 7519) of one issuer; what was verified once is remembered for a while. */
export class JwtTokens implements TokenSource {
  readonly #options: JwtOptions;
  readonly #clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;
  readonly #verified = new Map<string, Verified>();

  constructor(options: JwtOptions, clock: Pick<Clock, 'wallMs' | 'monotonicMs'>) {
    this.#options = options;
    this.#clock = clock;
  }

  find(token: string, digest: TokenDigest): Caller | undefined | Promise<Caller | undefined> {
    if (!JWT.test(token)) return undefined;
    const name = digest.toString('base64url');
    const known = this.#verified.get(name);
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs) return known.caller;
    return this.#verify(token, name, known?.caller);
  }

  async #verify(token: string, name: string, before: Caller | undefined): Promise<Caller | undefined> {
    const { keys, audience, issuer, clockToleranceSeconds } = this.#options;
    const wallMs = this.#clock.wallMs();
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, {
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        algorithms: JWT_ALGORITHMS,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: REQUIRED_CLAIMS,
        currentDate: new Date(wallMs),
      }));
    } catch (cause) {
      if (isRefusal(cause)) return undefined;
      throw new HoldfastError('HF_UNAVAILABLE', {
        detail: 'the keys of the token issuer cannot be read now',
        cause,
      });
    }
    const principal = principalOfClaims(payload);
    if (principal === undefined) return undefined;
    // The same token stands for the same principal: its budget goes on.
    const caller = before ?? new Caller(principal);
    const leftMs = (payload.exp ?? 0) * 1000 + clockToleranceSeconds * 1000 - wallMs;
    const untilMs = this.#clock.monotonicMs() + Math.min(VERIFIED_MS, leftMs);
    if (this.#verified.size >= VERIFIED_MAX && !this.#verified.has(name)) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(name, { caller, untilMs });
    return caller;
  }
}

/** The token is wrong; anything else is trouble with the keys. */
function isRefusal(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return false;
  return error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC';
}
