import { json } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';

const SCANS = 300;

describe('a scan of one moment', () => {
  it('sees all of a transaction or nothing, while the log of the leader is slow', async () => {
    const latency = { minMs: 0.1, meanMs: 0.1, spikes: 0, bandwidth: 100_000 };
    const world = new CalmCluster({ latency, turnUs: 10 }).start();
    const { cluster, scheduler } = world;
    const [writer, reader] = [0, 1].map((index) => world.connect(index).keyspace('default', json<number>()));
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
