import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Listener } from '@holdfast/io';
import { TcpNetwork } from '@holdfast/io-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { connect } from './connect.ts';

describe('connect', () => {
  let cluster: FakeCluster;
  let network: TcpNetwork;
  let listeners: Listener[];

  beforeEach(async () => {
    cluster = new FakeCluster(3, ['g', 'p']);
    network = new TcpNetwork();
    listeners = [];
    for (const node of cluster.nodes.values()) {
      const listener = await network.listen('127.0.0.1:0', (connection) => node.serve(connection));
      node.address = listener.address;
      listeners.push(listener);
    }
  });

  afterEach(async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    network.destroyAll();
  });

  it('works over TCP', async () => {
    await using db = await connect(`holdfast://${cluster.node(1).address},${cluster.node(2).address}`);
    const users = db.keyspace<string>('users');
    await users.setMany(['a', 'h', 'q'].map((key) => [key, `value of ${key}`] as const));
    expect((await users.get('h'))?.value).toBe('value of h');
    const keys: (string | undefined)[] = [];
    for await (const row of users.scan()) keys.push(row.key);
    expect(keys).toEqual(['a', 'h', 'q']);
  });

  it('carries large values in both directions', async () => {
    await using db = await connect(`holdfast://${cluster.node(3).address}`);
    const users = db.keyspace<string>('users');
    const large = 'x'.repeat(1024 * 1024 - 2);
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await users.setMany(keys.map((key) => [key, large] as const));
    const items = await users.getMany(keys);
    expect(items.every((item) => item?.value === large)).toBe(true);
  });

  it('works over HTTP, and names every write there when it promises exactly once', async () => {
    const names: unknown[] = [];
    const gateway = createServer((request, response) => {
      if (request.method === 'PUT') names.push(request.headers['idempotency-key']);
      response.setHeader('holdfast-revision', '7').end('{"revision":7}');
    }).listen(0, '127.0.0.1');
    await once(gateway, 'listening');
    const target = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    {
      await using plain = await connect(target);
      expect((await plain.keyspace<number>('users').set('a', 1)).revision).toBe(7);
      await using careful = await connect(target, { exactlyOnce: true });
      const users = careful.keyspace<number>('users');
      await Promise.all([users.set('a', 1), users.set('a', 1)]);
    }
    gateway.close();
    expect(names[0]).toBeUndefined();
    expect(names.slice(1)).toEqual([
      expect.stringMatching(/^client-.+-\d$/),
      expect.stringMatching(/^client-.+-\d$/),
    ]);
    expect(new Set(names).size).toBe(3);
  });

  it('says which seed failed when none answers', async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    const failed = connect(`holdfast://${cluster.node(1).address}`, { deadlineMs: 200 });
    await expect(failed).rejects.toMatchObject({ code: 'HF_UNAVAILABLE' });
    await expect(connect('http://127.0.0.1:1', { deadlineMs: 100 })).rejects.toMatchObject({
      code: 'HF_UNAVAILABLE',
    });
    await expect(connect('http://user@host:1/path')).rejects.toMatchObject({ code: 'HF_BAD_REQUEST' });
    await expect(connect('redis://127.0.0.1:1')).rejects.toMatchObject({ code: 'HF_BAD_REQUEST' });
  });
});
