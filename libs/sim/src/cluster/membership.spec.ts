import type { Client } from '@holdfast/client';
import { Prng, rangeId } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import { KEEP_ALL } from '../runs/mask.ts';
import { RegisterWorkload } from '../workloads/register-workload.ts';
import type { Worker } from '../workloads/worker.ts';
import { checkFinalState } from './final-state.ts';
import type { Server } from './store-cluster.ts';

const PATIENCE_MS = 60_000;
const META = 1;
const DATA = 2;

/** A cluster under a load of reads and writes, and somebody who changes its members. */
class World extends CalmCluster {
  readonly admin: Client;
  readonly #workload: RegisterWorkload;
  readonly #workers: readonly Worker[];

  constructor(seed: number, nodes: number) {
    super({
      seed,
      nodes,
      skewMsMax: 10,
      settings: { memtableBytes: 16 * 1024, segmentBytes: 64 * 1024, logKeepBytes: 0, logBytesMax: 4 * 1024 },
    });
    this.admin = this.connect(0);
    const random = new Prng(seed);
    this.#workload = new RegisterWorkload(() => this.scheduler.nowUs, random.fork());
    this.#workers = [1, 2, 3].map((i) =>
      this.#workload.worker({
        process: i,
        client: this.connect(i),
        scheduler: this.scheduler,
        random: random.fork(),
        pace: { thinkMs: 20, deadlineMs: 5_000 },
        mask: KEEP_ALL,
      }),
    );
    this.start();
    for (const worker of this.#workers) worker.start();
  }

  get writes(): number {
    return this.#workers.reduce((sum, { writes }) => sum + writes, 0);
  }

  until<T>(what: Promise<T>): Promise<T> {
    return this.within(what, PATIENCE_MS);
  }

  /** Begins the change, and sees it through. */
  async change(change: Parameters<Client['cluster']['change']>[0]): Promise<void> {
    await this.until(this.admin.cluster.change(change));
    await this.until(this.admin.cluster.settled());
  }

  votersOf(server: Server): readonly (readonly number[])[] {
    return server.node?.status().ranges.map(({ voters }) => voters) ?? [];
  }

  leader(range: number): Server {
    const id = this.cluster.invariants.leader(rangeId(range));
    return this.cluster.servers.find((server) => server.id === id)!;
  }

  /** Nothing was lost, and every member holds the same. */
  async judge(): Promise<void> {
    const before = this.writes;
    await this.pass(2_000);
    expect(this.writes).toBeGreaterThan(before);
    for (const worker of this.#workers) worker.stop();
    await this.pass(6_000);
    await this.#workload.judge(this.admin);
    await checkFinalState(this.cluster);
  }
}

