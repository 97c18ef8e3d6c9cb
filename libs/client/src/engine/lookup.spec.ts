import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';

/** As much of an `AbortController` as the client looks at. */
class Abort {
  aborted = false;
  reason: unknown = undefined;
  #listener: (() => void) | undefined;
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }
  removeEventListener(): void {
    this.#listener = undefined;
  }
  get listens(): boolean {
    return this.#listener !== undefined;
  }
  abort(): void {
    this.aborted = true;
    this.#listener?.();
  }
}

describe('a lookup by idempotency key', () => {
  it('ends at its deadline when no node can be reached, and leaves nothing under way', async () => {
    // Nobody listens.
    const cluster = new FakeCluster(3);
    const client = cluster.client();
    const startMs = cluster.clock.monotonicMs();
    const error = await cluster.clock.failure(client.operation('order-7', { deadlineMs: 300 }));
    expect(error).toMatchObject({ code: 'HF_DEADLINE_EXCEEDED', outcome: 'not_applied' });
    expect(cluster.clock.monotonicMs() - startMs).toBeCloseTo(300, 0);
    expect(client.pendingOps).toBe(0);
    await client.close();
  });

  it('has one deadline for all ranges, of which one says nothing', async () => {
    const cluster = await FakeCluster.start(3, ['g', 'p']);
    const client = await cluster.readyClient();
    cluster.node(2).script = () => true;
    const startMs = cluster.clock.monotonicMs();
    const error = await cluster.clock.failure(client.operation('order-7', { deadlineMs: 300 }));
    expect(error).toMatchObject({ outcome: 'not_applied' });
    expect(cluster.clock.monotonicMs() - startMs).toBeLessThan(310);
    expect(client.pendingOps).toBe(0);
    await client.close();
  });

  it('is given up by its signal, and so are its questions', async () => {
    const cluster = await FakeCluster.start(3, ['g', 'p']);
    const client = await cluster.readyClient();
    for (const node of cluster.nodes.values()) node.script = () => true;
    const abort = new Abort();
    const lookup = client.operation('order-7', { signal: abort });
    lookup.catch(() => undefined);
    await cluster.clock.run(10);
    expect(client.pendingOps).toBe(3);
    abort.abort();
    expect(await cluster.clock.failure(lookup)).toMatchObject({ code: 'HF_CANCELLED' });
    expect([client.pendingOps, abort.listens]).toEqual([0, false]);
    await client.close();
  });

  it('ends with its client', async () => {
    const cluster = new FakeCluster(3);
    const client = cluster.client();
    const lookup = cluster.clock.failure(client.operation('order-7'));
    await client.close();
    expect(await lookup).toMatchObject({ code: 'HF_CANCELLED' });
  });
});
