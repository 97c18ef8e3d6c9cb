import { setImmediate as turn } from 'node:timers/promises';
import type { Client } from '@holdfast/client';
import { connect, type ConnectOptions } from '@holdfast/client/node';
import { connectSync } from '@holdfast/client/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../libs/io-node/testing/certificates.ts';
import { LocalCluster } from './local-cluster.ts';
import { RawPeer } from './raw-peer.ts';

const authority = new TestAuthority();
const identity = authority.issue('application');
/** A change of tokens half done: node 1 has both and says the new one, node 2 still says the old one, node 3 has gone over. */
const OLD = 'the-token-of-last-year';
const NEW = 'the-token-of-this-year';
const TOKENS: Readonly<Record<number, readonly string[]>> = { 1: [NEW, OLD], 2: [OLD, NEW], 3: [NEW, OLD] };

let cluster: LocalCluster;
let db: Client;

beforeAll(async () => {
  cluster = await LocalCluster.start({
    tls: (node) => authority.issue(`node ${node}`),
    tokens: (node) => TOKENS[node],
  });
  db = await connect(cluster.target, { tls: identity, token: NEW });
});
afterAll(async () => {
  await db.close();
  await cluster.stop();
});

/** How a connect ends that must not succeed. */
async function refusal(options: ConnectOptions): Promise<unknown> {
  try {
    await using other = await connect(cluster.target, { deadlineMs: 500, ...options });
    return other;
  } catch (error) {
    return error;
  }
}

describe('a cluster that speaks TLS and asks for a token', () => {
  it('serves in every range, so its nodes speak with each other', async () => {
    const numbers = db.keyspace<number>('default');
    const keys = ['a', 'd', 'm', 'z'];
    await numbers.setMany(keys.map((key, i) => [key, i] as const));
    const items = await numbers.getMany(keys);
    expect(items.map((item) => item?.value)).toEqual([0, 1, 2, 3]);
    // A majority serves before the last two have met.
    await expect.poll(() => cluster.nodes.map((node) => node.status().connected.length)).toEqual([2, 2, 2]);
  });

  it('carries large values and long scans', async () => {
    const texts = db.keyspace<string>('default');
    const large = 'x'.repeat(900_000);
    await texts.setMany(Array.from({ length: 8 }, (_, i) => [`large/${i}`, large] as const));
    const rows = [];
    for await (const row of texts.scan({ prefix: 'large/', pageSize: 3 })) rows.push(row.value === large);
    expect(rows).toEqual(Array(8).fill(true));
  });

  it('takes the old token of a change as well', async () => {
    await using old = await connect(cluster.target, { tls: identity, token: OLD });
    expect((await old.keyspace<number>('default').get('m'))?.value).toBe(2);
  });

  it.each<[string, ConnectOptions]>([
    ['no token', { tls: identity }],
    ['another token', { tls: identity, token: 'the-token-of-next-year' }],
    ['the beginning of a token', { tls: identity, token: NEW.slice(0, -1) }],
  ])('refuses %s at once, and says no more than that', async (_, options) => {
    cluster.closings.splice(0);
    const startedMs = performance.now();
    const error = await refusal({ ...options, deadlineMs: 10_000 });
    expect(error).toMatchObject({ code: 'HF_UNAUTHENTICATED', outcome: 'not_applied' });
    expect(performance.now() - startedMs).toBeLessThan(5000);
    const told = (): boolean => cluster.closings.some(({ reason }) => reason?.code === 'HF_UNAUTHENTICATED');
    while (!told()) await turn();
  });

  it('asks for the token before it tells anything else', async () => {
    const peer = await RawPeer.open(cluster.addresses[0], identity);
    const clusterId = new Uint8Array(16).fill(1);
    expect(await peer.greet({ clusterId, versionMin: 200, versionMax: 255 })).toMatchObject({
      refusal: 'HF_UNAUTHENTICATED',
      nodeId: 0,
      version: 0,
    });
    await peer.closed;
  });

  it.each<[string, ConnectOptions]>([
    ['a client in clear', { token: NEW }],
    ['a certificate of somebody else', { tls: new TestAuthority().issue('application'), token: NEW }],
  ])('does not open to %s', async (_, options) => {
    cluster.closings.splice(0);
    expect(await refusal(options)).toMatchObject({ code: 'HF_UNAVAILABLE', outcome: 'not_applied' });
    while (cluster.closings.length === 0) await turn();
    expect(cluster.closings[0].reason).toBeInstanceOf(Error);
    expect(cluster.fatal).toEqual([]);
  });

  it('goes on when a node has been cut off and comes back', async () => {
    const numbers = db.keyspace<number>('default');
    for (let i = 0; i < 20; i++) {
      await numbers.set('a', i, { idempotencyKey: `write ${i}` });
      if (i === 5) cluster.cut(1);
    }
    expect((await numbers.get('a'))?.value).toBe(19);
    while (cluster.nodes.some((node) => node.status().connected.length < 2)) await turn();
  });

  it('refuses certificate and key of two owners before anything is sent', async () => {
    const { key } = authority.issue('another');
    await expect(connect(cluster.target, { tls: { ...identity, key }, token: NEW })).rejects.toThrow(/key/);
    expect(() => connectSync(cluster.target, { tls: { ...identity, key }, token: NEW })).toThrow(/key/);
  });
});
