/**
 * What authentication, authorization and accounting cost: processor time per request of a whole gateway that answers
 * by itself, without and with each kind of token, in turns: `node apps/gateway/src/access/access.bench.ts`
 * after a build. Client and server share the process, so the difference is the cost and the ratio is a lower bound.
 */
import { SystemClock } from '@holdfast/io-node';
import { createLogger } from '@holdfast/telemetry';
import { HoldfastError } from '@holdfast/wire';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createGatewayApp } from '../../dist/gateway-app.js';
import { Readiness } from '../../dist/readiness.js';
import type { StoreClient, WatchClient } from '../../dist/store-client.js';
import { Accounts } from '../../dist/access/accounts.js';
import { newRecord } from '../../dist/access/api-key-record.js';
import { ApiKeyRing } from '../../dist/access/api-key-ring.js';
import { ApiKeyStore } from '../../dist/access/api-key-store.js';
import {
  type Authenticator,
  OpenAccess,
  RootKey,
  TokenAuthenticator,
} from '../../dist/access/authenticator.js';
import { JwtTokens } from '../../dist/access/jwt-tokens.js';
import { SystemRecords } from '../../dist/access/system-records.js';
import { digestOf, newApiKey } from '../../dist/access/token.js';
import { UsageStore } from '../../dist/access/usage-store.js';
import { closedLoop, median } from '../../bench/closed-loop.ts';

const ROUNDS = 7;
const REQUESTS = 20_000;
const LOAD = { requests: REQUESTS, connections: 16, expected: 'HF_KEY_NOT_FOUND' };

const clock = new SystemClock();
const log = createLogger({ app: 'gateway', level: 'silent' });
const client: StoreClient & WatchClient = {
  pendingOps: 0,
  submit: (_operation, sink) =>
    void setImmediate(() => sink.failed(new HoldfastError('HF_KEY_NOT_FOUND'), 0)),
  watch: () => {
    throw new Error('nobody watches here');
  },
  execute: () => Promise.reject(new HoldfastError('HF_UNAVAILABLE')),
};

const root = 'root-key-of-the-benchmark-0123456789abcdef';
const { id, token: apiKey } = newApiKey();
const record = (limits: object) =>
  newRecord(
    id,
    digestOf(apiKey),
    { name: '', tenant: 'acme', grants: [{ role: 'write', keyspace: 'default', prefix: 'acme/' }], limits },
    clock.wallMs(),
  );
const pair = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(pair.publicKey)), alg: 'ES256' };
const jwt = await new SignJWT({ scope: 'holdfast:write:default' })
  .setProtectedHeader({ alg: 'ES256' })
  .setSubject('acme')
  .setAudience('holdfast')
  .setExpirationTime('1h')
  .sign(pair.privateKey);

interface Case {
  readonly name: string;
  readonly token: string;
  readonly port: number;
  readonly cpuUs: number[];
}

async function gateway(
  name: string,
  token: string,
  authenticator: Authenticator,
  accounted = true,
): Promise<Case> {
  const records = new SystemRecords(client);
  const accounts = new Accounts(clock);
  const store = new ApiKeyStore(records);
  const usage = new UsageStore(records, accounts, 'this', log);
  const management = { store, ring: new ApiKeyRing(store, clock), accounts, usage, clock };
  const readiness = new Readiness(client);
  const app = await createGatewayApp(
    client,
    readiness,
    log,
    authenticator,
    accounted ? management : undefined,
  );
  await app.listen(0, '127.0.0.1');
  return { name, token, port: Number(new URL(await app.getUrl()).port), cpuUs: [] };
}

const keyed = (limits: object): Authenticator =>
  new TokenAuthenticator([
    new RootKey(root),
    new ApiKeyRing({ find: () => Promise.resolve(record(limits)) }, clock),
    new JwtTokens(
      {
        keys: createLocalJWKSet({ keys: [jwk] }),
        audience: 'holdfast',
        issuer: undefined,
        clockToleranceSeconds: 30,
      },
      clock,
    ),
  ]);
const cases = [
  await gateway('nothing', apiKey, new OpenAccess(), false),
  await gateway('usage counted', apiKey, new OpenAccess()),
  await gateway('root key', root, keyed({})),
  await gateway('API key', apiKey, keyed({})),
  await gateway('API key with limits', apiKey, keyed({ requestsPerSecond: 1e6, bytesPerSecond: 1e9 })),
  await gateway('JWT', jwt, keyed({})),
];

for (let round = 0; round <= ROUNDS; round++) {
  for (const one of cases) {
    const before = process.cpuUsage();
    const request = `GET /v1/keyspaces/default/keys/acme%2F1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${one.token}\r\n\r\n`;
    await closedLoop({ ...LOAD, port: one.port, request });
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round > 0) one.cpuUs.push((user + system) / REQUESTS);
  }
}
const [{ cpuUs: base }] = cases as [Case, ...Case[]];
for (const { name, cpuUs } of cases) {
  const ratio = median(cpuUs.map((us, i) => us / (base[i] ?? us)));
  const more = median(cpuUs.map((us, i) => us - (base[i] ?? us)));
  console.log(
    `${name.padEnd(20)} ${median(cpuUs).toFixed(1).padStart(6)} us of processor per request   ratio ${ratio.toFixed(3)}   ${more.toFixed(1).padStart(5)} us more`,
  );
}
process.exit(0);
