import { compareBytes, type Revision, utf8 } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../testing/fake-cluster.ts';
import { BatchWriteError, bytes, type Client, text } from '../index.ts';

interface User {
  readonly name: string;
  readonly age?: number;
}

const open = async (splits: readonly string[] = []): Promise<{ cluster: FakeCluster; db: Client }> => {
  const cluster = await FakeCluster.start(3, splits);
  return { cluster, db: await cluster.readyClient() };
};

/** An `AbortController` of our own: the tests run where the platform's is not typed. */
class Abort {
  aborted = false;
  reason: unknown = undefined;
  readonly listeners = new Set<() => void>();
  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.listeners) listener();
  }
}

describe('a keyspace', () => {
  it('sets, gets, deletes', async () => {
    const { cluster, db } = await open();
    const users = db.keyspace<User>('users');
    expect(await cluster.clock.settle(users.get('42'))).toBeUndefined();
    const { revision, existed } = await cluster.clock.settle(
      users.set('42', { name: 'Ada' }, { tellExisted: true }),
    );
    expect(existed).toBe(false);
    expect(await cluster.clock.settle(users.get('42'))).toEqual({
      value: { name: 'Ada' },
      revision,
      contentType: 'application/json',
      servedLevel: 'strong',
      stalenessMs: 0,
    });
    expect((await cluster.clock.settle(users.delete('42'))).existed).toBe(true);
    expect(await cluster.clock.settle(users.get('42'))).toBeUndefined();
    await db.close();
  });

  it('swaps on a revision, or on absence', async () => {
    const { cluster, db } = await open();
    const users = db.keyspace<User>('users');
    const first = await cluster.clock.settle(users.compareAndSet('a', { name: '1' }, { ifAbsent: true }));
    expect(first.swapped).toBe(true);
    const again = await cluster.clock.settle(users.compareAndSet('a', { name: '2' }, { ifAbsent: true }));
    expect(again).toEqual({ swapped: false, revision: first.revision });
    const second = await cluster.clock.settle(
      users.compareAndSet('a', { name: '3' }, { ifRevision: first.revision }),
    );
    expect(second.swapped).toBe(true);
    const stale = await cluster.clock.settle(
      users.compareAndSet('a', { name: '4' }, { ifRevision: first.revision }),
    );
    expect(stale).toEqual({ swapped: false, revision: second.revision });
    expect(await cluster.clock.failure(users.compareAndSet('a', { name: '5' }, {}))).toMatchObject({
      code: 'HF_BAD_REQUEST',
    });
    await db.close();
  });

  it('reads and writes many, in the order given', async () => {
    const { cluster, db } = await open(['k3', 'k6']);
    const texts = db.keyspace('users', text);
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${i}`);
    const written = await cluster.clock.settle(texts.setMany(keys.map((key) => [key, `v${key}`] as const)));
    expect(written).toHaveLength(20_000);
    const items = await cluster.clock.settle(texts.getMany([...keys, 'none']));
    expect(items.slice(0, 3).map((item) => item?.value)).toEqual(['vk0', 'vk1', 'vk2']);
    expect(items.at(-1)).toBeUndefined();
    expect(await cluster.clock.settle(texts.getMany([]))).toEqual([]);
    await db.close();
  });

  it('tells what became of each entry when some fail', async () => {
    const { cluster, db } = await open();
    const raw = db.keyspace('users', bytes);
    const entries = [
      ['a', utf8('1')] as const,
      ['b', new Uint8Array(1024 * 1024 + 1)] as const,
      ['c', utf8('3')] as const,
    ];
    const error = await cluster.clock.failure(raw.setMany(entries));
    expect(error).toBeInstanceOf(BatchWriteError);
    const { results, code, outcome } = error as BatchWriteError;
    expect([code, outcome]).toEqual(['HF_VALUE_TOO_LARGE', 'unknown']);
    expect(results.map((result) => result instanceof HoldfastError)).toEqual([false, true, false]);
    expect(cluster.applied).toEqual(['a', 'c']);
    await db.close();
  });

  it('refuses keys that would become others, and keys beyond the limits', async () => {
    const { cluster, db } = await open();
    const users = db.keyspace('users');
    for (const [key, code] of [
      ['\ud800', 'HF_KEY_INVALID'],
      ['', 'HF_KEY_INVALID'],
      ['x'.repeat(4097), 'HF_KEY_TOO_LARGE'],
    ] as const) {
      expect(await cluster.clock.failure(users.get(key))).toMatchObject({ code, outcome: 'not_applied' });
    }
    for (const key of ['\0', '/', '..', '%2F', 'é', '\u{1f600}', 'x'.repeat(4096)]) {
      await cluster.clock.settle(users.set(key, key));
      expect((await cluster.clock.settle(users.get(key)))?.value).toBe(key);
    }
    expect(await cluster.clock.failure(users.set('a', 1, { idempotencyKey: 'i'.repeat(256) }))).toMatchObject(
      {
        code: 'HF_IDEMPOTENCY_KEY_INVALID',
      },
    );
    await db.close();
  });

  it('gives values memory of their own', async () => {
    const { cluster, db } = await open();
    const raw = db.keyspace('users', bytes);
    await cluster.clock.settle(raw.set('a', utf8('hello')));
    const item = await cluster.clock.settle(raw.get('a'));
    expect(item?.value.buffer.byteLength).toBe(5);
    await db.close();
  });

  it('fails one call, not the connection, when a value is not what the codec reads', async () => {
    const { cluster, db } = await open();
    await cluster.clock.settle(db.keyspace('users', bytes).set('a', Uint8Array.of(0xff, 0xfe)));
    const good = db.keyspace('users', bytes).get('a');
    expect(await cluster.clock.failure(db.keyspace('users', text).get('a'))).toMatchObject({
      code: 'HF_BAD_REQUEST',
    });
    expect((await cluster.clock.settle(good))?.value).toEqual(Uint8Array.of(0xff, 0xfe));
    const failed = cluster.clock.failure(db.keyspace('users', text).getMany(['a', 'b']));
    expect(await failed).toMatchObject({ code: 'HF_BAD_REQUEST' });
    expect(db.pendingOps).toBe(0);
    await db.close();
  });
});

describe('abort', () => {
  it('gives up: unknown for a write that was sent, not applied before', async () => {
    const { cluster, db } = await open();
    const users = db.keyspace('users');
    cluster.node(1).script = () => true;
    const controller = new Abort();
    const sent = users.set('a', 1, { signal: controller });
    await cluster.clock.run(2);
    const queued = users.set('b', 1, { signal: controller });
    for (const call of [sent, queued]) call.catch(() => undefined);
    controller.abort('enough');
    expect(await cluster.clock.failure(sent)).toMatchObject({
      code: 'HF_CANCELLED',
      outcome: 'unknown',
      cause: 'enough',
    });
    expect(await cluster.clock.failure(queued)).toMatchObject({
      code: 'HF_CANCELLED',
      outcome: 'not_applied',
    });
    expect(controller.listeners.size).toBe(0);
    const late = users.getMany(
      Array.from({ length: 30_000 }, (_, i) => `k${i}`),
      { signal: controller },
    );
    expect(await cluster.clock.failure(late)).toMatchObject({ code: 'HF_CANCELLED' });
    expect(db.pendingOps).toBe(0);
    await db.close();
  });

  it('of many gives up what is under way', async () => {
    const { cluster, db } = await open();
    cluster.node(1).script = () => true;
    const controller = new Abort();
    const many = db.keyspace('users').setMany(
      [
        ['a', 1],
        ['b', 2],
      ],
      { signal: controller },
    );
    many.catch(() => undefined);
    await cluster.clock.run(2);
    controller.abort('enough');
    expect(await cluster.clock.failure(many)).toMatchObject({ code: 'HF_CANCELLED', outcome: 'unknown' });
    expect(controller.listeners.size).toBe(0);
    await db.close();
  });
});

describe('scan', () => {
  const collect = async (
    cluster: FakeCluster,
    rows: AsyncIterable<{ readonly key: string | undefined }>,
  ): Promise<string[]> =>
    cluster.clock.settle(
      (async () => {
        const keys: string[] = [];
        for await (const row of rows) keys.push(row.key ?? '?');
        return keys;
      })(),
    );

  it('goes through all ranges in order, forward and in reverse', async () => {
    const { cluster, db } = await open(['d', 'm']);
    const users = db.keyspace('users');
    const keys = ['a', 'b', 'c', 'd', 'e', 'm', 'n', 'z'];
    await cluster.clock.settle(users.setMany(keys.map((key) => [key, key] as const)));
    expect(await collect(cluster, users.scan())).toEqual(keys);
    expect(await collect(cluster, users.scan({ pageSize: 1 }))).toEqual(keys);
    expect(await collect(cluster, users.scan({ reverse: true, pageSize: 2 }))).toEqual(keys.toReversed());
    expect(await collect(cluster, users.scan({ start: 'b', end: 'm' }))).toEqual(['b', 'c', 'd', 'e']);
    expect(await collect(cluster, users.scan({ limit: 3 }))).toEqual(['a', 'b', 'c']);
    expect(await collect(cluster, users.scan({ limit: 0 }))).toEqual([]);
    expect(await collect(cluster, users.scan({ prefix: 'm' }))).toEqual(['m']);
    // The codec is not asked what it makes of no value at all.
    const rows = users.scan({ prefix: 'm', keysOnly: true });
    expect(await cluster.clock.settle(rows.next())).toMatchObject({ value: { key: 'm', value: undefined } });
    await db.close();
  });

  it('gives what sorting gives, for any keys, ranges, bounds and page sizes', async () => {
    const letter = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'ä', '\u{10000}', '\uffff'),
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(letter, { maxLength: 3 }),
        fc.uniqueArray(letter, { maxLength: 12 }),
        fc.option(letter),
        fc.option(letter),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        async (splits, keys, start, end, reverse, pageSize) => {
          const sorted = (texts: readonly string[]): string[] =>
            texts.toSorted((a, b) => compareBytes(utf8(a), utf8(b)));
          const { cluster, db } = await open(sorted(splits));
          const users = db.keyspace('users');
          await cluster.clock.settle(users.setMany(keys.map((key) => [key, 0] as const)));
          const wanted = sorted(keys).filter(
            (key) =>
              (start === null || compareBytes(utf8(key), utf8(start)) >= 0) &&
              (end === null || compareBytes(utf8(key), utf8(end)) < 0),
          );
          const bounds = { ...(start === null ? {} : { start }), ...(end === null ? {} : { end }) };
          const rows = await collect(cluster, users.scan({ ...bounds, reverse, pageSize }));
          expect(rows).toEqual(reverse ? wanted.toReversed() : wanted);
          await db.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('survives a split and a change of leader between two pages', async () => {
    const { cluster, db } = await open();
    const users = db.keyspace('users');
    const keys = Array.from({ length: 30 }, (_, i) => `k${String(i).padStart(2, '0')}`);
    await cluster.clock.settle(users.setMany(keys.map((key) => [key, key] as const)));
    const seen: string[] = [];
    const loop = (async () => {
      for await (const row of users.scan({ pageSize: 4 })) {
        seen.push(row.key ?? '?');
        if (seen.length === 5) {
          const other = new FakeCluster(3, ['k10', 'k20']);
          cluster.ranges = other.ranges.map((range) => ({ ...range, id: range.id + 50 }));
          cluster.generation++;
        }
        if (seen.length === 15) cluster.lead(1, 3);
      }
    })();
    await cluster.clock.settle(loop);
    expect(seen).toEqual(keys);
    await db.close();
  });

  it('may be left early', async () => {
    const { cluster, db } = await open();
    const users = db.keyspace('users');
    await cluster.clock.settle(users.setMany(['a', 'b', 'c'].map((key) => [key, key] as const)));
    const loop = (async (): Promise<Revision | undefined> => {
      for await (const row of users.scan({ pageSize: 1 })) return row.revision;
      return undefined;
    })();
    expect(await cluster.clock.settle(loop)).toBeDefined();
    await db.close();
    await cluster.clock.run(10);
  });
});