describe('the members of a cluster', () => {
  it('grow from one to three to five and shrink to three, the leaders among those who go', async () => {
    for (const seed of [1, 2, 3]) {
      const world = new World(seed, 1);
      const { cluster } = world;
      await world.pass(2_000);
      const added = [1, 2, 3, 4].map(() => cluster.addServer());
      await world.change({ add: added.slice(0, 2) });
      const voters = world.votersOf(cluster.servers[0]);
      expect(voters.length).toBeGreaterThan(4);
      expect(voters.every((ids) => ids.join() === '1,2,3')).toBe(true);
      for (const server of added.slice(2)) {
        await world.until(world.admin.cluster.addNode(server.id, server.address));
        await world.until(world.admin.cluster.settled());
      }
      await world.pass(1_000);
      const leader = world.leader(1);
      const other = cluster.servers.find((server) => server !== leader)!;
      await world.change({ remove: [leader.id, other.id] });
      await world.pass(10_000);
      expect([leader.out, other.out]).toEqual([true, true]);
      expect(new Map(world.coverage.entries()).get('removed node ended')).toBe(2);
      expect(cluster.members).toHaveLength(3);
      await world.judge();
    }
  }, 60_000);

  it('are all exchanged in one change', async () => {
    const world = new World(4, 3);
    await world.pass(2_000);
    const added = [1, 2, 3].map(() => world.cluster.addServer());
    await world.change({ add: added, remove: world.cluster.servers.slice(0, 3).map(({ id }) => id) });
    await world.pass(10_000);
    expect(world.cluster.membership?.removed).toEqual([1, 2, 3]);
    await world.judge();
  }, 60_000);

  it('take one back that was down while all others were exchanged', async () => {
    const world = new World(7, 3);
    const { cluster } = world;
    await world.pass(2_000);
    const [first, second, away] = cluster.servers;
    cluster.kill(away, 'power');
    for (const old of [first, second]) {
      const { id, address } = cluster.addServer();
      await world.change({ add: [{ id, address }] });
      await world.change({ remove: [old.id] });
    }
    await world.pass(5_000);
    expect([first.out, second.out]).toEqual([true, true]);
    cluster.start(away);
    await world.pass(5_000);
    expect(world.votersOf(away).every((voters) => voters.join() === '3,4,5')).toBe(true);
    await world.judge();
  }, 60_000);

  it('lose one that is down, and it is not let in again', async () => {
    const world = new World(5, 3);
    const { cluster } = world;
    await world.pass(2_000);
    const [, , gone] = cluster.servers;
    cluster.kill(gone, 'power');
    await world.change({ remove: [gone.id] });
    await expect(world.until(world.admin.cluster.addNode(gone.id, '10.9.9.9:1'))).rejects.toThrow(
      'never used again',
    );
    cluster.start(gone);
    await world.pass(5_000);
    expect(gone.out).toBe(true);
    await world.judge();
  }, 60_000);

  it('do not lose their last majority: the change waits, and can be taken back', async () => {
    const world = new World(6, 3);
    const { cluster } = world;
    await world.pass(2_000);
    const [, second, third] = cluster.servers;
    cluster.kill(third, 'power');
    await world.until(world.admin.cluster.removeNode(second.id));
    await world.pass(5_000);
    expect(cluster.membership?.nodes.map(({ state }) => state)).toEqual(['voter', 'leaving', 'voter']);
    await expect(world.until(world.admin.cluster.removeNode(third.id))).rejects.toThrow('HF_CONFLICT');
    await world.until(world.admin.cluster.cancelChange());
    await world.change({ remove: [third.id] });
    await world.judge();
  }, 60_000);

  it('hear of a change in time to act on it, also who leaves, leads a range, and has missed what meta says', async () => {
    const world = new World(8, 3);
    const { cluster } = world;
    await world.pass(2_000);
    const goes = cluster.servers.find((server) => server !== world.leader(META))!;
    const leader = world.leader(DATA);
    const led = leader.node!.replica(rangeId(DATA))!;
    if (leader !== goes) {
      led.raft.transferLeadership(goes.id);
      leader.node!.wake(led);
      await world.pass(1_000);
    }
    expect(world.leader(DATA)).toBe(goes);
    const { raft } = goes.node!.replica(rangeId(META))!;
    const step = raft.step.bind(raft);
    raft.step = () => undefined;
    await world.until(world.admin.cluster.removeNode(goes.id));
    await world.pass(10_000);
    // Without its vote in meta, and at the head of the other range by what it knew last.
    expect(world.votersOf(world.leader(META))[0]).not.toContain(goes.id);
    expect(world.leader(DATA)).toBe(goes);
    raft.step = step;
    await world.until(world.admin.cluster.settled());
    await world.pass(5_000);
    expect(goes.out).toBe(true);
    await world.judge();
  }, 60_000);

  it('do not let in a node that has lost its disk', async () => {
    const world = new World(7, 3);
    const { cluster } = world;
    await world.pass(5_000);
    const [first] = cluster.servers;
    cluster.wipe(first);
    cluster.start(first);
    await world.pass(5_000);
    expect(first.out).toBe(true);
    const added = cluster.addServer();
    await world.change({ add: [added], remove: [first.id] });
    await world.judge();
  }, 60_000);
});
