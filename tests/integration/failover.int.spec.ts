import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { until } from '../../scripts/cluster/deadline.ts';
import { PATIENCE_MS, TestCluster } from './cluster.ts';
import { Workload } from './workload.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start();
}, 2 * PATIENCE_MS);
afterAll(() => cluster[Symbol.asyncDispose]());

/** Enough writes that a fault falls among many in flight, and that service is seen to be back. */
const WRITES = 200;

function running(name: string): Workload {
  const workload = new Workload(cluster.http, name);
  onTestFailed(() => console.log(cluster.log, workload.failures.slice(-20)));
  return workload.start();
}

function writes(workload: Workload, count: number): Promise<true> {
  const goal = workload.acknowledged + count;
  return until(`${goal} acknowledged writes`, PATIENCE_MS, () => workload.acknowledged >= goal);
}

async function settle(workload: Workload): Promise<void> {
  await workload.stop();
  await workload.verify();
  expect(workload.violations).toEqual([]);
  expect(workload.reads).toBeGreaterThan(0);
}

describe('a cluster under a running write loop', () => {
  it('loses no acknowledged write when the leader is killed, and goes on by itself', async () => {
    const workload = running('kill');
    await writes(workload, WRITES);
    const leader = await cluster.leader();
    await cluster.end(leader, 'SIGKILL');
    await writes(workload, WRITES);
    await cluster.restart(leader);
    await writes(workload, WRITES);
    await settle(workload);
    expect(workload.longestPauseMs).toBeLessThan(5000);
  });

  it('finds all its data after every node was killed at once', async () => {
    const workload = running('kill-all');
    await writes(workload, WRITES);
    await Promise.all(cluster.nodes.map((name) => cluster.end(name, 'SIGKILL')));
    await cluster.restart(...cluster.nodes);
    await writes(workload, WRITES);
    await settle(workload);
  });

  it('hands leadership over on SIGTERM without failing a single request', async () => {
    const workload = running('terminate');
    await writes(workload, WRITES);
    const leader = await cluster.leader();
    const ending = await cluster.end(leader, 'SIGTERM');
    await writes(workload, WRITES);
    await cluster.restart(leader);
    await settle(workload);
    expect(ending).toEqual({ code: 0, signal: null });
    expect(workload.failures).toEqual([]);
  });

  it('goes on without a leader that sleeps, and hears nothing stale from it when it wakes', async () => {
    const workload = running('pause');
    await writes(workload, WRITES);
    const sleeper = await cluster.leader();
    cluster.signal(sleeper, 'SIGSTOP');
    const asleepMs = performance.now();
    // The others take over while it sleeps; it wakes after three seconds.
    await writes(workload, WRITES);
    await until('three seconds have passed', PATIENCE_MS, () => performance.now() - asleepMs > 3000);
    cluster.signal(sleeper, 'SIGCONT');
    await writes(workload, WRITES);
    await settle(workload);
  });
});
