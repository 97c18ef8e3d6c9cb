import { setTimeout as delay } from 'node:timers/promises';
import { type Client, HoldfastError } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';

let cluster: LocalCluster;
let db: Client;

beforeAll(async () => {
  cluster = await LocalCluster.start();
  db = await connect(cluster.target);
});
afterAll(async () => {
  await db.close();
  await cluster.stop();
});

describe('a client of three real nodes', () => {
  it('reads what it wrote, in every range', async () => {
    const numbers = db.keyspace<number>('default');
    const keys = ['a', 'd', 'm', 'z'].map((key) => `${key}-basic`);
    const written = await numbers.setMany(keys.map((key, i) => [key, i] as const));
    expect(written.every(({ revision }) => revision > 0)).toBe(true);
    const items = await numbers.getMany(keys);
    expect(items.map((item) => item?.value)).toEqual([0, 1, 2, 3]);
    expect(items.map((item) => item?.servedLevel)).toEqual(Array(4).fill('strong'));
    await numbers.delete('d-basic');
    expect(await numbers.get('d-basic')).toBeUndefined();
  });

  it('compares and sets', async () => {
    const numbers = db.keyspace<number>('default');
    const first = await numbers.compareAndSet('cas', 1, { ifAbsent: true });
    expect(first.swapped).toBe(true);
    expect(await numbers.compareAndSet('cas', 2, { ifAbsent: true })).toEqual({
      swapped: false,
      revision: first.revision,
    });
    const second = await numbers.compareAndSet('cas', 2, { ifRevision: first.revision });
    expect(second.swapped).toBe(true);
    await expect(numbers.delete('cas', { ifRevision: first.revision })).rejects.toMatchObject({
      code: 'HF_PRECONDITION_FAILED',
      outcome: 'not_applied',
      revision: second.revision,
    });
  });

  it('counts, without losing any of many at once', async () => {
    const numbers = db.keyspace<number>('default');
    const counts = await Promise.all(Array.from({ length: 100 }, () => numbers.increment('counter')));
    expect(counts.map(({ value }) => value).sort((a, b) => a - b)).toEqual(counts.map((_, i) => i + 1));
    expect((await numbers.increment('counter', -40)).value).toBe(60);
    expect((await numbers.get('counter'))?.value).toBe(60);
    await db.keyspace<string>('default').set('no-counter', 'text');
    await expect(numbers.increment('no-counter')).rejects.toMatchObject({
      code: 'HF_VALUE_NOT_INTEGER',
      outcome: 'not_applied',
    });
    await expect(numbers.increment('counter', 0.5)).rejects.toMatchObject({ code: 'HF_BAD_REQUEST' });
    const [counted, read] = await db.batch().increment(numbers, 'counter', 2).get(numbers, 'counter').send();
    expect(counted.value).toBe(62);
    expect(read?.revision).toBeLessThanOrEqual(counted.revision);
  });

  it('scans across ranges, forwards and backwards, in pages', async () => {
    const numbers = db.keyspace<number>('default');
    const keys = Array.from({ length: 26 }, (_, i) => `${String.fromCharCode(97 + i)}/scan`);
    await numbers.setMany(keys.map((key, i) => [key, i] as const));
    const rows = async (options: Parameters<typeof numbers.scan>[0]): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of numbers.scan(options)) if (key?.endsWith('/scan') === true) found.push(key);
      return found;
    };
    expect(await rows({ pageSize: 3 })).toEqual(keys);
    expect(await rows({ pageSize: 4, reverse: true })).toEqual(keys.toReversed());
    expect(await rows({ start: 'w/', end: 'y', limit: 2 })).toEqual(['w/scan', 'x/scan']);
  });

  it('reads its own write at a weak level with a revision floor', async () => {
    const numbers = db.keyspace<number>('default');
    for (let i = 0; i < 50; i++) {
      const { revision } = await numbers.set('floor', i);
      const item = await numbers.get('floor', { consistency: 'eventual', minRevision: revision });
      expect(item?.value).toBe(i);
    }
  });

  it('sends an explicit batch to several leaders at once', async () => {
    const numbers = db.keyspace<number>('default');
    const [a, m, nothing] = await db
      .batch()
      .set(numbers, 'a-batch', 1)
      .compareAndSet(numbers, 'm-batch', 2, { ifAbsent: true })
      .get(numbers, 'z-batch')
      .send();
    expect(a.revision).toBeGreaterThan(0);
    expect(m.swapped).toBe(true);
    expect(nothing).toBeUndefined();
  });

  it('tells nodes the deadline, so that they drop what nobody waits for', async () => {
    const [one] = cluster.nodes;
    const numbers = db.keyspace<number>('default');
    const calls = Promise.allSettled(
      Array.from({ length: 200 }, (_, i) => numbers.set(`late-${i}`, i, { deadlineMs: 1 + (i % 5) })),
    );
    for (const settled of await calls) {
      if (settled.status === 'rejected') expect(settled.reason).toBeInstanceOf(HoldfastError);
    }
    // Two ticks of the node, after which it has given up what it had not answered.
    while (one.status().requestsInFlight > 0) await delay(10);
    expect(one.status().requestsInFlight).toBe(0);
  });

  it('gives up what its caller gives up, and goes on', async () => {
    const numbers = db.keyspace<number>('default');
    const controller = new AbortController();
    const call = numbers.set('aborted', 1, { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'HF_CANCELLED' });
    await numbers.set('aborted', 2);
    expect((await numbers.get('aborted'))?.value).toBe(2);
    expect(db.pendingOps).toBe(0);
  });

  it('ends with its block', async () => {
    let escaped: Client | undefined;
    {
      await using own = await connect(cluster.target);
      escaped = own;
      await own.keyspace<number>('default').set('block', 1);
    }
    await expect(escaped.keyspace('default').get('block')).rejects.toMatchObject({ code: 'HF_CANCELLED' });
  });
});
