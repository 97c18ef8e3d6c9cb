import { pureKernels, utf8 } from '@holdfast/io';
import { Consistency, DataResponseBuilder, HoldfastError, PROTOCOL_VERSION_MAX } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { get, put } from '../../testing/ops.ts';
import type { FakeRequest } from '../../testing/fake-node.ts';
import { HEDGE_BUDGET, HEDGE_DELAY_MS } from '../limits.ts';

const weak = (key: string) => get(key, { consistency: Consistency.eventual });

/** Swallows requests of this node's clients. */
const silent = (): boolean => true;

describe('a weak read', () => {
  it('that takes long is asked of a second replica, and the first answer counts', async () => {
    const cluster = await FakeCluster.start(3);
    const hedged: number[] = [];
    const client = await cluster.readyClient({ observer: { hedged: (slow) => hedged.push(slow) } });
    await cluster.clock.settle(client.execute(put('a')));
    const swallowed: FakeRequest[] = [];
    for (const node of cluster.nodes.values()) {
      node.script = (request) => swallowed.length === 0 && swallowed.push(request) > 0;
    }
    const started = cluster.clock.monotonicMs();
    const result = await cluster.clock.settle(client.execute(weak('a')));
    expect(result.found).toBe(true);
    const tookMs = cluster.clock.monotonicMs() - started;
    expect(tookMs).toBeGreaterThanOrEqual(HEDGE_DELAY_MS.initial);
    expect(tookMs).toBeLessThan(HEDGE_DELAY_MS.initial + 5);
    expect(hedged).toEqual([swallowed[0].node.nodeId]);
    expect(client.pendingOps).toBe(0);
    await client.close();
  });

  it('waits as long as 95 of 100 did, not longer', async () => {
    const cluster = await FakeCluster.start(3);
    cluster.network.latencyMs = 2;
    const client = await cluster.readyClient();
    for (let i = 0; i < 64; i++) await cluster.clock.settle(client.execute(weak('a')));
    cluster.node(1).script = silent;
    const started = cluster.clock.monotonicMs();
    const reads = await cluster.clock.settle(
      Promise.all([client.execute(weak('a')), client.execute(weak('b'))]),
      100,
    );
    expect(reads).toHaveLength(2);
    // Two ways of 2 ms, the quantile of 4 ms rounded up, and two ways more.
    expect(cluster.clock.monotonicMs() - started).toBeLessThan(12);
    await client.close();
  });

  it('fails only when both tries have failed, with the honest error', async () => {
    const cluster = await FakeCluster.start(2);
    const client = await cluster.readyClient();
    const refuse = ({ requestId, send }: FakeRequest): boolean => {
      const out = new DataResponseBuilder();
      out.refused(0, 'HF_CORRUPTION', { detail: 'a test' });
      cluster.clock.schedule(50, () =>
        send(out.toFrame(pureKernels, requestId, PROTOCOL_VERSION_MAX, 0, false)),
      );
      return true;
    };
    for (const node of cluster.nodes.values()) node.script = refuse;
    const error = await cluster.clock.failure(client.execute({ ...weak('a'), deadlineMs: 300 }));
    expect(error).toBeInstanceOf(HoldfastError);
    expect((error as HoldfastError).outcome).toBe('not_applied');
    expect(client.pendingOps).toBe(0);
    await client.close();
  });

  it('is given up in both places by its signal', async () => {
    const cluster = await FakeCluster.start(3);
    const client = await cluster.readyClient();
    for (const node of cluster.nodes.values()) node.script = silent;
    const controller = new AbortController();
    const read = client.execute(weak('a'), controller.signal);
    const failed = cluster.clock.failure(read);
    await cluster.clock.run(HEDGE_DELAY_MS.initial + 5);
    expect(client.pendingOps).toBe(2);
    controller.abort();
    expect(await failed).toMatchObject({ code: 'HF_CANCELLED', outcome: 'not_applied' });
    expect(client.pendingOps).toBe(0);
    await client.close();
  });

  it('keeps to the budget when the whole cluster is slow', async () => {
    const cluster = await FakeCluster.start(3);
    let hedges = 0;
    const client = await cluster.readyClient({ observer: { hedged: () => hedges++ } });
    for (const node of cluster.nodes.values()) node.script = silent;
    const reads = Array.from({ length: 1000 }, (_, i) =>
      client.execute({ ...weak(`k${i}`), deadlineMs: 400 }),
    );
    await cluster.clock.settle(Promise.allSettled(reads));
    expect(hedges).toBe(HEDGE_BUDGET.capacity);
    await client.close();
  });

  it('is never hedged when that is switched off, and strong reads and writes never are', async () => {
    const cluster = await FakeCluster.start(3);
    const observer = { hedged: () => expect.unreachable() };
    const off = await cluster.readyClient({ hedging: false, observer });
    const on = await cluster.readyClient({ observer });
    for (const node of cluster.nodes.values()) node.script = silent;
    const calls = [
      off.execute({ ...weak('a'), deadlineMs: 300 }),
      on.execute({ ...get('a'), deadlineMs: 300 }),
      on.execute({ ...put('a'), deadlineMs: 300, value: utf8('v') }),
    ];
    for (const outcome of await cluster.clock.settle(Promise.allSettled(calls))) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'HF_TIMEOUT' } });
    }
    await Promise.all([on.close(), off.close()]);
  });
});
