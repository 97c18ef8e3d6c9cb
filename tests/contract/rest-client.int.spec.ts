import { bytes, type Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayUnderTest } from './gateway-under-test.ts';

/** The client over a gateway does what it does over TCP. */
let gateway: GatewayUnderTest;
let db: Client;
beforeAll(async () => {
  gateway = await GatewayUnderTest.start();
  db = await connect(gateway.url);
});
afterAll(async () => {
  await db.close();
  await gateway[Symbol.asyncDispose]();
});

it('counts, lets values expire, and reads the past and weaker levels', async () => {
  const numbers = db.keyspace<number>('default');
  expect((await numbers.increment('n', 5)).value).toBe(5);
  const { value, revision } = await numbers.increment('n', -7);
  expect(value).toBe(-2);
  await numbers.set('n', 9);
  expect((await numbers.get('n', { revision }))?.revision).toBe(revision);
  const { revision: newest } = await numbers.set('weak', 1);
  const weak = { consistency: 'eventual', minRevision: newest } as const;
  expect((await numbers.get('weak', weak))?.value).toBe(1);
  const bounded = { consistency: 'bounded', maxStalenessMs: 60_000, minRevision: newest } as const;
  expect((await numbers.get('weak', bounded))?.value).toBe(1);
  await numbers.set('brief', 1, { ttlMs: 1 });
  await expect.poll(() => numbers.get('brief')).toBeUndefined();
});

it('writes once with an idempotency key', async () => {
  const numbers = db.keyspace<number>('default');
  const once = { idempotencyKey: 'rest-once' };
  expect(await numbers.increment('once', 3, once)).toMatchObject({ value: 3, replayed: false });
  expect(await numbers.increment('once', 3, once)).toMatchObject({ value: 3, replayed: true });
  await expect(numbers.increment('once', 4, once)).rejects.toMatchObject({
    code: 'HF_IDEMPOTENCY_MISMATCH',
  });
});

it('takes keys of any bytes', async () => {
  const keyspace = db.keyspace('default', bytes);
  const key = Uint8Array.of(0xff, 0, 0x2f);
  await keyspace.set(key, Uint8Array.of(1, 2));
  expect((await keyspace.get(key))?.value).toEqual(Uint8Array.of(1, 2));
});

it('does all of a transaction or nothing', async () => {
  const texts = db.keyspace<string>('default');
  const open = (): Promise<{ committed: boolean; failedCheck: number | undefined }> =>
    texts
      .atomic()
      .check('account/1', { exists: false })
      .set('account/1', 'open')
      .increment('accounts', 1)
      .commit();
  expect(await open()).toMatchObject({ committed: true });
  expect((await texts.get('account/1'))?.value).toBe('open');
  expect(await open()).toMatchObject({ committed: false, failedCheck: 0 });
  const closed = await texts.atomic().check('account/1', { value: 'open' }).delete('account/1').commit();
  expect(closed.committed).toBe(true);
  expect(await texts.get('account/1')).toBeUndefined();
});
