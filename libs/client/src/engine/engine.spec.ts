import { EMPTY_BYTES, Prng, pureKernels, utf8 } from '@holdfast/io';
import { Condition, FRAME_BYTES_MAX, HoldfastError, refuseHello } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { get, put } from '../../testing/ops.ts';
import { SPOKEN_VERSIONS } from '../link/hello.ts';
import { Engine } from './engine.ts';

const engineOf = ({ network, clock, nodes }: FakeCluster): Engine =>
  new Engine({
    network,
    clock,
    random: new Prng(1),
    kernels: pureKernels,
    observer: {},
    seeds: [...nodes.values()].map(({ address }) => address),
    clusterId: EMPTY_BYTES,
    token: '',
    agent: 'test',
    versions: SPOKEN_VERSIONS,
    deadlineMs: 5000,
    forOthers: false,
  });

describe('routing and batching', () => {
  it('writes and reads across ranges and leaders', async () => {
    const cluster = await FakeCluster.start(3, ['g', 'p']);
    const client = await cluster.readyClient();
    for (const key of ['a', 'h', 'q']) {
      const written = await cluster.clock.settle(client.execute(put(key)));
      expect(written.outcome).toBe('applied');
      const read = await cluster.clock.settle(client.execute(get(key)));
      expect(read.found).toBe(true);
      expect(read.revision).toBe(written.revision);
      expect(read.value).toEqual(utf8(`value of ${key}`));
    }
    expect([...cluster.nodes.values()].map((node) => node.ops)).toEqual([2, 2, 2]);
    await client.close();
  });

  it('puts operations of one turn to one leader into one frame', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    const results = Promise.all(Array.from({ length: 100 }, (_, i) => client.execute(put(`k${i}`))));
    await cluster.clock.settle(results);
    expect(cluster.node(1).requests).toBe(1);
    expect(cluster.node(1).ops).toBe(100);
    await client.close();
  });

  it('starts operations before the map is known', async () => {
    const cluster = await FakeCluster.start(3);
    const client = cluster.client();
    const written = await cluster.clock.settle(client.execute(put('early')));
    expect(written.outcome).toBe('applied');
    await client.close();
  });

  it('refuses a deadline that is no number, which no clock would ever reach', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const error = await cluster.clock.failure(client.execute(get('a', { deadlineMs: Number.NaN })));
    expect(error).toMatchObject({ code: 'HF_BAD_REQUEST', outcome: 'not_applied' });
    expect(client.pendingOps).toBe(0);
    await client.close();
  });

  it('keeps nobody who has stopped waiting for the first map', async () => {
    const cluster = new FakeCluster(1);
    const engine = engineOf(cluster);
    const heard: string[] = [];
    const forget = engine.whenReady(() => heard.push('left'));
    engine.whenReady(() => heard.push('stayed'));
    forget();
    await cluster.node(1).start();
    await cluster.clock.run(2000);
    expect(heard).toEqual(['stayed']);
    engine.close();
  });

  it.each([
    [false, 'HF_UNAUTHENTICATED'],
    [true, 'HF_UNAVAILABLE'],
  ])(
    'does not take the refusal of its own token for one of its callers: for others %s',
    async (forOthers, code) => {
      const cluster = await FakeCluster.start(1);
      const client = cluster.client({ forOthers });
      const self = {
        clusterId: cluster.clusterId,
        nodeId: 1 as never,
        versionMin: 1,
        versionMax: 1,
        features: 0,
      };
      cluster.node(1).handshake = () =>
        refuseHello({ ...self, frameBytesMax: FRAME_BYTES_MAX, agent: 'fake' }, 'HF_UNAUTHENTICATED', 'no');
      const startedMs = cluster.clock.monotonicMs();
      expect(await cluster.clock.failure(client.execute(put('a')))).toMatchObject({
        code,
        outcome: 'not_applied',
      });
      expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(100);
      expect(await cluster.clock.failure(client.ready())).toMatchObject({ code: 'HF_UNAUTHENTICATED' });
      await client.close();
    },
  );

  it('refuses a condition that does not hold, with the current revision', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const { revision } = await cluster.clock.settle(client.execute(put('a')));
    const error = await cluster.clock.failure(client.execute(put('a', { condition: Condition.absent })));
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: 'HF_PRECONDITION_FAILED', outcome: 'not_applied', revision });
    await client.close();
  });
});
