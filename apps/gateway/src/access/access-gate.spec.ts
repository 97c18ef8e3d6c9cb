import type { Operation, OpResult, OpSink, WatchHandle } from '@holdfast/client';
import { createLogger } from '@holdfast/telemetry';
import { HoldfastError } from '@holdfast/wire';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGatewayApp } from '../gateway-app.ts';
import { Readiness } from '../readiness.ts';
import type { StoreClient, WatchClient } from '../store-client.ts';
import { Accounts } from './accounts.ts';
import { ApiKeyRing } from './api-key-ring.ts';
import { ApiKeyStore } from './api-key-store.ts';
import { RootKey, TokenAuthenticator, type TokenSource } from './authenticator.ts';
import { Caller } from './caller.ts';
import { grantOf, type Limits } from './principal.ts';
import { SystemRecords } from './system-records.ts';
import { UsageStore } from './usage-store.ts';

const ROOT = 'root-key-of-this-test-0123456789abcdef';
const KEYS = '/v1/keyspaces/default/keys';

/** Remembers what came through, and answers that there is nothing. */
class EmptyStore implements StoreClient, WatchClient {
  readonly pendingOps = 0;
  readonly seen: Operation[] = [];

  watch(): WatchHandle {
    throw new Error('nobody watches here');
  }

  submit(operation: Operation, sink: OpSink): void {
    this.seen.push(operation);
    setImmediate(() => sink.failed(new HoldfastError('HF_KEY_NOT_FOUND'), 0));
  }

  execute(operation: Operation): Promise<OpResult> {
    return new Promise((resolve, reject) => {
      this.submit(operation, { done: resolve, failed: reject });
    });
  }
}

const member = (tenant: string, ...grants: Parameters<typeof grantOf>[0][]): Caller =>
  new Caller({ id: tenant, tenant, grants: grants.map(grantOf), limits: {} });
const limited = (id: string, limits: Limits): Caller =>
  new Caller({
    id,
    tenant: 'limited',
    grants: [grantOf({ role: 'write', keyspace: '*', prefix: '' })],
    limits,
  });
const CALLERS: Readonly<Record<string, Caller>> = {
  'token-of-nobody': member('nobody'),
  'token-of-acme': member('acme', { role: 'write', keyspace: 'default', prefix: 'acme/' }),
  'token-of-slow': limited('slow', { requestsPerSecond: 2 }),
  'token-of-thin': limited('thin', { bytesPerSecond: 1000 }),
  'token-of-reader': member('reader', { role: 'read', keyspace: 'default', prefix: '' }),
};
/** Answers late for one token, and not at all for another. */
const source: TokenSource = {
  find: (token) => {
    if (token === 'token-of-trouble') return Promise.reject(new HoldfastError('HF_UNAVAILABLE'));
    return token.endsWith('-later')
      ? Promise.resolve(CALLERS[token.slice(0, -'-later'.length)])
      : CALLERS[token];
  },
};

const log = createLogger({ app: 'gateway', level: 'silent' });
/** Stands still unless a test moves it, so that limits are exact. */
let nowMs = 0;
const clock = {
  wallMs: () => 1_900_000_000_000 + nowMs,
  monotonicMs: () => nowMs,
  schedule: () => () => undefined,
  defer: () => undefined,
};
const store = new EmptyStore();
const accounts = new Accounts(clock);
const records = new SystemRecords(store);
const keys = new ApiKeyStore(records);
const management = {
  store: keys,
  ring: new ApiKeyRing(keys, clock),
  accounts,
  usage: new UsageStore(records, accounts, 'this', log),
  clock,
};
let app: NestFastifyApplication;
let http: ReturnType<typeof request>;
const routes: { method: string; url: string }[] = [];

