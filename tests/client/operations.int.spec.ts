import { setTimeout as delay } from 'node:timers/promises';
import { type Client, type Counted, type HoldfastError, OpKind } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';
import { LocalGateway, WAYS } from './local-gateway.ts';

let cluster: LocalCluster;
let gateway: LocalGateway;

beforeAll(async () => {
  cluster = await LocalCluster.start();
  gateway = await LocalGateway.start(cluster.target);
});
afterAll(async () => {
  await gateway.stop();
  await cluster.stop();
});

describe.each(WAYS)('over %s', (way) => {
  let db: Client;
  let target: string;
  beforeAll(async () => {
    target = way === 'http://' ? gateway.url : cluster.target;
    db = await connect(target);
    await db.keyspace('default').deleteRange({});
  });
  afterAll(() => db.close());

  describe('a transaction', () => {
    it('does all of it at one revision, or what it says otherwise', async () => {
      const accounts = db.keyspace<number>('default');
      const { revision } = await accounts.set('tx-ada', 100);
      const done = await accounts
        .atomic()
        .check('tx-ada', { revision })
        .check('tx-bob', { exists: false })
        .set('tx-ada', 90)
        .set('tx-bob', 10)
        .increment('tx-transfers')
        .get('tx-ada')
        .otherwise((steps) => steps.get('tx-ada'))
        .commit();
      expect(done).toMatchObject({ committed: true, failedCheck: undefined, replayed: false });
      expect(done.results).toMatchObject([
        { existed: true },
        { existed: false },
        { value: 1 },
        { value: 90, revision: done.revision },
      ]);
      const items = await accounts.getMany(['tx-ada', 'tx-bob', 'tx-transfers']);
      expect(items.map((item) => [item?.value, item?.revision])).toEqual([
        [90, done.revision],
        [10, done.revision],
        [1, done.revision],
      ]);
      const refused = await accounts
        .atomic()
        .check('tx-bob', { value: 10 })
        .check('tx-ada', { revision })
        .delete('tx-bob')
        .otherwise((steps) => steps.get('tx-ada'))
        .commit();
      expect(refused).toMatchObject({ committed: false, failedCheck: 1, results: [{ value: 90 }] });
      expect((await accounts.get('tx-bob'))?.value).toBe(10);
    });

    it('is refused before anything happens when its keys are in several ranges, or a step cannot be done', async () => {
      const accounts = db.keyspace<number>('default');
      await expect(accounts.atomic().set('a-span', 1).set('z-span', 2).commit()).rejects.toMatchObject({
        code: 'HF_SPANS_RANGES',
        outcome: 'not_applied',
      });
      expect(await accounts.get('a-span')).toBeUndefined();
      await db.keyspace<string>('default').set('tx-text', 'words');
      const failing = accounts.atomic().set('tx-before', 1).increment('tx-text').commit();
      await expect(failing).rejects.toMatchObject({ code: 'HF_VALUE_NOT_INTEGER', outcome: 'not_applied' });
      expect(await accounts.get('tx-before')).toBeUndefined();
    });
  });

  describe('a write with an idempotency key', () => {
    it('happens once, gives its first answer again, and can be looked up', async () => {
      const counters = db.keyspace<number>('default');
      const options = { idempotencyKey: 'pay-1' };
      const first = await counters.increment('once', 5, options);
      expect(first).toMatchObject({ value: 5, replayed: false });
      await counters.increment('once', 100);
      expect(await counters.increment('once', 5, options)).toEqual({ ...first, replayed: true });
      await expect(counters.increment('once', 6, options)).rejects.toMatchObject({
        code: 'HF_IDEMPOTENCY_MISMATCH',
        outcome: 'not_applied',
      });
      expect((await counters.get('once'))?.value).toBe(105);
      expect(await db.operation('pay-1')).toMatchObject({
        kind: OpKind.increment,
        refusal: undefined,
        revision: first.revision,
        counter: 5,
      });
      expect(await db.operation('never')).toBeUndefined();
    });

    it('is remembered when it was refused, and as a whole when it is a transaction', async () => {
      const counters = db.keyspace<number>('default');
      const refused = { ifRevision: 1, idempotencyKey: 'cas-1' };
      const first = await counters.compareAndSet('once-cas', 1, refused);
      expect(first).toEqual({ swapped: false, revision: 0 });
      expect(await counters.compareAndSet('once-cas', 1, refused)).toEqual(first);
      expect(await db.operation('cas-1')).toMatchObject({ refusal: 'HF_PRECONDITION_FAILED' });
      const commit = () =>
        counters.atomic().increment('once-a').increment('once-b', 2).commit({ idempotencyKey: 'tx-1' });
      const done = await commit();
      expect(await commit()).toEqual({ ...done, replayed: true });
      expect((done.results as Counted[]).map(({ value }) => value)).toEqual([1, 2]);
      expect((await counters.get('once-b'))?.value).toBe(2);
    });

    it('is given a key by a client that promises exactly once', async () => {
      const careful = await connect(target, { exactlyOnce: true });
      const counters = careful.keyspace<number>('default');
      await Promise.all(Array.from({ length: 50 }, () => counters.increment('careful')));
      expect((await counters.get('careful'))?.value).toBe(50);
      await careful.close();
    });
  });

  describe('a value with a time to live', () => {
    it('says when it goes, is hidden at once when it does, and stands in nobody’s way then', async () => {
      const sessions = db.keyspace<string>('default');
      const before = Date.now();
      await sessions.set('ttl', 'here', { ttlMs: 60_000 });
      const item = await sessions.get('ttl');
      expect(item?.value).toBe('here');
      expect(item?.expiresAtMs).toBeGreaterThanOrEqual(before + 60_000);
      const [read] = (await sessions.atomic().get('ttl').commit()).results;
      expect(read).toMatchObject({ value: 'here', revision: item!.revision, expiresAtMs: item!.expiresAtMs });
      const soonest = Date.now() + 100;
      await sessions.set('ttl', 'brief', { ttlMs: 100 });
      while ((await sessions.get('ttl')) !== undefined) await delay(5);
      expect(Date.now()).toBeGreaterThanOrEqual(soonest);
      expect(await sessions.count({ prefix: 'ttl' })).toBe(0);
      expect((await sessions.compareAndSet('ttl', 'again', { ifAbsent: true })).swapped).toBe(true);
      expect((await sessions.get('ttl'))?.expiresAtMs).toBeUndefined();
    });

    it('is removed for good by the leader, on every node', async () => {
      const sessions = db.keyspace<string>('default');
      // What the other way left behind is not counted.
      const prefix = way === 'http://' ? 'swept-http-' : 'swept-node-';
      const keys = Array.from({ length: 1200 }, (_, i) => `${prefix}${i}`);
      await sessions.setMany(
        keys.map((key) => [key, 'x'] as const),
        { ttlMs: 100 },
      );
      await sessions.set(`${prefix}stays`, 'x', { ttlMs: 60_000 });
      await sessions.set(`${prefix}0`, 'renewed');
      const stored = async (node: number): Promise<number> => {
        let count = 0;
        for await (const { key } of cluster.nodes[node].tree.scan()) {
          if (new TextDecoder('latin1').decode(key).includes(prefix)) count++;
        }
        return count;
      };
      // Two keys, and when one of them goes.
      for (const node of [0, 1, 2]) await expect.poll(() => stored(node), { timeout: 10_000 }).toBe(3);
      expect((await sessions.get(`${prefix}0`))?.value).toBe('renewed');
      expect(await sessions.count({ prefix })).toBe(2);
    });

    it('keeps its end when a counter goes on', async () => {
      const counters = db.keyspace<number>('default');
      await counters.set('ttl-count', 1, { ttlMs: 60_000 });
      const { expiresAtMs } = (await counters.get('ttl-count'))!;
      await counters.increment('ttl-count');
      expect(await counters.get('ttl-count')).toMatchObject({ value: 2, expiresAtMs });
    });
  });

  describe('reads of the past', () => {
    it('show a key and an interval as they were', async () => {
      const numbers = db.keyspace<number>('default');
      const keys = ['past-a', 'past-b', 'past-c'];
      const written = await numbers.setMany(keys.map((key) => [key, 1] as const));
      const then = Math.max(...written.map(({ revision }) => revision));
      await numbers.set('past-a', 2);
      await numbers.delete('past-b');
      expect((await numbers.get('past-a', { revision: then }))?.value).toBe(1);
      expect((await numbers.get('past-b', { revision: then }))?.value).toBe(1);
      const values: number[] = [];
      for await (const { value } of numbers.scan({ prefix: 'past-', revision: then })) values.push(value);
      expect(values).toEqual([1, 1, 1]);
      expect(await numbers.count({ prefix: 'past-', revision: then })).toBe(3);
      expect(await numbers.count({ prefix: 'past-' })).toBe(2);
      await expect(numbers.get('past-a', { revision: 1 })).rejects.toMatchObject({ code: 'HF_COMPACTED' });
      const future = Number.MAX_SAFE_INTEGER;
      await expect(numbers.get('past-a', { revision: future })).rejects.toMatchObject({
        code: 'HF_BAD_REQUEST',
      });
    });

    it('are what all pages of a snapshot are, across ranges, whatever is written meanwhile', async () => {
      const numbers = db.keyspace<number>('default');
      const keys = ['b', 'd', 'm', 't'].flatMap((letter) =>
        Array.from({ length: 20 }, (_, i) => `${letter}-snap-${String(i).padStart(2, '0')}`),
      );
      await numbers.setMany(keys.map((key) => [key, 0] as const));
      let round = 0;
      let writing = true;
      const writer = (async () => {
        while (writing) {
          round++;
          // In the order of the scan: a scan that mixes moments sees a later round behind an earlier one.
          for (const letter of ['b', 'd', 'm', 't']) await numbers.set(`${letter}-snap-00`, round);
        }
      })();
      for (let scan = 0; scan < 20; scan++) {
        const rounds: number[] = [];
        for await (const { key, value } of numbers.scan({ snapshot: true, pageSize: 7 })) {
          if (key?.endsWith('-snap-00') === true) rounds.push(value);
        }
        expect(rounds.length).toBe(4);
        expect(rounds).toEqual(rounds.toSorted((a, b) => b - a));
        expect(rounds[0] - rounds[3]).toBeLessThanOrEqual(1);
      }
      writing = false;
      await writer;
    });
  });

  describe('a deletion of a range', () => {
    it('removes an interval across ranges, counts, and obeys its limit', async () => {
      const numbers = db.keyspace<number>('default');
      const keys = ['b', 'e', 'n', 'x'].flatMap((letter) =>
        Array.from({ length: 600 }, (_, i) => `${letter}-gone-${i}`),
      );
      await numbers.setMany(keys.map((key) => [key, 1] as const));
      expect(await numbers.deleteRange({ prefix: 'b-gone-', limit: 100 })).toBe(100);
      expect(await numbers.count({ prefix: 'b-gone-' })).toBe(500);
      const kept = await numbers.count({ end: 'b-gone-' });
      expect(await numbers.deleteRange({ start: 'b-gone-' })).toBeGreaterThanOrEqual(2300);
      expect(await numbers.count()).toBe(kept);
    });
  });

  describe('a write that asks', () => {
    it('is told the truth about what was there', async () => {
      const numbers = db.keyspace<number>('default');
      expect(await numbers.set('asked', 1, { tellExisted: true })).toMatchObject({ existed: false });
      expect(await numbers.set('asked', 2, { tellExisted: true })).toMatchObject({ existed: true });
      expect(await numbers.set('asked', 3)).not.toHaveProperty('existed');
      expect((await numbers.delete('asked')).existed).toBe(true);
      expect((await numbers.delete('asked')).existed).toBe(false);
    });
  });
});

