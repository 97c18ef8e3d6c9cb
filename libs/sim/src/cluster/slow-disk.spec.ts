import { Client } from '@holdfast/client';
import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { KEEP_ALL } from '../runs/mask.ts';
import { RegisterWorkload } from '../workloads/register-workload.ts';
import { Scheduler } from '../world/scheduler.ts';
import { CLUSTER_ID, StoreCluster } from './store-cluster.ts';

describe('a leader whose disk hangs', () => {
  it('lets somebody else lead, and nobody waits for its disk', async () => {
    const scheduler = new Scheduler();
    const coverage = new Coverage();
    const options = {
      seed: 3,
      nodes: 3,
      latency: { minMs: 0.1, meanMs: 0.5, spikes: 0, bandwidth: 100_000 },
      turnUs: 50,
      driftMax: 0,
      skewMsMax: 0,
      settings: {},
      canary: undefined,
    };
    const cluster = new StoreCluster(scheduler, options, coverage, (violation) => scheduler.fail(violation));
    const random = new Prng(3);
    const workload = new RegisterWorkload(() => scheduler.nowUs, random.fork());
    const workers = [0, 1, 2].map((process) =>
      workload.worker({
        process,
        client: new Client({
          ...cluster.client(process),
          seeds: cluster.addresses,
          clusterId: CLUSTER_ID,
        }),
        scheduler,
        random: random.fork(),
        pace: { thinkMs: 20, deadlineMs: 5_000 },
        mask: KEEP_ALL,
      }),
    );
    const pass = (ms: number): Promise<void> => scheduler.runUntil(scheduler.nowUs + ms * 1000);
    const led = (): number => slow.node?.status().ranges.filter(({ role }) => role === 'leader').length ?? 0;
    for (const server of cluster.servers) cluster.start(server);
    for (const worker of workers) worker.start();
    await pass(3_000);
    const slow = cluster.servers.find(
      ({ node }) => (node?.status().ranges.filter(({ role }) => role === 'leader').length ?? 0) > 0,
    )!;
    const before = led();
    const written = workers.map(({ writes }) => writes);
    // Every sync takes a second or more.
    slow.machine.faults.slowdown = 10_000;
    await pass(6_000);
    expect(coverage.count('ranges offered because of a slow disk')).toBeGreaterThan(0);
    // Ranges that nobody writes to need no other leader.
    expect(led()).toBeLessThan(before);
    workers.forEach(({ writes }, i) => expect(writes).toBeGreaterThan(written[i] + 50));
  });
});
