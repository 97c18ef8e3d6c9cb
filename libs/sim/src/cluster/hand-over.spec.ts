import type { Keyspace } from '@holdfast/client';
import { type NodeId, rangeId } from '@holdfast/io';
import type { Node } from '@holdfast/store';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import type { Server } from './store-cluster.ts';

type Replica = NonNullable<ReturnType<Node['replica']>>;

/** Holds the keys that are written. */
const RANGE = rangeId(4);

class World {
  readonly calm = new CalmCluster();
  /** Whom the client took for the leader, or no longer, in order. */
  readonly heard: string[] = [];
  readonly #values: Keyspace<unknown>;

  constructor() {
    this.calm.start();
    this.#values = this.calm
      .connect(0, {
        leaderFound: (range, node) => void (range === RANGE && this.heard.push(`found ${node}`)),
        leaderLost: (range, node) => void (range === RANGE && this.heard.push(`lost ${node}`)),
      })
      .keyspace('default');
  }

  /** Writes, and tells how long it took in milliseconds. */
  async write(value: number): Promise<number> {
    const { scheduler } = this.calm;
    const beganMs = scheduler.nowMs;
    await this.calm.within(this.#values.set('k', value));
    return scheduler.nowMs - beganMs;
  }

  async read(): Promise<unknown> {
    return (await this.calm.within(this.#values.get('k')))?.value;
  }

  get leader(): { readonly server: Server; readonly replica: Replica } {
    for (const server of this.calm.cluster.servers) {
      const replica = server.node?.replica(RANGE);
      if (replica?.isLeader === true) return { server, replica };
    }
    throw new Error('nobody leads');
  }

  /** Somebody else. */
  get heir(): Server {
    const { server: leader } = this.leader;
    return this.calm.cluster.servers.find((server) => server !== leader)!;
  }

  /** The leader gives the range away: its writes wait from now on. */
  give(heir: NodeId): void {
    const { server, replica } = this.leader;
    expect(replica.raft.transferLeadership(heir).ok).toBe(true);
    server.node?.wake(replica);
  }
}

describe('a write while the leadership is handed over', () => {
  it('is told at the end, and who leads', async () => {
    const world = new World();
    await world.calm.pass(3_000);
    const usualMs = await world.write(1);
    await world.write(2);
    const { server } = world.leader;
    const { heir } = world;
    world.heard.length = 0;
    world.give(heir.id);
    // An election on the way, and one node asked more; not a pause of the client, which begins at 10 ms.
    expect(await world.write(3)).toBeLessThan(usualMs + 10);
    expect(world.leader.server).toBe(heir);
    expect(world.heard).toEqual([`lost ${server.id}`, `found ${heir.id}`]);
    expect(await world.read()).toBe(3);
  });

  it('waits for the end of one that comes to nothing, and the leader stays known', async () => {
    const world = new World();
    await world.calm.pass(3_000);
    await world.write(1);
    const { server } = world.leader;
    const { heir } = world;
    const { network } = world.calm.cluster;
    network.link(server.machine.host, heir.machine.host).sever();
    world.heard.length = 0;
    world.give(heir.id);
    const tookMs = await world.write(2);
    // An election timeout.
    expect(tookMs).toBeGreaterThan(500);
    expect(tookMs).toBeLessThan(2_500);
    expect(world.heard).toEqual([]);
    expect(await world.read()).toBe(2);
  });
});