describe('keyspaces', () => {
  let db: Client;
  beforeAll(async () => {
    db = await connect(cluster.target);
  });
  afterAll(() => db.close());

  it('are made, used, changed and deleted, and every client learns of it', async () => {
    const other = await connect(cluster.target);
    const made = await db.keyspaces.create('orders', { defaultTtlMs: 60_000, valueBytesMax: 100 });
    expect(made).toMatchObject({ name: 'orders', state: 'active', replication: 'raft' });
    expect(await db.keyspaces.create('orders', { defaultTtlMs: 60_000, valueBytesMax: 100 })).toEqual(made);
    await expect(db.keyspaces.create('orders')).rejects.toMatchObject({ code: 'HF_KEYSPACE_EXISTS' });
    const orders = other.keyspace<string>('orders');
    await orders.set('1', 'book');
    expect((await orders.get('1'))?.expiresAtMs).toBeGreaterThan(Date.now());
    expect(await other.keyspace<string>('default').get('1')).toBeUndefined();
    await expect(orders.set('2', 'x'.repeat(200))).rejects.toMatchObject({ code: 'HF_VALUE_TOO_LARGE' });
    const changed = await db.keyspaces.update('orders', { valueBytesMax: 0 });
    expect(changed).toMatchObject({ valueBytesMax: 0, defaultTtlMs: 60_000 });
    // A client has the limits of its map, and the node that gives it may hear of the change a little later.
    const codeOfFresh = async (): Promise<string> => {
      await using fresh = await connect(cluster.target);
      const write = fresh.keyspace<string>('orders').set('2', 'x'.repeat(200));
      return await write.then(
        () => 'written',
        (error: HoldfastError) => error.code,
      );
    };
    await expect.poll(codeOfFresh).toBe('written');
    expect((await db.keyspaces.list()).map(({ name }) => name)).toEqual(['default', 'orders']);
    await db.keyspaces.delete('orders');
    expect(await db.keyspaces.describe('orders')).toMatchObject({ state: 'deleting' });
    await expect(db.keyspaces.create('orders')).rejects.toMatchObject({ code: 'HF_KEYSPACE_EXISTS' });
    expect(await db.keyspaces.purge('orders')).toBe(2);
    expect(await db.keyspaces.purge('orders')).toBe(0);
    expect(await db.keyspaces.describe('orders')).toBeUndefined();
    const late = await connect(cluster.target);
    await expect(late.keyspace('orders').get('1')).rejects.toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND' });
    const again = await db.keyspaces.create('orders');
    expect(again.id).toBeGreaterThan(made.id);
    await Promise.all([other.close(), late.close()]);
  });

  it('refuse what cannot be', async () => {
    for (const name of ['', '.hidden', 'a/b', 'ключ', 'x'.repeat(200)]) {
      await expect(db.keyspaces.create(name)).rejects.toMatchObject({ code: 'HF_KEYSPACE_INVALID' });
    }
    await expect(db.keyspaces.create('later', { replication: 'async' })).rejects.toMatchObject({
      code: 'HF_UNSUPPORTED',
    });
    await expect(db.keyspaces.create('odd', { keyBytesMax: -1 })).rejects.toMatchObject({
      code: 'HF_KEYSPACE_INVALID',
    });
    await expect(db.keyspaces.delete('default')).rejects.toMatchObject({ code: 'HF_KEYSPACE_INVALID' });
    await expect(db.keyspaces.update('nobody', {})).rejects.toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND' });
  });
});
