import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { lastWordsOf } from '../../scripts/cluster/child.ts';
import { until } from '../../scripts/cluster/deadline.ts';
import { freeClusterPorts } from '../../scripts/cluster/free-ports.ts';
import { portsOf, processesOf } from '../../scripts/cluster/layout.ts';
import { busiestLeader, missingTooMuch } from '../../scripts/cluster/local-cluster.ts';
import { readable } from '../../scripts/cluster/log-printer.ts';
import { keepNodeIds, nodeIdsOf, withReplaced } from '../../scripts/cluster/node-ids.ts';
import { isTaken, ownerOf } from '../../scripts/cluster/port-owner.ts';
import { median, percentile } from '../../scripts/cluster/statistics.ts';

describe('portsOf', () => {
  it('moves all ports with the base, and one by its own name', () => {
    expect(portsOf({})).toEqual({
      gateway: 7700,
      admin: 7800,
      nodes: [
        { id: 1, tcp: 7711, http: 7721 },
        { id: 2, tcp: 7712, http: 7722 },
        { id: 3, tcp: 7713, http: 7723 },
      ],
    });
    const moved = portsOf({ HOLDFAST_PORT_BASE: '9000', HOLDFAST_NODE_2_HTTP_PORT: '1234' });
    expect([moved.gateway, moved.admin, moved.nodes[1]]).toEqual([
      9000,
      9100,
      { id: 2, tcp: 9012, http: 1234 },
    ]);
  });

  it('refuses what is no port', () => {
    for (const bad of ['0', 'x', '70000', '1.5'])
      expect(() => portsOf({ HOLDFAST_ADMIN_PORT: bad })).toThrow('port');
    expect(() => portsOf({ HOLDFAST_PORT_BASE: '65500' })).toThrow('port');
  });
});

it('tells every process where the others are', () => {
  const processes = processesOf({
    root: '/project',
    dataDirectory: '/data',
    clusterId: 'c'.repeat(32),
    rootKey: 'the-root-key',
    ports: portsOf({}),
    logLevel: 'info',
  });
  expect(processes.map(({ name, url }) => `${name} ${url}`)).toEqual([
    'node-1 http://127.0.0.1:7721',
    'node-2 http://127.0.0.1:7722',
    'node-3 http://127.0.0.1:7723',
    'gateway http://127.0.0.1:7700',
    'admin http://127.0.0.1:7800',
  ]);
  expect(processes[3]?.settings).toMatchObject({ HOLDFAST_ROOT_KEY: 'the-root-key' });
  expect(processes[1]?.settings).not.toHaveProperty('HOLDFAST_ROOT_KEY');
  expect(processes[1]?.settings).toMatchObject({
    HOLDFAST_NODE_ID: '2',
    HOLDFAST_DATA_DIRECTORY: '/data/node-2',
    HOLDFAST_MEMBERS: '1=127.0.0.1:7711,2=127.0.0.1:7712,3=127.0.0.1:7713',
  });
});

describe('the nodes of a cluster', () => {
  it('are its founders until one is replaced, and no id comes back', () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-nodes-'));
    expect(nodeIdsOf(directory)).toEqual([1, 2, 3]);
    keepNodeIds(directory, withReplaced([1, 2, 3], 3));
    expect(nodeIdsOf(directory)).toEqual([1, 2, 4]);
    expect(withReplaced([1, 2, 4], 4)).toEqual([1, 2, 5]);
    expect(withReplaced([1, 2, 4], 1)).toEqual([5, 2, 4]);
    expect(() => withReplaced([1, 2, 4], 3)).toThrow('there is no node 3');
    expect(() => withReplaced([1, 2, 9], 1)).toThrow('up to 9');
    for (const bad of ['[1,2]', '[1,2,2]', '[0,1,2]', '{}']) {
      writeFileSync(join(directory, 'nodes.json'), bad);
      expect(() => nodeIdsOf(directory)).toThrow('does not hold the ids');
    }
    rmSync(directory, { recursive: true });
  });

  it('join when they are new', () => {
    const ports = portsOf({}, [1, 2, 4]);
    expect(ports.nodes[2]).toEqual({ id: 4, tcp: 7714, http: 7724 });
    const layout = { root: '/', dataDirectory: '/data', clusterId: '', rootKey: '', logLevel: 'info' };
    const nodes = processesOf({ ...layout, ports }).slice(0, 3);
    expect(nodes.map(({ settings }) => settings['HOLDFAST_JOIN'])).toEqual(['false', 'false', 'true']);
  });
});

