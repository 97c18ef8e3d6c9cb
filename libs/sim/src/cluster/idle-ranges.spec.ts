import { Client } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '@holdfast/io';
import { RaftInvariants } from '../checkers/raft-invariants.ts';
import { Coverage } from '../checkers/violation.ts';
import { Scheduler } from '../world/scheduler.ts';
import { CLUSTER_ID, StoreCluster } from './store-cluster.ts';

const SPLITS = 40;

function start(): {
  readonly cluster: StoreCluster;
  readonly scheduler: Scheduler;
  readonly sent: () => number;
} {
  const scheduler = new Scheduler();
  const splits = Array.from({ length: SPLITS }, (_, i) => `k${String(i).padStart(2, '0')}`);
  const options = {
    seed: 1,
    nodes: 3,
    latency: { minMs: 0.1, meanMs: 0.5, spikes: 0, bandwidth: 100_000 },
    turnUs: 50,
    driftMax: 0,
    skewMsMax: 0,
    settings: { splits },
    canary: undefined,
  };
  const cluster = new StoreCluster(scheduler, options, new Coverage(), (violation) =>
    scheduler.fail(violation),
  );
  let messages = 0;
  const { invariants } = cluster;
  const observerOf = (node: NodeId) => RaftInvariants.prototype.of.call(invariants, node);
  invariants.of = (node) => {
    const observer = observerOf(node);
    return {
      ...observer,
      sent: (message) => {
        messages++;
        observer.sent(message);
      },
    };
  };
  for (const server of cluster.servers) cluster.start(server);
  return { cluster, scheduler, sent: () => messages };
}

describe('ranges without work', () => {
  it('send nothing, wake up for a write, and sleep again', async () => {
    const { cluster, scheduler, sent } = start();
    const pass = (ms: number): Promise<void> => scheduler.runUntil(scheduler.nowUs + ms * 1000);
    await pass(10_000);
    const asleep = sent();
    await pass(20_000);
    expect(sent() - asleep).toBe(0);
    const client = new Client({ ...cluster.client(0), seeds: cluster.addresses, clusterId: CLUSTER_ID });
    let written = false;
    void client
      .keyspace('default')
      .set('k07/x', 1)
      .then(() => (written = true));
    await pass(200);
    expect(written).toBe(true);
    await pass(10_000);
    const again = sent();
    // One range had work for two seconds; the others slept on.
    expect(again - asleep).toBeLessThan(300);
    await pass(20_000);
    expect(sent() - again).toBe(0);
  }, 60_000);

  it('miss a leader that dies or vanishes, and a follower that comes back gets what it missed', async () => {
    const { cluster, scheduler } = start();
    const pass = (ms: number): Promise<void> => scheduler.runUntil(scheduler.nowUs + ms * 1000);
    await pass(10_000);
    const [first] = cluster.servers;
    cluster.kill(first, 'power');
    await pass(15_000);
    const leaders = cluster.servers[1].node?.status().ranges.map(({ leader }) => leader) ?? [];
    expect(leaders.length).toBeGreaterThan(SPLITS);
    expect(leaders.filter((leader) => leader === 0 || leader === first.id)).toEqual([]);
    cluster.start(first);
    await pass(10_000);
    const applied = cluster.servers.map(({ node }) =>
      node?.status().ranges.map((range) => `${range.id}: ${range.applied}`),
    );
    expect(applied[0]).toEqual(applied[1]);
  }, 60_000);
});
