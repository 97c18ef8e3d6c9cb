/**
 * What the gateway itself costs: processor time per request of a gateway process whose client answers by itself, beside
 * that of a bare `node:http` server that reads the same body and writes an answer of the same size, in turns:
 * `node apps/gateway/src/gateway.bench.ts` after a build. The load comes from this process, the servers are others.
 */
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { revision } from '@holdfast/io';
import { SystemClock } from '@holdfast/io-node';
import { createLogger } from '@holdfast/telemetry';
import { Consistency, HoldfastError, OpKind } from '@holdfast/wire';
import { Accounts } from '../dist/access/accounts.js';
import { RootKey, TokenAuthenticator } from '../dist/access/authenticator.js';
import { ApiKeyRing } from '../dist/access/api-key-ring.js';
import { ApiKeyStore } from '../dist/access/api-key-store.js';
import { SystemRecords } from '../dist/access/system-records.js';
import { UsageStore } from '../dist/access/usage-store.js';
import { createGatewayApp } from '../dist/gateway-app.js';
import { Readiness } from '../dist/readiness.js';
import type { StoreClient, WatchClient } from '../dist/store-client.js';
import { closedLoop, median } from '../bench/closed-loop.ts';

const ROUNDS = 7;
const REQUESTS = 30_000;
const LOAD = { requests: REQUESTS, connections: 64, expected: 'HTTP/1.1 200' };
const VALUE = Buffer.alloc(256, 'x');
const KEY = 'root-key-of-the-benchmark-0123456789abcdef';
const FLAGS = ['--initial-old-space-size=512', '--min-semi-space-size=16', '--max-semi-space-size=64'];

const SERVERS = { 'node:http alone': bare, gateway };
const REQUEST = {
  put: `PUT /v1/keyspaces/default/keys/key-0000000001 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${VALUE.length}\r\n\r\n${VALUE.toString()}`,
  get: `GET /v1/keyspaces/default/keys/key-0000000001 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
};

/** Reads what a request brings, and answers what the gateway would. */
async function bare(): Promise<number> {
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      setImmediate(() => {
        const body = request.method === 'GET' ? VALUE.toString('latin1') : '{"revision":117433535700992}';
        const fields = ['content-type', 'application/octet-stream', 'content-length', String(body.length)];
        response.writeHead(200, fields).end(body, 'latin1');
      });
    });
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

async function gateway(): Promise<number> {
  const clock = new SystemClock();
  const log = createLogger({ app: 'gateway', level: 'silent' });
  const nothing = new Uint8Array(0);
  const contentType = Buffer.from('application/octet-stream');
  const refuse = (): never => {
    throw new HoldfastError('HF_UNSUPPORTED');
  };
  const result = (kind: OpKind) => ({
    outcome: 'applied' as const,
    found: true,
    revision: revision(117_433_535_700_992),
    contentType: kind === OpKind.get ? contentType : nothing,
    value: kind === OpKind.get ? VALUE : nothing,
    replayed: false,
    servedLevel: Consistency.strong,
    stalenessMs: 0,
    role: 'leader' as const,
    expiresAtMs: 0,
    count: 0,
    succeeded: false,
    rowCount: 0,
    resumeKey: undefined,
    transaction: refuse,
    record: refuse,
    rows: refuse,
  });
  const client: StoreClient & WatchClient = {
    pendingOps: 0,
    submit: ({ kind }, sink, tag) => void setImmediate(() => sink.done(result(kind), tag ?? 0)),
    watch: refuse,
    execute: () => Promise.reject(new HoldfastError('HF_UNAVAILABLE')),
  };
  const records = new SystemRecords(client);
  const store = new ApiKeyStore(records);
  const accounts = new Accounts(clock);
  const app = await createGatewayApp(
    client,
    new Readiness(client),
    log,
    new TokenAuthenticator([new RootKey(KEY)]),
    {
      store,
      ring: new ApiKeyRing(store, clock),
      accounts,
      usage: new UsageStore(records, accounts, 'bench', log),
      clock,
    },
  );
  await app.listen(0, '127.0.0.1');
  return (app.getHttpServer().address() as AddressInfo).port;
}

/** A server in a process of its own, which tells its processor time when it is asked. */
async function serve(name: keyof typeof SERVERS): Promise<void> {
  const port = await SERVERS[name]();
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port });
}

async function measure(): Promise<void> {
  const servers = await Promise.all(
    Object.keys(SERVERS).map(async (name) => {
      const child = fork(import.meta.filename, [name], { execArgv: [...process.execArgv, ...FLAGS] });
      const next = <T>() =>
        new Promise<T>((resolve) => child.once('message', (message) => resolve(message as T)));
      const { port } = await next<{ readonly port: number }>();
      const cpuUs = async (): Promise<number> => {
        const answer = next<NodeJS.CpuUsage>();
        child.send('cpu');
        const { user, system } = await answer;
        return user + system;
      };
      return { name, port, cpuUs, child };
    }),
  );
  for (const [operation, request] of Object.entries(REQUEST)) {
    const costs = new Map<string, number[]>();
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { name, port, cpuUs } of servers) {
        const before = await cpuUs();
        await closedLoop({ ...LOAD, port, request });
        const cost = ((await cpuUs()) - before) / REQUESTS;
        // The first round warms up.
        if (round > 0) costs.set(name, [...(costs.get(name) ?? []), cost]);
      }
    }
    const [base = 0] = [...costs.values()].map(median);
    for (const [name, values] of costs) {
      const cost = median(values);
      console.log(
        `${operation}  ${name.padEnd(16)} ${cost.toFixed(1).padStart(5)} us of processor per request  ${(cost / base).toFixed(2)} x`,
      );
    }
  }
  for (const { child } of servers) child.disconnect();
}

const [name] = process.argv.slice(2);
if (name === undefined) await measure();
else await serve(name as keyof typeof SERVERS);
