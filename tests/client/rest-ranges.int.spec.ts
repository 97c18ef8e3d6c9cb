import { bytes, type Client, type Row, text } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { Prng, randomInteger, randomPick } from '@holdfast/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';
import { LocalGateway } from './local-gateway.ts';

let cluster: LocalCluster;
let direct: Client;
let rest: Client;
let gateway: LocalGateway;

beforeAll(async () => {
  cluster = await LocalCluster.start();
  direct = await connect(cluster.target);
  gateway = await LocalGateway.start(cluster.target);
  rest = await connect(gateway.url);
});
afterAll(async () => {
  await rest.close();
  await gateway.stop();
  await direct.close();
  await cluster.stop();
});

async function all<T>(rows: AsyncIterable<Row<T>>): Promise<Row<T>[]> {
  const collected: Row<T>[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

describe('intervals over a gateway', () => {
  it('are scanned and counted exactly as over the nodes, whatever the keys and values are', async () => {
    const random = new Prng(5);
    const noise = (length: number): Uint8Array =>
      Uint8Array.from({ length }, () => randomInteger(random, 0, 255));
    const raw = direct.keyspace('default', bytes);
    const texts = direct.keyspace('default', text);
    const values = direct.keyspace<unknown>('default');
    for (let i = 0; i < 120; i++) {
      // In every range, and beyond what is text.
      const key = Uint8Array.from([...noise(1), ...noise(randomInteger(random, 0, 6))]);
      const kind = randomInteger(random, 0, 3);
      if (kind === 0) await raw.set(key, noise(randomInteger(random, 0, 40)));
      else if (kind === 1)
        await texts.set(key, randomPick(random, ['', 'plain', '"quoted" \\ {[', 'zwei\nZeilen, ü\u0000']));
      else if (kind === 2)
        await values.set(key, randomPick(random, [null, 1.5, [], 'a"}],{', { a: [{ b: '}' }, []] }, false]));
      else await raw.set(key, noise(8), { contentType: 'image/png; a="b"' });
    }
    const options = [
      {},
      { reverse: true },
      { pageSize: 7 },
      { pageSize: 7, reverse: true },
      { limit: 33, pageSize: 10 },
      { start: Uint8Array.of(40), end: Uint8Array.of(200) },
      { start: Uint8Array.of(40), end: Uint8Array.of(200), reverse: true, pageSize: 3 },
      { start: Uint8Array.of(200), end: Uint8Array.of(40) },
      { prefix: Uint8Array.of(0x63) },
      { snapshot: true, pageSize: 9 },
      { consistency: 'eventual' },
    ] as const;
    for (const option of options) {
      const expected = await all(raw.scan(option));
      expect(await all(rest.keyspace('default', bytes).scan(option))).toEqual(expected);
      const keysOnly = await all(rest.keyspace('default').scan({ ...option, keysOnly: true }));
      expect(keysOnly.map(({ keyBytes }) => keyBytes)).toEqual(expected.map(({ keyBytes }) => keyBytes));
      expect(keysOnly.every(({ value }) => value === undefined)).toBe(true);
      if (!('reverse' in option) && !('pageSize' in option)) {
        expect(await rest.keyspace('default').count(option)).toBe(expected.length);
      }
    }
  });

  it('are read as they were at a revision', async () => {
    const users = rest.keyspace<number>('default');
    const { revision } = await users.set('then', 1);
    await users.set('then', 2);
    const [row] = await all(users.scan({ prefix: 'then', revision }));
    expect([row.value, row.revision]).toEqual([1, revision]);
  });

  it('give large pages in parts', async () => {
    const texts = rest.keyspace('default', text);
    const large = '\u0001'.repeat(900_000);
    for (let i = 0; i < 7; i++) await texts.set(`large/${i}`, large);
    const rows = await all(texts.scan({ prefix: 'large/' }));
    expect(rows.map(({ key, value }) => [key, value === large])).toEqual(
      Array.from({ length: 7 }, (_, i) => [`large/${i}`, true]),
    );
  });

  it('are removed, step by step, and only they', async () => {
    const numbers = rest.keyspace<number>('default');
    await direct
      .keyspace<number>('default')
      .setMany(Array.from({ length: 2500 }, (_, i) => [`gone/${String(i).padStart(4, '0')}`, i] as const));
    await numbers.set('gonf', 1);
    expect(await numbers.deleteRange({ prefix: 'gone/', limit: 100 })).toBe(100);
    expect(await numbers.count({ prefix: 'gone/' })).toBe(2400);
    expect(await numbers.deleteRange({ prefix: 'gone/' })).toBe(2400);
    expect(await numbers.deleteRange({ prefix: 'gone/' })).toBe(0);
    expect((await numbers.get('gonf'))?.value).toBe(1);
    await numbers.deleteRange({});
    expect(await direct.keyspace('default').count()).toBe(0);
  });

  it('fail as everything does', async () => {
    await expect(all(rest.keyspace('nobody').scan())).rejects.toMatchObject({
      code: 'HF_KEYSPACE_NOT_FOUND',
    });
    await expect(rest.keyspace('default').deleteRange({ start: 'b', end: 'b' })).resolves.toBe(0);
    const aborted = AbortSignal.abort();
    await expect(all(rest.keyspace('default').scan({ signal: aborted }))).rejects.toMatchObject({
      code: 'HF_CANCELLED',
    });
  });
});
