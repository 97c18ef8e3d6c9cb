import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from './caller.ts';
import { keysOfFile, keysOfIssuer } from './jwt-keys.ts';
import { JwtTokens } from './jwt-tokens.ts';
import { digestOf } from './token.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'holdfast';
const NOW_MS = 1_900_000_000_000;
const NOW_S = NOW_MS / 1000;

const pair = await generateKeyPair('ES256', { extractable: true });
const stranger = await generateKeyPair('ES256');
const publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' };
const jwks = { keys: [publicJwk] };

let passedMs = 0;
const clock = { wallMs: () => NOW_MS + passedMs, monotonicMs: () => passedMs };
const options = {
  keys: createLocalJWKSet(jwks),
  audience: AUDIENCE,
  issuer: ISSUER,
  clockToleranceSeconds: 30,
};
let tokens: JwtTokens;
beforeEach(() => {
  passedMs = 0;
  tokens = new JwtTokens(options, clock);
});

const CLAIMS: JWTPayload = { sub: 'ada', iss: ISSUER, aud: AUDIENCE, exp: NOW_S + 600 };
const sign = (claims: JWTPayload, key = pair.privateKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(key);
const find = async (token: string): Promise<Caller | undefined> => tokens.find(token, digestOf(token));

describe('a token', () => {
  it('stands for what its claims say', async () => {
    const claims = {
      ...CLAIMS,
      scope: 'openid holdfast:read:users holdfast:write:logs-*:acme%2F',
      holdfast: { tenant: 'acme', grants: [{ role: 'admin', keyspace: 'acme' }], limits: { watchers: 3 } },
    };
    const principal = (await find(await sign(claims)))?.principal;
    expect(principal).toMatchObject({ id: 'jwt:ada', tenant: 'acme', limits: { watchers: 3 } });
    expect(
      principal?.grants.map(({ role, keyspace, start }) => [role, keyspace, Buffer.from(start).toString()]),
    ).toEqual([
      ['admin', 'acme', ''],
      ['read', 'users', ''],
      ['write', 'logs-*', 'acme/'],
    ]);
  });

  it.each<[string, JWTPayload]>([
    ['the claim tenant', { tenant: 'acme' }],
    ['the subject', { sub: 'auth0|acme' }],
  ])('belongs to a tenant by %s', async (_what, claims) => {
    const caller = await find(await sign({ ...CLAIMS, ...claims }));
    expect(caller?.principal.tenant).toMatch(/acme$/);
    expect(caller?.principal.grants).toEqual([]);
  });

  it.each<[string, JWTPayload]>([
    ['has expired', { exp: NOW_S - 31 }],
    ['is not valid yet', { nbf: NOW_S + 31 }],
    ['is for another audience', { aud: 'other' }],
    ['is from another issuer', { iss: 'https://other.example' }],
    ['never ends', { exp: undefined }],
    ['names nobody', { sub: undefined }],
    ['has a scope that is no scope', { scope: 'holdfast:write' }],
    ['has a scope with an unknown role', { scope: 'holdfast:owner:users' }],
    ['has a scope that cannot be decoded', { scope: 'holdfast:read:%ff' }],
    ['has grants that are none', { holdfast: { grants: [{ role: 'root', keyspace: 'x' }] } }],
    ['has a tenant that is none', { tenant: 'a/b' }],
  ])('that %s is nobody', async (_what, changes) => {
    expect(await find(await sign({ ...CLAIMS, ...changes }))).toBeUndefined();
  });

  it('that is not signed by the issuer is nobody', async () => {
    const good = await sign(CLAIMS);
    const [head, , signature] = good.split('.');
    const changed = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'eve' })).toString('base64url');
    const secret = new TextEncoder().encode(JSON.stringify(publicJwk));
    const forged = [
      `${head}.${changed}.${signature}`,
      await sign(CLAIMS, stranger.privateKey),
      new UnsecuredJWT(CLAIMS).encode(),
      // The public key taken for a shared secret.
      await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret),
      'a.b.c',
    ];
    for (const token of forged) expect(await find(token)).toBeUndefined();
    expect(await find(good)).toBeDefined();
  });

  it('may be off by the tolerance, and ends all the same', async () => {
    const token = await sign({ ...CLAIMS, exp: NOW_S - 29 });
    expect(await find(token)).toBeDefined();
    passedMs = 1000;
    expect(await find(token)).toBeUndefined();
  });

  it('is verified once, and keeps its caller', async () => {
    const token = await sign(CLAIMS);
    const caller = await find(token);
    expect(tokens.find(token, digestOf(token))).toBe(caller);
    passedMs = 60_000;
    expect(tokens.find(token, digestOf(token))).toBeInstanceOf(Promise);
    expect(await find(token)).toBe(caller);
  });
});

describe('keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-jwks-'));
  const fileWith = (content: unknown): string => {
    const path = join(folder, 'jwks.json');
    writeFileSync(path, JSON.stringify(content));
    return path;
  };

  it('come from a file, which holds public ones only', async () => {
    tokens = new JwtTokens({ ...options, keys: keysOfFile(fileWith(jwks)) }, clock);
    expect(await find(await sign(CLAIMS))).toBeDefined();
    expect(() => keysOfFile(fileWith({ keys: [] }))).toThrow('not a JSON Web Key Set');
    const leaked = { keys: [{ ...publicJwk, d: 'secret' }] };
    expect(() => keysOfFile(fileWith(leaked))).toThrow('private key');
    expect(() => keysOfFile(join(folder, 'missing'))).toThrow('ENOENT');
    rmSync(folder, { recursive: true });
  });

  it('come from the issuer, and are asked for again after trouble', async () => {
    let up = false;
    let issuer = '';
    const server = createServer((request, response) => {
      if (!up) return void response.writeHead(500).end();
      const discovery = { issuer, jwks_uri: `${issuer}/keys` };
      const body = request.url === '/keys' ? jwks : discovery;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    tokens = new JwtTokens({ ...options, issuer, keys: keysOfIssuer(issuer) }, clock);
    const token = await sign({ ...CLAIMS, iss: issuer });
    await expect(find(token)).rejects.toMatchObject({ code: 'HF_UNAVAILABLE' });
    up = true;
    expect(await find(token)).toBeDefined();
    await new Promise((resolve) => server.close(resolve));
  });
});
