import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Prng, randomChance } from '@holdfast/io';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayUnderTest } from './gateway-under-test.ts';

/**
 * Between a caller and the gateway, answers get lost: the write happened, or did not, and the caller cannot tell. With
 * an Idempotency-Key it finds out, by sending again or by asking; at the end every counter is exactly what was meant.
 */
const WRITES = 400;
const CALLERS = 8;
const LOST = 0.25;
const COUNTERS = ['lost/a', 'lost/b', 'lost/z'];

let gateway: GatewayUnderTest;
beforeAll(async () => {
  gateway = await GatewayUnderTest.start();
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** Passes everything on, but ends some connections instead of giving an answer back, and some before they ask. */
async function lossyProxy(target: string, random: Prng) {
  const { hostname, port } = new URL(target);
  let lost = 0;
  const server = createServer((caller) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    caller.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => caller.destroy()).on('close', () => caller.destroy());
    caller.pipe(upstream);
    upstream.on('data', (answer: Buffer) => {
      if (randomChance(random, LOST)) {
        lost++;
        caller.destroy();
      } else {
        caller.write(answer);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

it('counters are exactly what was acknowledged or resolved, however many answers are lost', async () => {
  const random = new Prng(7);
  const proxy = await lossyProxy(gateway.url, random);
  const dispatcher = new Agent({ connections: CALLERS, pipelining: 1 });
  let acknowledged = 0;
  let replayed = 0;
  let resolved = 0;
  const meant = new Map(COUNTERS.map((name) => [name, 0]));

  /** One answer, or undefined when it was lost. */
  const send = async (method: 'GET' | 'POST', path: string, key?: string) => {
    try {
      const headers = key === undefined ? {} : { 'idempotency-key': key };
      const answer = await request(`${proxy.url}${path}`, { method, headers, dispatcher });
      await answer.body.text();
      return answer;
    } catch {
      return undefined;
    }
  };
  const write = async (i: number): Promise<void> => {
    const name = COUNTERS[i % COUNTERS.length];
    const key = `write-${i}`;
    meant.set(name, (meant.get(name) ?? 0) + 1);
    for (let attempt = 0; ; attempt++) {
      const path = `/v1/keyspaces/default/keys/${encodeURIComponent(name)}:increment`;
      const answer = await send('POST', path, key);
      if (answer?.statusCode === 200) {
        acknowledged++;
        if (answer.headers['idempotent-replayed'] === 'true') replayed++;
        return;
      }
      // Every second caller asks before it sends again.
      if (answer === undefined && i % 2 === 0) {
        const found = await send('GET', `/v1/operations/${key}`);
        if (found?.statusCode === 200) {
          resolved++;
          return;
        }
      }
      expect(attempt).toBeLessThan(100);
    }
  };
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let i = caller; i < WRITES; i += CALLERS) await write(i);
  });
  await Promise.all(callers);
  await dispatcher.destroy();
  await proxy.close();

  expect(acknowledged + resolved).toBe(WRITES);
  expect(proxy.lost).toBeGreaterThan(WRITES / 10);
  expect(replayed).toBeGreaterThan(0);
  expect(resolved).toBeGreaterThan(0);
  for (const [name, count] of meant) {
    const answer = await request(`${gateway.url}/v1/keyspaces/default/keys/${encodeURIComponent(name)}`);
    expect([name, Number(await answer.body.text())]).toEqual([name, count]);
  }
});
