import { Client, json } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { Scheduler } from '../world/scheduler.ts';
import { CLUSTER_ID, StoreCluster } from './store-cluster.ts';

const SCANS = 300;

describe('a scan of one moment', () => {
  it('sees all of a transaction or nothing, while the log of the leader is slow', async () => {
    const scheduler = new Scheduler();
    const options = {
      seed: 1,
      nodes: 3,
      latency: { minMs: 0.1, meanMs: 0.1, spikes: 0, bandwidth: 100_000 },
      turnUs: 10,
      driftMax: 0,
      skewMsMax: 0,
      settings: {},
      canary: undefined,
    };
    const cluster = new StoreCluster(scheduler, options, new Coverage(), (violation) =>
      scheduler.fail(violation),
    );
    for (const server of cluster.servers) cluster.start(server);
    const connect = (index: number): Client =>
      new Client({ ...cluster.client(index), seeds: cluster.addresses, clusterId: CLUSTER_ID });
    const [writer, reader] = [0, 1].map((index) => connect(index).keyspace('default', json<number>()));
    await scheduler.runUntil(3_000_000);
    const leader = cluster.servers.find(
      ({ node }) => node!.status().ranges.at(1)!.leader === node!.self.nodeId,
    )!;
    leader.machine.faults.slowdown = 100;
    let done = false;
    const write = async (): Promise<void> => {
      for (let i = 0; !done; i++) await writer!.atomic().set('a1', i).set('a2', -i).commit();
    };
    const sums: number[] = [];
    const scan = async (): Promise<void> => {
      for (let scans = 0; scans < SCANS; scans++) {
        let sum = 0;
        for await (const { value } of reader!.scan({ prefix: 'a', snapshot: true, pageSize: 1 }))
          sum += value;
        sums.push(sum);
      }
      done = true;
    };
    const fail = (error: unknown): void => scheduler.fail(error);
    write().catch(fail);
    scan().catch(fail);
    await scheduler.runUntil(60_000_000, () => done);
    expect(sums).toEqual(Array.from({ length: SCANS }, () => 0));
  }, 60_000);
});
