import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';

const KEYS = 20;

describe('a disk that is lost when the power fails everywhere', () => {
  it('is not taken for a new one by a node that has not heard of the last writes', async () => {
    const world = new CalmCluster().start();
    const { cluster, coverage } = world;
    const [lost, behind, whole] = cluster.servers;
    const values = world.connect(0).keyspace('default');
    await world.pass(3_000);
    cluster.kill(behind, 'power');
    for (let i = 0; i < KEYS; i++) await world.within(values.set(`k${i}`, `v${i}`));
    for (const server of [lost, whole]) cluster.kill(server, 'power');
    cluster.wipe(lost);
    for (const server of [lost, behind]) cluster.start(server);
    // Long enough for any election: the two are a majority, if the empty disk counts.
    await world.pass(10_000);
    expect(coverage.count('empty disk refused')).toBe(1);
    expect(behind.node?.status().ranges.some(({ leader }) => leader !== 0)).toBe(false);
    cluster.start(whole);
    for (let i = 0; i < KEYS; i++)
      expect(await world.within(values.get(`k${i}`))).toMatchObject({ value: `v${i}` });
  });
});