beforeAll(async () => {
  app = await createGatewayApp(
    store,
    new Readiness(store),
    log,
    new TokenAuthenticator([new RootKey(ROOT), source]),
    management,
  );
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRoute', ({ method, url }: { method: string | string[]; url: string }) => {
      for (const one of [method].flat()) routes.push({ method: one, url });
    });
  await app.listen(0, '127.0.0.1');
  http = request(await app.getUrl());
});
afterAll(() => app.close());
beforeEach(() => {
  store.seen.length = 0;
});

describe('without a valid token', () => {
  it.each([
    ['no header', undefined],
    ['another scheme', `Basic ${ROOT}`],
    ['no token', 'Bearer '],
    ['a token that differs at its end', `Bearer ${ROOT}x`],
    ['a token that nobody has', 'Bearer hf_0000000000000000_0000000000000000000000000000000000000000000'],
    ['two tokens', `Bearer ${ROOT} ${ROOT}`],
    ['a token beyond any size', `Bearer ${'x'.repeat(9000)}`],
    ['a token that is found wrong later', 'Bearer token-of-no-one-later'],
  ])('nothing happens: %s', async (_what, authorization) => {
    const answer = await http.get(`${KEYS}/k`).set(authorization === undefined ? {} : { authorization });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body).toMatchObject({ code: 'HF_UNAUTHENTICATED', outcome: 'not_applied' });
    // Which check failed is not told.
    expect(answer.body).not.toHaveProperty('detail');
    expect(store.seen).toEqual([]);
  });

  it('asks for each request of a connection anew', () => {
    const authenticator = new TokenAuthenticator([new RootKey(ROOT), source]);
    const connection = {};
    const root = authenticator.authenticate(`Bearer ${ROOT}`, connection);
    expect(authenticator.authenticate(`Bearer ${ROOT}`, connection)).toBe(root);
    expect(() => authenticator.authenticate(`Bearer ${ROOT}x`, connection)).toThrow(HoldfastError);
    expect(() => authenticator.authenticate(`Bearer ${ROOT}x`, connection)).toThrow(HoldfastError);
    expect(() => authenticator.authenticate(undefined, connection)).toThrow(HoldfastError);
    expect(authenticator.authenticate('Bearer token-of-acme', connection)).toBe(CALLERS['token-of-acme']);
    let revoked = false;
    const key = new TokenAuthenticator([{ find: () => (revoked ? undefined : CALLERS['token-of-acme']) }]);
    expect(key.authenticate('Bearer k', connection)).toBe(CALLERS['token-of-acme']);
    revoked = true;
    expect(() => key.authenticate('Bearer k', connection)).toThrow(HoldfastError);
  });

  it('what operators ask is answered', async () => {
    expect((await http.get('/healthz')).status).toBe(200);
    expect((await http.get('/metrics')).status).toBe(200);
    expect((await http.get('/readyz')).status).toBe(503);
  });

  it('every route of the API is closed, and closed again for who is granted nothing', async () => {
    // What everybody may ask of himself.
    const own = ['/v1/usage', '/v1/operations/*'];
    const closed = routes.filter(({ url }) => url.startsWith('/v1/') && !own.includes(url));
    expect(closed.length).toBeGreaterThan(3);
    for (const { method, url } of closed) {
      const path = url.replaceAll(/:[A-Za-z]+/g, 'default').replace('*', 'k');
      const send = (headers: Record<string, string>) =>
        app.inject({
          method: method as 'GET',
          url: path,
          headers: { 'content-type': 'application/json', ...headers },
          payload: method === 'GET' ? undefined : '{}',
        });
      expect({ method, url, status: (await send({})).statusCode }).toEqual({ method, url, status: 401 });
      const refused = await send({ authorization: 'Bearer token-of-nobody' });
      expect([method, url, refused.statusCode]).toSatisfy(() =>
        [400, 403, 404, 405].includes(refused.statusCode),
      );
      expect(store.seen).toEqual([]);
    }
  });
});

