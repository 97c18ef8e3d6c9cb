import { Client } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { Scheduler } from '../world/scheduler.ts';
import { CLUSTER_ID, StoreCluster } from './store-cluster.ts';

const KEYS = 20;

describe('a disk that is lost when the power fails everywhere', () => {
  it('is not taken for a new one by a node that has not heard of the last writes', async () => {
    const scheduler = new Scheduler();
    const coverage = new Coverage();
    const options = {
      seed: 1,
      nodes: 3,
      latency: { minMs: 0.1, meanMs: 0.5, spikes: 0, bandwidth: 100_000 },
      turnUs: 50,
      driftMax: 0,
      skewMsMax: 0,
      settings: {},
      canary: undefined,
    };
    const cluster = new StoreCluster(scheduler, options, coverage, (violation) => scheduler.fail(violation));
    const [lost, behind, whole] = cluster.servers;
    const pass = (ms: number): Promise<void> => scheduler.runUntil(scheduler.nowUs + ms * 1000);
    const within = async <T>(work: Promise<T>): Promise<T> => {
      let done = false;
      const mark = (): void => void (done = true);
      work.then(mark, mark);
      await scheduler.runUntil(scheduler.nowUs + 30_000_000, () => done);
      return work;
    };
    const client = new Client({ ...cluster.client(0), seeds: cluster.addresses, clusterId: CLUSTER_ID });
    const values = client.keyspace('default');
    for (const server of cluster.servers) cluster.start(server);
    await pass(3_000);
    cluster.kill(behind, 'power');
    for (let i = 0; i < KEYS; i++) await within(values.set(`k${i}`, `v${i}`));
    for (const server of [lost, whole]) cluster.kill(server, 'power');
    cluster.wipe(lost);
    for (const server of [lost, behind]) cluster.start(server);
    // Long enough for any election: the two are a majority, if the empty disk counts.
    await pass(10_000);
    expect(coverage.count('empty disk refused')).toBe(1);
    expect(behind.node?.status().ranges.some(({ leader }) => leader !== 0)).toBe(false);
    cluster.start(whole);
    for (let i = 0; i < KEYS; i++)
      expect(await within(values.get(`k${i}`))).toMatchObject({ value: `v${i}` });
  });
});
