import { Client } from '@holdfast/client';
import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { Scheduler } from '../world/scheduler.ts';
import { checkFinalState } from './final-state.ts';
import { CLUSTER_ID, type Server, StoreCluster } from './store-cluster.ts';

const KEYS = 60;
/** Where they lie. */
const RANGE = 4;
const VALUE = 'v'.repeat(200);

function start(): { cluster: StoreCluster; scheduler: Scheduler; coverage: Coverage; client: Client } {
  const scheduler = new Scheduler();
  const coverage = new Coverage();
  const options = {
    seed: 1,
    nodes: 3,
    latency: { minMs: 0.1, meanMs: 0.5, spikes: 0, bandwidth: 100_000 },
    turnUs: 50,
    driftMax: 0,
    skewMsMax: 0,
    settings: { memtableBytes: 4 * 1024 },
    canary: undefined,
  };
  const cluster = new StoreCluster(scheduler, options, coverage, (violation) => scheduler.fail(violation));
  for (const server of cluster.servers) cluster.start(server);
  const client = new Client({ ...cluster.client(0), seeds: cluster.addresses, clusterId: CLUSTER_ID });
  return { cluster, scheduler, coverage, client };
}

async function within<T>(scheduler: Scheduler, ms: number, work: Promise<T>): Promise<T> {
  let done = false;
  const mark = (): void => void (done = true);
  work.then(mark, mark);
  await scheduler.runUntil(scheduler.nowUs + ms * 1000, () => done);
  expect(done).toBe(true);
  return work;
}

describe('a table that rots', () => {
  it.each([
    ['on a leader', true, 'bit flip'],
    ['on a follower', false, 'bit flip'],
    ['on a leader', true, 'lost write'],
    ['on a follower', false, 'misdirected write'],
  ] as const)(
    '%s: no read is wrong or lost, and the copy is repaired (leads: %s, %s)',
    async (_, isLeader, damage) => {
      const { cluster, scheduler, coverage, client } = start();
      const values = client.keyspace('default');
      await scheduler.runUntil(3_000_000);
      for (let i = 0; i < KEYS; i++) await within(scheduler, 10_000, values.set(`k${i}`, VALUE + i));
      const leads = ({ id, node }: Server): boolean =>
        node!.status().ranges.some((range) => range.id === RANGE && range.leader === id);
      const server = cluster.servers.find((candidate) => leads(candidate) === isLeader)!;
      const random = new Prng(7);
      for (let hits = 0; hits < 8;) if (cluster.rotTable(server, random, damage)) hits++;
      for (let i = 0; i < KEYS; i++) {
        const found = await within(scheduler, 20_000, values.get(`k${i}`));
        expect(found?.value).toBe(VALUE + i);
        await within(scheduler, 20_000, values.set(`k${i}`, VALUE + (i + 1)));
      }
      await checkFinalState(cluster);
      const seen = new Map(coverage.entries());
      expect(seen.get('damaged table found') ?? 0).toBeGreaterThan(0);
      expect(seen.get('damaged table repaired') ?? 0).toBeGreaterThan(0);
    },
    60_000,
  );
});