describe('with a token', () => {
  const as = (token: string) => ({ authorization: `Bearer ${token}` });

  it('the root key does everything; the scheme is not case-sensitive', async () => {
    expect((await http.get(`${KEYS}/k`).set('authorization', `bearer ${ROOT}`)).body).toMatchObject({
      code: 'HF_KEY_NOT_FOUND',
    });
    expect(store.seen).toHaveLength(1);
  });

  it.each([
    ['nobody', 'get', 'k', 404, 'HF_KEYSPACE_NOT_FOUND'],
    ['nobody', 'put', 'k', 404, 'HF_KEYSPACE_NOT_FOUND'],
    ['acme', 'get', 'beta/1', 404, 'HF_KEY_NOT_FOUND'],
    ['acme', 'put', 'beta/1', 403, 'HF_FORBIDDEN'],
    ['acme', 'delete', 'beta/1', 403, 'HF_FORBIDDEN'],
    ['reader', 'put', 'k', 403, 'HF_FORBIDDEN'],
  ] as const)('%s may not %s %s', async (who, method, key, status, code) => {
    for (const token of [`token-of-${who}`, `token-of-${who}-later`]) {
      const answer = await http[method](`${KEYS}/${encodeURIComponent(key)}`).set(as(token));
      expect(answer.body).toMatchObject({ status, code, outcome: 'not_applied' });
    }
    expect(store.seen).toEqual([]);
  });

  it.each([
    ['acme', 'get', 'acme/1'],
    ['acme', 'put', 'acme/1'],
    ['acme', 'delete', 'acme/1'],
    ['reader', 'get', 'beta/1'],
  ] as const)('%s may %s %s', async (who, method, key) => {
    await http[method](`${KEYS}/${encodeURIComponent(key)}`).set(as(`token-of-${who}`));
    expect(store.seen).toHaveLength(1);
  });

  it('trouble with looking it up is told as such', async () => {
    const answer = await http.get(`${KEYS}/k`).set(as('token-of-trouble'));
    expect(answer.body).toMatchObject({ status: 503, code: 'HF_UNAVAILABLE', retryable: true });
  });
});

describe('limits', () => {
  const as = (token: string) => ({ authorization: `Bearer ${token}` });

  it('turn a request away before it does anything, and say when to come back', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const answer = await http.put(`${KEYS}/k`).set(as('token-of-slow')).send('x');
      statuses.push(answer.status);
      expect(answer.headers['ratelimit-policy']).toBe('"requests";q=2;w=1');
      expect(answer.headers['ratelimit']).toBe(`"requests";r=${[1, 0, 0][i]};t=1`);
      if (i < 2) continue;
      expect(answer.body).toMatchObject({
        code: 'HF_QUOTA_EXCEEDED',
        retryable: true,
        outcome: 'not_applied',
      });
      expect(answer.headers['retry-after']).toBe('1');
    }
    // The store knows no key; what counts is who reached it.
    expect(statuses).toEqual([404, 404, 429]);
    expect(store.seen).toHaveLength(2);
    nowMs += 500;
    expect((await http.get(`${KEYS}/k`).set(as('token-of-slow'))).status).toBe(404);
  });

  it('count the bytes of bodies', async () => {
    const big = Buffer.alloc(3000);
    expect((await http.put(`${KEYS}/k`).set(as('token-of-thin')).send(big)).status).toBe(404);
    const refused = await http.get(`${KEYS}/k`).set(as('token-of-thin'));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(2);
    nowMs += 4000;
    expect((await http.get(`${KEYS}/k`).set(as('token-of-thin'))).status).toBe(404);
  });

  it('are not for who has none', async () => {
    const answer = await http.get(`${KEYS}/k`).set(as('token-of-reader'));
    expect(answer.headers).not.toHaveProperty('ratelimit');
  });

  it('are told apart from usage, which counts everything that was answered', () => {
    const counts = accounts.usageOf('limited').counts();
    expect(counts).toMatchObject({ requests: 7, puts: 3, gets: 2 });
    expect(counts.bytes_in).toBe(3003);
    expect(counts.bytes_out).toBeGreaterThan(0);
  });
});
