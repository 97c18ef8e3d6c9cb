/**
 * What authentication and an `Idempotency-Key` cost a request over HTTP: processor time of the gateway and of all nodes
 * per put, and throughput, each way of asking in turn within one run, on one cluster of applications with two gateways:
 * one that asks for tokens, and one that asks for none.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpConnection, httpRequest } from './load/http-connection.ts';
import { cpuSeconds, loadAverage } from './process-usage.ts';
import { median } from './report.ts';
import type { Child } from './systems/child.ts';
import { ROOT_KEY } from './systems/cluster-id.ts';
import { holdfastHttp, startGateway } from './systems/holdfast-http.ts';
import { VALUE_BYTES } from './workloads.ts';

const CLIENTS = 64;
const KEYS = 10_000;
const VALUE = Buffer.alloc(VALUE_BYTES, 'v');

type Headers = Readonly<Record<string, string>>;
interface Way {
  readonly name: string;
  readonly gateway: Child;
  readonly address: string;
  readonly headers: () => Headers;
}
interface Cost {
  readonly putsPerSecond: number;
  readonly gatewayUs: number;
  readonly nodesUs: number;
}

/** Puts as fast as answers come, a connection for each client. */
async function load({ address, headers }: Way, seconds: number): Promise<number> {
  const [host = '', port = ''] = address.split(':');
  const endsAtMs = performance.now() + seconds * 1000;
  let puts = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const connection = new HttpConnection(host, Number(port));
      while (performance.now() < endsAtMs) {
        const path = `/v1/keyspaces/default/keys/cost-${puts++ % KEYS}`;
        const request = httpRequest('PUT', address, path, headers(), VALUE);
        const status = await new Promise<number>((resolve) => connection.send(request, resolve));
        if (status !== 200) throw new Error(`a put was answered with ${status}`);
      }
      connection.close();
    }),
  );
  return puts;
}

async function measure(way: Way, nodes: readonly Child[], seconds: number): Promise<Cost> {
  const sample = () => ({
    gateway: cpuSeconds(way.gateway.pid),
    nodes: nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
  });
  const before = sample();
  const puts = await load(way, seconds);
  const after = sample();
  return {
    putsPerSecond: puts / seconds,
    gatewayUs: ((after.gateway - before.gateway) / puts) * 1e6,
    nodesUs: ((after.nodes - before.nodes) / puts) * 1e6,
  };
}

/** An API key as a tenant has it: a grant for a prefix, and limits that are never reached. */
async function apiKey(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'benchmark',
      tenant: 'benchmark',
      grants: [{ role: 'write', keyspace: 'default', prefix: 'cost-' }],
      limits: { requestsPerSecond: 1e6, bytesPerSecond: 1e9 },
    }),
  });
  if (!answer.ok) throw new Error(`no API key: ${await answer.text()}`);
  return ((await answer.json()) as { readonly key: string }).key;
}

function table(ways: readonly Way[], costs: readonly (readonly Cost[])[]): string {
  const [base = []] = costs;
  const rows = ways.map(({ name }, i) => {
    const own = costs[i] ?? [];
    const of = (value: (cost: Cost) => number): number => median(own.map(value));
    const ratio = (value: (cost: Cost) => number): string =>
      median(own.map((cost, round) => value(cost) / value(base[round] ?? cost))).toFixed(2);
    const gateway = of(({ gatewayUs }) => gatewayUs).toFixed(1);
    const nodes = of(({ nodesUs }) => nodesUs).toFixed(1);
    const all = ({ gatewayUs, nodesUs }: Cost): number => gatewayUs + nodesUs;
    return `| ${name} | ${gateway} | ${nodes} | ${ratio(({ gatewayUs }) => gatewayUs)} | ${ratio(all)} | ${ratio(({ putsPerSecond }) => putsPerSecond)} |`;
  });
  return [
    '| puts at 64 clients | gateway, CPU us/op | all nodes, CPU us/op | gateway, ratio | together, ratio | puts/s, ratio |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

async function main(quick: boolean): Promise<void> {
  const missing = holdfastHttp.missing();
  if (missing !== undefined) throw new Error(missing);
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-request-cost-'));
  mkdirSync(join(directory, 'open'));
  const running = await holdfastHttp.start({ directory });
  const nodes = running.children.filter(({ name }) => name !== 'gateway');
  const gateway = running.children.find(({ name }) => name === 'gateway');
  const { target } = running;
  if (target.kind !== 'holdfast-http' || gateway === undefined) throw new Error('not a gateway');
  const open = await startGateway({ directory: join(directory, 'open') }, running.seeds, {
    HOLDFAST_AUTH: 'off',
  });
  try {
    const root = { Authorization: `Bearer ${ROOT_KEY}` };
    const tenant = { Authorization: `Bearer ${await apiKey(target.address)}` };
    let names = 0;
    const named = () => ({ ...root, 'Idempotency-Key': `cost-${names++}` });
    const asked = { gateway, address: target.address };
    const ways: readonly Way[] = [
      { name: 'without a token', gateway: open.child, address: open.address, headers: () => ({}) },
      { ...asked, name: 'the root key', headers: () => root },
      { ...asked, name: 'an API key, a grant for a prefix, limits', headers: () => tenant },
      { ...asked, name: 'the root key and an Idempotency-Key', headers: named },
    ];
    const [rounds, seconds] = quick ? [2, 1] : [5, 2];
    const costs: Cost[][] = ways.map(() => []);
    for (const way of ways) await load(way, seconds);
    for (let round = 0; round < rounds; round++) {
      for (const [i, way] of ways.entries()) costs[i]?.push(await measure(way, nodes, seconds));
    }
    console.log(`\n### What a token and an idempotency key cost\n\n${table(ways, costs)}\n`);
    console.log(`(${rounds} rounds of ${seconds} s, load average ${loadAverage()})`);
  } finally {
    await open.child.stop();
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main(process.argv.includes('--quick'));
