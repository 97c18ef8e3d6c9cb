import { HoldfastError } from '@holdfast/wire';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { get } from '../../testing/ops.ts';
import { BatchError } from './batch-error.ts';
import { text } from './codec.ts';
import type { Item, SwapResult, Written } from './keyspace.ts';

describe('Batch', () => {
  it('sends one frame per leader and gives typed results in order', async () => {
    const cluster = await FakeCluster.start(3, ['g', 'p']);
    const client = await cluster.readyClient();
    await cluster.clock.settle(client.execute(get('a')));
    const users = client.keyspace<{ name: string }>('users');
    const notes = users.with(text);
    const before = [...cluster.nodes.values()].map((node) => node.requests);
    const batch = client
      .batch()
      .set(users, 'a', { name: 'Ada' })
      .set(notes, 'h', 'text')
      .delete(users, 'q')
      .compareAndSet(users, 'b', { name: 'Bob' }, { ifAbsent: true })
      .compareAndSet(users, 'c', { name: 'Cyd' }, { ifRevision: 5 })
      .get(users, 'z');
    expect(batch.length).toBe(6);
    const results = await cluster.clock.settle(batch.send());
    expectTypeOf(results).toEqualTypeOf<
      [Written, Written, Written, SwapResult, SwapResult, Item<{ name: string }> | undefined]
    >();
    expect(results[0].revision).toBeGreaterThan(0);
    expect(results[2].existed).toBe(false);
    expect(results[3].swapped).toBe(true);
    expect(results[4]).toEqual({ swapped: false, revision: 0 });
    expect(results[5]).toBeUndefined();
    expect([...cluster.nodes.values()].map((node, i) => node.requests - before[i])).toEqual([1, 1, 1]);
    await client.close();
  });

  it('tells what became of each operation when a codec refuses one of the values', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const notes = client.keyspace('users', text);
    const numbers = client.keyspace<number>('users');
    await cluster.clock.settle(notes.set('text', 'no JSON'));
    const failed = await cluster.clock.failure(
      client.batch().set(numbers, 'a', 1).get(numbers, 'text').get(numbers, 'b').send(),
    );
    expect(failed).toMatchObject({ code: 'HF_BAD_REQUEST', outcome: 'unknown' });
    const { results } = failed as BatchError;
    expect(results[0]).toMatchObject({ replayed: false });
    expect(results[1]).toMatchObject({ detail: 'the value is not JSON' });
    expect(results[2]).toBeUndefined();
    await client.close();
  });

  it('tells what became of each operation when some fail', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const users = client.keyspace<number>('users');
    const nobody = client.keyspace<number>('nobody');
    const failed = await cluster.clock.failure(
      client.batch().set(users, 'a', 1).get(nobody, 'a').get(users, 'a').send(),
    );
    expect(failed).toBeInstanceOf(BatchError);
    expect(failed).toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND', outcome: 'unknown' });
    const { results } = failed as BatchError;
    expect(results[0]).toMatchObject({ replayed: false });
    expect(results[1]).toBeInstanceOf(HoldfastError);
    const reads = await cluster.clock.failure(client.batch().get(users, 'a').get(nobody, 'a').send());
    expect(reads).toMatchObject({ outcome: 'not_applied' });
    await client.close();
  });

  it('keeps the deadline and the signal of send, and is sent once', async () => {
    const cluster = await FakeCluster.start(1);
    const client = await cluster.readyClient();
    const users = client.keyspace<number>('users');
    cluster.node(1).script = () => true;
    const late = client.batch().set(users, 'a', 1).get(users, 'b');
    expect(await cluster.clock.failure(late.send({ deadlineMs: 50 }), 100)).toMatchObject({
      code: 'HF_TIMEOUT',
      outcome: 'unknown',
    });
    await expect(late.send()).rejects.toThrow('a batch is sent once');
    const controller = new AbortController();
    const sent = cluster.clock.failure(client.batch().get(users, 'a').send({ signal: controller.signal }));
    await cluster.clock.run(10);
    controller.abort();
    expect(await sent).toMatchObject({ code: 'HF_CANCELLED', outcome: 'not_applied' });
    expect(await cluster.clock.settle(client.batch().send())).toEqual([]);
    await client.close();
  });
});
