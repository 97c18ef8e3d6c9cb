/**
 * Writes and strong reads per second of a fresh cluster, through the gateway over HTTP and through the client library:
 * `node --conditions=source scripts/measure-throughput.ts [--clients 64] [--seconds 5] [--json]`.
 * 16 B keys, 256 B values, every write synced on a majority before it is acknowledged. Each client waits for its answer
 * before it sends the next request.
 */
import { parseArgs } from 'node:util';
import { Client } from '@holdfast/client';
import { Prng, utf8 } from '@holdfast/io';
import { nodeKernels, SystemClock, systemRandomSeed, TcpNetwork } from '@holdfast/io-node';
import { OpKind } from '@holdfast/wire';
import { Pool } from 'undici';
import { addressOf } from './cluster/layout.ts';
import type { LocalCluster } from './cluster/local-cluster.ts';
import { describeMachine, withCluster } from './cluster/measured-cluster.ts';
import { percentile } from './cluster/statistics.ts';

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const CLIENTS = Number(values.clients);
const RUN_MS = Number(values.seconds) * 1000;
/** Not counted: connections, code that is not optimized yet. */
const WARM_UP_MS = 1000;
const KEYS = 10_000;
const VALUE = Buffer.alloc(256, 'v');

interface Figure {
  readonly what: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** True when the request did what it should. */
type Request = (key: string) => Promise<boolean>;

const figures = await withCluster(async (cluster) => [
  ...(await throughGateway(cluster)),
  ...(await throughClient(cluster)),
]);

if (values.json) {
  console.log(JSON.stringify({ clients: CLIENTS, figures, machine: describeMachine() }));
} else {
  console.log(`${CLIENTS} clients, ${RUN_MS / 1000} s each`);
  for (const { what, perSecond, p50Ms, p99Ms, failed } of figures) {
    const latency = `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
    console.log(
      `${what.padEnd(20)} ${String(perSecond).padStart(7)} /s   ${latency}${failed > 0 ? `, ${failed} failed` : ''}`,
    );
  }
  console.log(describeMachine());
}

async function throughGateway({ gatewayUrl, rootKey }: LocalCluster): Promise<Figure[]> {
  const pool = new Pool(gatewayUrl, { connections: CLIENTS });
  const send = async (method: 'GET' | 'PUT', key: string, sent?: Buffer): Promise<boolean> => {
    const path = `/v1/keyspaces/default/keys/${key}`;
    const { statusCode, body } = await pool.request({
      method,
      path,
      headers: { authorization: `Bearer ${rootKey}` },
      ...(sent === undefined ? {} : { body: sent }),
    });
    await body.dump();
    return statusCode === 200;
  };
  const puts = await measure('put, gateway', (key) => send('PUT', key, VALUE));
  const gets = await measure('get, gateway', (key) => send('GET', key));
  await pool.close();
  return [puts, gets];
}

async function throughClient({ ports }: LocalCluster): Promise<Figure[]> {
  const client = new Client({
    network: new TcpNetwork(),
    clock: new SystemClock(),
    random: new Prng(systemRandomSeed()),
    kernels: nodeKernels,
    seeds: ports.nodes.map(addressOf),
  });
  await client.ready();
  const succeeds = (operation: Promise<unknown>): Promise<boolean> =>
    operation.then(
      () => true,
      () => false,
    );
  const put: Request = (key) =>
    succeeds(client.execute({ kind: OpKind.put, keyspace: 'default', key: utf8(key), value: VALUE }));
  const get: Request = (key) =>
    succeeds(client.execute({ kind: OpKind.get, keyspace: 'default', key: utf8(key) }));
  const puts = await measure('put, client library', put);
  const gets = await measure('get, client library', get);
  await client.close();
  return [puts, gets];
}

async function measure(what: string, request: Request): Promise<Figure> {
  await run(request, WARM_UP_MS, CLIENTS);
  const { latenciesMs, failed } = await run(request, RUN_MS, CLIENTS);
  return {
    what,
    perSecond: Math.round(latenciesMs.length / (RUN_MS / 1000)),
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    failed,
  };
}

async function run(
  request: Request,
  forMs: number,
  clients: number,
): Promise<{ readonly latenciesMs: readonly number[]; readonly failed: number }> {
  const endMs = performance.now() + forMs;
  const latenciesMs: number[] = [];
  let failed = 0;
  let next = 0;
  const loop = async (): Promise<void> => {
    for (let startMs = performance.now(); startMs < endMs;) {
      const succeeded = await request(keyOf(next++ % KEYS));
      const nowMs = performance.now();
      if (succeeded) latenciesMs.push(nowMs - startMs);
      else failed++;
      startMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: clients }, () => loop()));
  return { latenciesMs, failed };
}

/** 16 bytes, spread evenly over the ranges of the keyspace. */
function keyOf(index: number): string {
  return `${'ahmu'[index % 4]}-key-${String(index).padStart(10, '0')}`;
}
