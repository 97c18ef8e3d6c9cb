import { setTimeout as delay } from 'node:timers/promises';
import type { Client, HoldfastError, WatchCallOptions, WatchEvent } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FragilePath } from './fragile-path.ts';
import { LocalCluster } from './local-cluster.ts';
import { LocalGateway, WAYS } from './local-gateway.ts';

/** Far above what anything here needs on a machine with other work. */
const PATIENCE_MS = 30_000;

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

/** Follows in the background; `stood` resolves with the first progress. */
class Follower {
  readonly events: Exclude<WatchEvent<unknown>, { type: 'progress' }>[] = [];
  resume = 0;
  readonly ended: Promise<unknown>;
  readonly stood: Promise<void>;
  readonly #abort = new AbortController();
  #changed: () => void = () => undefined;

  constructor(client: Client, options: WatchCallOptions) {
    let stand: () => void = () => undefined;
    this.stood = new Promise((resolve) => (stand = resolve));
    this.ended = this.#follow(client, options, stand).catch((error: unknown) => error);
  }

  /** Waits until so many changes have come. */
  has(count: number): Promise<void> {
    return this.until(`${count} changes`, () => this.events.length >= count);
  }

  /** Waits until it holds; looked at whenever something has come. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!holds()) {
      if (deadline.aborted) throw new Error(`not in time: ${what}; ${this.events.length} changes came`);
      await Promise.race([new Promise<void>((resolve) => (this.#changed = resolve)), delay(200)]);
    }
  }

  stop(): Promise<unknown> {
    this.#abort.abort();
    return this.ended;
  }

  async #follow(client: Client, options: WatchCallOptions, stand: () => void): Promise<void> {
    const events = client
      .keyspace('default')
      .watch({ ...options, progress: true, signal: this.#abort.signal });
    for await (const event of events) {
      stand();
      this.resume = event.resume;
      if (event.type !== 'progress') this.events.push(event);
      this.#changed();
    }
  }
}

describe.each(WAYS)('a watch over %s', (way) => {
  let db: Client;
  beforeAll(async () => {
    db = await connect(way === 'http://' ? gateway.url : cluster.target);
    await db.keyspace('default').deleteRange({});
  });
  afterAll(() => db.close());

  it('tells puts, deletes, increments and transactions of a prefix, in order, and nothing else', async () => {
    const follower = new Follower(db, { prefix: 'a-watch/' });
    await follower.stood;
    const values = db.keyspace('default');
    await values.set('a-watch/1', { n: 1 });
    await values.set('a-other', 'no');
    await values.increment('a-watch/2', 5);
    await values.delete('a-watch/1');
    await follower.has(3);
    expect(follower.events).toMatchObject([
      { type: 'put', key: 'a-watch/1', value: { n: 1 }, contentType: 'application/json' },
      { type: 'put', key: 'a-watch/2', value: 5 },
      { type: 'delete', key: 'a-watch/1' },
    ]);
    expect(await follower.stop()).toBeUndefined();
  });

  it('spans ranges in one order of revisions, and resumes from any event without loss or repetition', async () => {
    const keys = ['b', 'e', 'm', 'z'].map((key) => `${key}-span`);
    const follower = new Follower(db, {});
    await follower.stood;
    const values = db.keyspace<number>('default');
    for (let i = 0; i < 40; i++) await values.set(keys[i % keys.length], i);
    await follower.has(40);
    expect(follower.events.map((event) => event.type === 'put' && event.value)).toEqual([
      ...Array(40).keys(),
    ]);
    const from = follower.events[17].resume;
    const second = new Follower(db, { from });
    await second.has(22);
    expect(second.events).toEqual(follower.events.slice(18));
    await Promise.all([follower.stop(), second.stop()]);
  });

  it('goes on after the loss of every leader, with everything that was acknowledged, once', async () => {
    const follower = new Follower(db, { prefix: 'kill-', start: undefined });
    await follower.stood;
    const values = db.keyspace<number>('default');
    const acknowledged: number[] = [];
    let next = 0;
    const write = async (count: number): Promise<void> => {
      for (const goal = acknowledged.length + count; acknowledged.length < goal; next++) {
        const done = await values.set(`kill-${next % 7}`, next, { deadlineMs: 3000 }).then(
          () => true,
          () => false,
        );
        if (done) acknowledged.push(next);
      }
    };
    await write(20);
    for (const node of cluster.nodes) {
      const writing = write(50);
      for (const { id, role } of node.status().ranges) {
        if (role === 'leader') node.replica(id)?.raft.transferLeadership();
      }
      await writing;
    }
    await values.set('kill-last', -1);
    await follower.until('the last change', () => follower.events.at(-1)?.key === 'kill-last');
    const seen = follower.events.map((event) => (event.type === 'put' ? Number(event.value) : Number.NaN));
    expect(new Set(seen).size).toBe(seen.length);
    expect(acknowledged.filter((i) => !seen.includes(i))).toEqual([]);
    expect(seen.slice(0, -1)).toEqual(seen.slice(0, -1).sort((a, b) => a - b));
    await follower.stop();
  });

  it('moves on while nobody writes', async () => {
    const follower = new Follower(db, { prefix: 'quiet' });
    await follower.stood;
    const first = follower.resume;
    await follower.until('progress', () => follower.resume > first);
    await follower.stop();
  });

  it('holds back what the application does not take, and brings it in the end', async () => {
    const follower = db.keyspace<string>('default').watch({ prefix: 'slow-', progress: true });
    expect((await follower.next()).value).toMatchObject({ type: 'progress' });
    const values = db.keyspace<string>('default');
    const large = 'x'.repeat(100_000);
    for (let i = 0; i < 60; i++) await values.set(`slow-${i % 3}`, `${i} ${large}`);
    const seen: number[] = [];
    for await (const event of follower) {
      if (event.type === 'put') seen.push(Number.parseInt(event.value, 10));
      if (seen.length === 60) break;
    }
    expect(seen).toEqual([...Array(60).keys()]);
  });

  it('says what is wrong with it', async () => {
    const values = db.keyspace('default');
    expect(() => values.watch({ key: 'a', prefix: 'a' })).toThrow('one of them');
    expect(() => values.watch({ start: 'b', end: 'a' })).toThrow('start lies before end');
    const nowhere = db.keyspace('nowhere').watch();
    await expect(nowhere.next()).rejects.toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND' });
  });
});

describe('a watch of what is no longer kept', () => {
  it.each(WAYS)('says over %s from where one could begin', async (way) => {
    await using db = await connect(way === 'http://' ? gateway.url : cluster.target);
    const old = db.keyspace('default').watch({ prefix: 'a', from: 2 });
    const error = (await old.next().catch((reason: unknown) => reason)) as HoldfastError;
    expect(error).toMatchObject({ code: 'HF_COMPACTED' });
    expect(error.revision).toBeGreaterThan(2);
  });
});

describe('a watch over a gateway', () => {
  let path: FragilePath;
  let direct: Client;
  let db: Client;
  beforeAll(async () => {
    path = await FragilePath.to(gateway.url);
    direct = await connect(cluster.target);
    db = await connect(path.url);
  });
  afterAll(async () => {
    await db.close();
    await direct.close();
    await path.stop();
  });

  it('loses nothing and repeats nothing when its connections break, transactions among them', async () => {
    const follower = new Follower(db, { prefix: 'broken-' });
    await follower.stood;
    const values = direct.keyspace<number>('default');
    let written = 0;
    const write = async (transactions: number): Promise<void> => {
      for (let i = 0; i < transactions; i++) {
        const transaction = values.atomic();
        for (let step = 0; step < 3; step++) transaction.set(`broken-${step}`, written++);
        await transaction.commit();
      }
    };
    for (let cut = 0; cut < 8; cut++) {
      await write(20);
      const before = path.carried;
      path.cut();
      // It is written on until there is another connection, which has something to catch up with.
      while (path.carried === before) await write(1);
    }
    await write(20);
    await follower.has(written);
    expect(follower.events.map((event) => event.type === 'put' && event.value)).toEqual([
      ...Array(written).keys(),
    ]);
    await follower.stop();
  });

  it('notices that nothing comes any more, and goes on over another connection', async () => {
    const follower = new Follower(db, { prefix: 'silent-' });
    await follower.stood;
    path.silence();
    await direct.keyspace('default').set('silent-1', 1);
    await follower.has(1);
    expect(follower.events).toMatchObject([{ key: 'silent-1', value: 1 }]);
    await follower.stop();
  });

  it('goes on at the gateway that comes back', async () => {
    const first = await LocalGateway.start(cluster.target);
    const port = Number(new URL(first.url).port);
    await using over = await connect(first.url);
    const follower = new Follower(over, { prefix: 'drained-' });
    await follower.stood;
    const values = direct.keyspace('default');
    await values.set('drained-1', 1);
    await follower.has(1);
    await first.stop();
    await values.set('drained-2', 2);
    const second = await LocalGateway.start(cluster.target, port);
    await values.set('drained-3', 3);
    await follower.has(3);
    expect(follower.events.map((event) => event.type === 'put' && event.value)).toEqual([1, 2, 3]);
    await follower.stop();
    await second.stop();
  });
});