it('knows what a cluster can be started without', () => {
  const without = (...names: readonly string[]) =>
    missingTooMuch(
      names.map((name) => ({ name, reason: `${name} ended` })),
      3,
    );
  expect(without()).toBeUndefined();
  expect(without('node-2', 'admin')).toBeUndefined();
  expect(without('gateway')).toBe('gateway ended');
  expect(without('node-1', 'node-3')).toMatch(
    /^2 of 3 data nodes are missing.*\n {2}node-1 ended\n {2}node-3 ended$/,
  );
});

it('keeps why a process says that it ends', () => {
  const fatal = { level: 'fatal', msg: 'no: disk', err: { code: 'HF_NODE_DISK_LOST' } };
  expect(lastWordsOf(JSON.stringify(fatal))).toEqual({ message: 'no: disk', code: 'HF_NODE_DISK_LOST' });
  expect(lastWordsOf('{"level":"info","msg":"x"}')).toBeUndefined();
  expect(lastWordsOf('not "level":"fatal"')).toBeUndefined();
});

it('finds the node that leads most ranges with data', () => {
  const view = (...leaders: readonly number[]) => ({
    nodes: [],
    ranges: leaders.map((leader, i) => ({ id: i + 1, leader, term: 1 })),
  });
  expect(busiestLeader(view(1, 2, 3, 3))).toBe(3);
  expect(busiestLeader(view(1, 2, 3))).toBe(2);
  expect(busiestLeader(view(1, 0, 0))).toBeUndefined();
});

describe('readable', () => {
  const shown = (line: string): string => stripVTControlCharacters(readable(line));

  it('prints a log line for people, and anything else as it is', () => {
    const line = '{"level":"warn","time":"2026-01-02T03:04:05.678Z","app":"x","range":2,"msg":"lost"}';
    expect(shown(line)).toBe('03:04:05.678 warn  lost range=2');
    expect(shown('{not JSON')).toBe('{not JSON');
    expect(shown('plain')).toBe('plain');
  });

  it('shows the stack of an error', () => {
    expect(shown('{"level":"fatal","time":"","msg":"no","err":{"stack":"Error: no\\n  at x"}}')).toContain(
      'at x',
    );
  });
});

describe('ports', () => {
  it('of a cluster are free, different, and none that a connection may get', async () => {
    const { gateway, admin, nodes } = await freeClusterPorts();
    const all = [gateway, admin, ...nodes.flatMap(({ tcp, http }) => [tcp, http])];
    expect(new Set(all).size).toBe(8);
    for (const port of all) {
      expect(port).toBeGreaterThanOrEqual(12_000);
      expect(port).toBeLessThan(32_000);
    }
  });

  it('are taken by somebody with a pid', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    expect(await isTaken('127.0.0.1', port)).toBe(true);
    if (process.platform === 'linux') expect(ownerOf(port)).toMatch(new RegExp(`^pid ${process.pid} \\(`));
    await new Promise((resolve) => server.close(resolve));
    expect(await isTaken('127.0.0.1', port)).toBe(false);
    expect(ownerOf(port)).toBeUndefined();
  });
});

it('waits with a deadline, and says what it waited for', async () => {
  let asked = 0;
  expect(await until('three', 1000, () => ++asked === 3 && 'yes')).toBe('yes');
  const never = until('rain', 30, () => {
    throw new Error('sunshine');
  });
  await expect(never).rejects.toThrow('not within 30 ms: rain; last: sunshine');
});

it('knows medians and percentiles', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, 0]);
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).toEqual([
    50, 99, 100,
  ]);
});
