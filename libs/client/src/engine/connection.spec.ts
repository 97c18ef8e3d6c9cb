import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { put } from '../../testing/ops.ts';

describe('the range map', () => {
  it('is asked for again when a node says that it is old', async () => {
    const cluster = await FakeCluster.start(3, ['m']);
    const client = await cluster.readyClient();
    cluster.ranges = [{ ...cluster.ranges[0], end: new Uint8Array(0), leader: 3, id: 99 }];
    cluster.generation++;
    await cluster.clock.settle(Promise.all(['a', 'b', 'x', 'y'].map((key) => client.execute(put(key)))));
    expect(cluster.node(3).ops).toBe(4);
    await client.close();
  });

  it('is asked for once for an unknown keyspace', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const asked = cluster.node(1).maps;
    const error = await cluster.clock.failure(client.execute(put('a', { keyspace: 'orders' })));
    expect(error).toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND', outcome: 'not_applied' });
    expect(cluster.node(1).maps).toBe(asked + 1);
    cluster.keyspaces = [
      ...cluster.keyspaces,
      {
        keyspaceId: 8 as never,
        name: 'orders',
        replication: 'raft',
        factor: 0,
        defaultTtlMs: 0,
        keyBytesMax: 0,
        valueBytesMax: 0,
      },
    ];
    cluster.generation++;
    await cluster.clock.settle(client.execute(put('a', { keyspace: 'orders' })));
    await client.close();
  });

  it('is asked for by one question at a time', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const asked = cluster.node(1).maps;
    const misses = Array.from({ length: 100 }, (_, i) => client.execute(put('a', { keyspace: `none${i}` })));
    await cluster.clock.settle(Promise.allSettled(misses));
    expect(cluster.node(1).maps).toBe(asked + 1 + 1);
    await client.close();
  });
});

describe('the handshake', () => {
  it('refused for good fails at once', async () => {
    const cluster = await FakeCluster.start(1);
    const node = cluster.node(1);
    const accept = node.handshake;
    node.handshake = (hello) => ({ ...accept(hello), refusal: 'HF_UNAUTHENTICATED', version: 0 });
    const client = cluster.client({ token: 'wrong' });
    const write = client.execute(put('a'));
    write.catch(() => undefined);
    expect(await cluster.clock.failure(client.ready())).toMatchObject({ code: 'HF_UNAUTHENTICATED' });
    expect(await cluster.clock.failure(write)).toMatchObject({
      code: 'HF_UNAUTHENTICATED',
      outcome: 'not_applied',
    });
    await client.close();
  });

  it('with another cluster is refused by the client', async () => {
    const cluster = await FakeCluster.start(1);
    const client = cluster.client({ clusterId: '0'.repeat(32) });
    expect(await cluster.clock.failure(client.ready())).toMatchObject({ code: 'HF_WRONG_CLUSTER' });
    await client.close();
  });

  it('goes to the next seed when one is dead', async () => {
    const cluster = await FakeCluster.start(2);
    cluster.kill(1);
    cluster.lead(0, 2);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(put('a')));
    await client.close();
  });

  it('with nobody ends at the deadline', async () => {
    const cluster = await FakeCluster.start(2);
    cluster.kill(1);
    cluster.network.silence(cluster.node(2).address);
    const client = cluster.client();
    expect(await cluster.clock.failure(client.ready(2000))).toMatchObject({ code: 'HF_UNAVAILABLE' });
    await client.close();
  });
});

describe('closing', () => {
  it('fails everything under way with an honest outcome', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    cluster.node(1).script = () => true;
    const sent = client.execute(put('a'));
    await cluster.clock.run(5);
    const queued = client.execute(put('b'));
    await client.close();
    const late = client.execute(put('c'));
    for (const promise of [sent, queued, late]) promise.catch(() => undefined);
    expect(await cluster.clock.failure(sent)).toMatchObject({ code: 'HF_CANCELLED', outcome: 'unknown' });
    expect(await cluster.clock.failure(queued)).toMatchObject({
      code: 'HF_CANCELLED',
      outcome: 'not_applied',
    });
    expect(await cluster.clock.failure(late)).toMatchObject({ code: 'HF_CANCELLED', outcome: 'not_applied' });
    expect(client.pendingOps).toBe(0);
  });
});
