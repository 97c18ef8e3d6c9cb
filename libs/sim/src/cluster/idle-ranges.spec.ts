import { describe, expect, it } from 'vitest';
import type { NodeId } from '@holdfast/io';
import { RaftInvariants } from '../checkers/raft-invariants.ts';
import { CalmCluster } from '../../testing/calm-cluster.ts';

const SPLITS = 40;

function start(): { readonly world: CalmCluster; readonly sent: () => number } {
  const splits = Array.from({ length: SPLITS }, (_, i) => `k${String(i).padStart(2, '0')}`);
  const world = new CalmCluster({ settings: { splits } });
  let messages = 0;
  const { invariants } = world.cluster;
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
  world.start();
  return { world, sent: () => messages };
}

describe('ranges without work', () => {
  it('send nothing, wake up for a write, and sleep again', async () => {
    const { world, sent } = start();
    await world.pass(10_000);
    const asleep = sent();
    await world.pass(20_000);
    expect(sent() - asleep).toBe(0);
    const client = world.connect(0);
    let written = false;
    void client
      .keyspace('default')
      .set('k07/x', 1)
      .then(() => (written = true));
    await world.pass(200);
    expect(written).toBe(true);
    await world.pass(10_000);
    const again = sent();
    // One range had work for two seconds; the others slept on.
    expect(again - asleep).toBeLessThan(300);
    await world.pass(20_000);
    expect(sent() - again).toBe(0);
  }, 60_000);

  it('miss a leader that dies or vanishes, and a follower that comes back gets what it missed', async () => {
    const { world } = start();
    const { cluster } = world;
    await world.pass(10_000);
    const [first] = cluster.servers;
    cluster.kill(first, 'power');
    await world.pass(15_000);
    const leaders = cluster.servers[1].node?.status().ranges.map(({ leader }) => leader) ?? [];
    expect(leaders.length).toBeGreaterThan(SPLITS);
    expect(leaders.filter((leader) => leader === 0 || leader === first.id)).toEqual([]);
    cluster.start(first);
    await world.pass(10_000);
    const applied = cluster.servers.map(({ node }) =>
      node?.status().ranges.map((range) => `${range.id}: ${range.applied}`),
    );
    expect(applied[0]).toEqual(applied[1]);
  }, 60_000);
});
