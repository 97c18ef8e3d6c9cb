import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { until } from '../../scripts/cluster/deadline.ts';
import { freeClusterPorts } from '../../scripts/cluster/free-ports.ts';
import { TestAuthority } from '../../libs/io-node/testing/certificates.ts';
import { PATIENCE_MS, ROOT } from './cluster.ts';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-node-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ports = await freeClusterPorts();

interface NodeProcess {
  readonly ended: Promise<number | null>;
  /** The messages of its log. */
  readonly said: string[];
  stop(): void;
}

function start(settings: Readonly<Record<string, string>>, app = 'data-node'): NodeProcess {
  const child = spawn(process.execPath, [join(ROOT, 'apps', app, 'dist', 'main.js')], {
    env: { PATH: process.env['PATH'], ...settings },
  });
  const said: string[] = [];
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n');
    text = lines.pop() ?? '';
    said.push(...lines.map((line) => (JSON.parse(line) as { msg: string }).msg));
  });
  return {
    said,
    ended: new Promise((resolve) => {
      child.once('close', (code) => resolve(code));
    }),
    stop: () => child.kill('SIGTERM'),
  };
}

function settings(node: 0 | 1, change: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [id, tcp, http] = [node + 1, ports.nodes[node]?.tcp, ports.nodes[node]?.http];
  return {
    HOLDFAST_NODE_ID: String(id),
    HOLDFAST_CLUSTER_ID: 'a'.repeat(32),
    HOLDFAST_MEMBERS: `${id}=127.0.0.1:${tcp}`,
    HOLDFAST_HTTP_PORT: String(http),
    HOLDFAST_DATA_DIRECTORY: join(directory, 'data'),
    ...change,
  };
}

it('lists everything that is wrong with its configuration', async () => {
  const node = start({ HOLDFAST_HTTP_PORT: '99999', HOLDFAST_CLUSTER_ID: 'short' });
  expect(await node.ended).toBe(1);
  expect(node.said).toHaveLength(1);
  for (const name of ['HTTP_PORT', 'CLUSTER_ID', 'NODE_ID', 'MEMBERS', 'DATA_DIRECTORY']) {
    expect(node.said[0]).toContain(`HOLDFAST_${name}`);
  }
});

it('refuses a directory that is in use, and one that belongs to somebody else', async () => {
  const owner = start(settings(0));
  await until('the owner serves', PATIENCE_MS, () => owner.said.includes('serving'));

  const second = start(settings(0, { HOLDFAST_HTTP_PORT: String(ports.nodes[1]?.http) }));
  expect(await second.ended).toBe(1);
  expect(second.said.at(-1)).toContain('could not start: ELOCKED');

  owner.stop();
  expect(await owner.ended).toBe(0);

  const other = start(settings(1));
  expect(await other.ended).toBe(1);
  expect(other.said.at(-1)).toMatch(/could not start: .* belongs to node 1/);
  const foreign = start(settings(0, { HOLDFAST_CLUSTER_ID: 'b'.repeat(32) }));
  expect(await foreign.ended).toBe(1);
  expect(foreign.said.at(-1)).toMatch(/could not start: .* belongs to cluster a+/);
});

it('speaks TLS and asks for a token when its settings say so, and a gateway that has both gets through', async () => {
  const authority = new TestAuthority();
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  const secretsOf = (owner: string): Record<string, string> => {
    const { cert, key, ca } = authority.issue(owner);
    return {
      HOLDFAST_TLS_CERT_FILE: write(`${owner}.crt`, cert),
      HOLDFAST_TLS_KEY_FILE: write(`${owner}.key`, key),
      HOLDFAST_TLS_CA_FILE: write('ca.crt', ca),
      HOLDFAST_NODE_TOKEN_FILE: write('token', 'a-token-of-this-test\n'),
    };
  };
  const { HOLDFAST_TLS_KEY_FILE, ...half } = secretsOf('node');
  const refused = start(settings(0, { ...half, HOLDFAST_DATA_DIRECTORY: join(directory, 'secure') }));
  expect(await refused.ended).toBe(1);
  expect(refused.said[0]).toContain('HOLDFAST_TLS_KEY: is missing');

  const secure = { ...half, HOLDFAST_TLS_KEY_FILE: HOLDFAST_TLS_KEY_FILE! };
  const node = start(settings(0, { ...secure, HOLDFAST_DATA_DIRECTORY: join(directory, 'secure') }));
  await until('the node serves', PATIENCE_MS, () => node.said.includes('serving'));
  const seeds = `127.0.0.1:${ports.nodes[0]?.tcp}`;
  const edge = { HOLDFAST_SEEDS: seeds, HOLDFAST_HTTP_PORT: String(ports.gateway), HOLDFAST_AUTH: 'off' };
  const { HOLDFAST_NODE_TOKEN_FILE: _token, ...tokenless } = secretsOf('gateway');
  for (const [secrets, gotThrough] of [
    [{}, false],
    [tokenless, false],
    [secretsOf('gateway'), true],
  ] as const) {
    const gateway = start({ ...edge, ...secrets }, 'gateway');
    await until('the gateway listens', PATIENCE_MS, () => gateway.said.includes('serving'));
    const url = `http://127.0.0.1:${ports.gateway}/v1/keyspaces/default/keys/k`;
    // Who has nobody to speak to says so at the deadline; who has gets the time of a first handshake.
    const headers = { 'holdfast-deadline-ms': gotThrough ? '20000' : '1000' };
    const answer = await fetch(url, { method: 'PUT', headers, body: 'v' });
    // The caller did nothing wrong: that the gateway lacks a secret is no 401.
    expect(answer.status).toBe(gotThrough ? 200 : 503);
    gateway.stop();
    expect(await gateway.ended).toBe(0);
  }
  const metrics = await (await fetch(`http://127.0.0.1:${ports.nodes[0]?.http}/metrics`)).text();
  expect(metrics).toMatch(/connections_refused_total\{reason="tls"\} [1-9]/);
  expect(metrics).toMatch(/connections_refused_total\{reason="HF_UNAUTHENTICATED"\} [1-9]/);
  node.stop();
  expect(await node.ended).toBe(0);
});

it('says which address is taken', async () => {
  const owner = start(settings(0));
  await until('the owner serves', PATIENCE_MS, () => owner.said.includes('serving'));
  const late = start(settings(0, { HOLDFAST_DATA_DIRECTORY: join(directory, 'other') }));
  expect(await late.ended).toBe(1);
  expect(late.said.at(-1)).toContain('EADDRINUSE');
  owner.stop();
  expect(await owner.ended).toBe(0);
});
