import { HoldfastError } from '@holdfast/wire';
import { Caller } from './caller.ts';
import { FULL_GRANT } from './principal.ts';
import { bearerToken, digestOf, sameDigest, type TokenDigest } from './token.ts';

/** One kind of token. */
export interface TokenSource {
  /**
   * Undefined for a token that is not of this kind, or not valid: which of the two stays inside.
   *
   * @throws HoldfastError, also as a rejection, when nobody can say now.
   */
  find(token: string, digest: TokenDigest): Caller | undefined | Promise<Caller | undefined>;
}

/** Tells from an `Authorization` header who calls. */
export interface Authenticator {
  /**
   * At once where that is possible.
   *
   * @param connection what the header came over.
   * @throws HoldfastError HF_UNAUTHENTICATED, also as a rejection.
   */
  authenticate(authorization: string | undefined, connection?: object): Caller | Promise<Caller>;
}

/** A header, and what was computed from it. */
interface ReadToken {
  readonly authorization: string;
  readonly token: string;
  readonly digest: TokenDigest;
}

/** Asks the sources in their order. */
export class TokenAuthenticator implements Authenticator {
  readonly #sources: readonly TokenSource[];
  /**
   * The last token of each connection: most have only one, and its digest is as dear as a route. It is compared with
   * what the same connection has shown before, so the time that takes tells nobody anything about the tokens of
   * others; whether it is valid is asked each time.
   */
  readonly #last = new WeakMap<object, ReadToken>();

  constructor(sources: readonly TokenSource[]) {
    this.#sources = sources;
  }

  authenticate(authorization: string | undefined, connection?: object): Caller | Promise<Caller> {
    const last = connection === undefined ? undefined : this.#last.get(connection);
    const read = last?.authorization === authorization ? last : readToken(authorization);
    if (read === undefined) throw new HoldfastError('HF_UNAUTHENTICATED');
    if (connection !== undefined && read !== last) this.#last.set(connection, read);
    return this.#ask(read.token, read.digest, 0);
  }

  #ask(token: string, digest: TokenDigest, first: number): Caller | Promise<Caller> {
    for (let i = first; i < this.#sources.length; i++) {
      const found = this.#sources[i].find(token, digest);
      if (found instanceof Promise) return found.then((caller) => caller ?? this.#ask(token, digest, i + 1));
      if (found !== undefined) return found;
    }
    throw new HoldfastError('HF_UNAUTHENTICATED');
  }
}

function readToken(authorization: string | undefined): ReadToken | undefined {
  const token = bearerToken(authorization);
  if (authorization === undefined || token === undefined) return undefined;
  return { authorization, token, digest: digestOf(token) };
}

/** The key of the operator, from the settings: it may do everything, and makes the other keys. */
export class RootKey implements TokenSource {
  readonly #digest: TokenDigest;
  readonly #caller = new Caller({ id: 'root', tenant: 'root', grants: [FULL_GRANT], limits: {} });

  constructor(key: string) {
    this.#digest = digestOf(key);
  }

  find(_token: string, digest: TokenDigest): Caller | undefined {
    return sameDigest(digest, this.#digest) ? this.#caller : undefined;
  }
}

/** Everybody may do everything: for development and tests. */
export class OpenAccess implements Authenticator {
  readonly #caller = new Caller({ id: 'anonymous', tenant: 'anonymous', grants: [FULL_GRANT], limits: {} });

  authenticate(): Caller {
    return this.#caller;
  }
}
