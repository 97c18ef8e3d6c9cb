import { HoldfastError, type Keyspace } from '@holdfast/client';
import type { NodeSettings } from '@holdfast/store';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import type { Coverage } from '../checkers/violation.ts';
import { checkFinalState } from './final-state.ts';
import { SCRATCH_DIRECTORY, type Server, type StoreCluster, TREE_DIRECTORY } from './store-cluster.ts';

const VALUE = 'v'.repeat(500);

class World {
  readonly #calm: CalmCluster;
  readonly #values: Keyspace<unknown>;
  readonly coverage: Coverage;
  readonly cluster: StoreCluster;
  #written = 0;

  constructor(settings: Partial<NodeSettings> = {}) {
    const small = { segmentBytes: 64 * 1024, memtableBytes: 64 * 1024 };
    this.#calm = new CalmCluster({ settings: { ...small, ...settings } }).start();
    this.#values = this.#calm.connect(0).keyspace('default');
    this.coverage = this.#calm.coverage;
    this.cluster = this.#calm.cluster;
  }

  pass(ms: number): Promise<void> {
    return this.#calm.pass(ms);
  }

  /** Lets time pass until something is so. */
  async until(condition: () => boolean): Promise<void> {
    const { scheduler } = this.#calm;
    await scheduler.runUntil(scheduler.nowUs + 30_000_000, condition);
    expect(condition()).toBe(true);
  }

  /** Writes one key after the other; the codes of those that failed. */
  async write(count: number): Promise<readonly string[]> {
    const failures: string[] = [];
    for (let i = 0; i < count; i++) {
      const key = `k${this.#written + 1}`;
      try {
        await this.#calm.within(this.#values.set(key, VALUE, { deadlineMs: 2_000 }));
        this.#written++;
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        failures.push(`${error.code} ${error.outcome}`);
      }
    }
    return failures;
  }

  /** How many of the acknowledged writes are there. */
  async read(): Promise<number> {
    let found = 0;
    for (let i = 1; i <= this.#written; i++)
      if ((await this.#calm.within(this.#values.get(`k${i}`))) !== undefined) found++;
    return found;
  }

  get written(): number {
    return this.#written;
  }
}

function leaderOfMost({ servers }: StoreCluster): Server {
  const led = ({ node }: Server): number =>
    node?.status().ranges.filter(({ role }) => role === 'leader').length ?? 0;
  return servers.reduce((best, server) => (led(server) > led(best) ? server : best));
}

describe('a full disk', () => {
  it('of a leader: another one takes the writes, and the node stays', async () => {
    const world = new World();
    await world.pass(3_000);
    expect(await world.write(50)).toEqual([]);
    const full = leaderOfMost(world.cluster);
    full.machine.faults.capacityBytes = full.machine.disk.usedBytes;
    const failures = await world.write(150);
    expect(failures).toEqual([]);
    expect(world.coverage.count('ranges offered because of a full disk')).toBeGreaterThan(0);
    expect(full.node?.state).toBe('serving');
    expect(await world.read()).toBe(world.written);
  });

  it('everywhere: writes are refused for certain, reads go on, and writes too when there is room', async () => {
    const world = new World();
    await world.pass(3_000);
    expect(await world.write(50)).toEqual([]);
    for (const { machine } of world.cluster.servers) machine.faults.capacityBytes = machine.disk.usedBytes;
    const failures: string[] = [];
    for (let i = 0; i < 40 && failures.length < 3; i++) failures.push(...(await world.write(5)));
    expect(new Set(failures)).toEqual(new Set(['HF_DISK_FULL not_applied']));
    expect(await world.read()).toBe(world.written);
    expect(world.cluster.servers.every(({ node }) => node?.state === 'serving')).toBe(true);
    for (const { machine } of world.cluster.servers) machine.faults.capacityBytes = Number.MAX_SAFE_INTEGER;
    await world.pass(3_000);
    expect(await world.write(20)).toEqual([]);
  });

  describe('of a node that needs a snapshot', () => {
    const LOG = { logKeepBytes: 4 * 1024, logBytesMax: 8 * 1024 };

    /** A world with one node that has missed more than the log of the others holds. */
    async function behind(): Promise<{ world: World; server: Server; heal: () => void }> {
      const world = new World(LOG);
      await world.pass(3_000);
      const { servers, network } = world.cluster;
      const server = servers.find((other) => other !== leaderOfMost(world.cluster))!;
      const { host } = server.machine;
      const links = servers
        .filter((other) => other !== server)
        .flatMap(({ machine }) => [network.link(machine.host, host), network.link(host, machine.host)]);
      for (const link of links) link.sever();
      expect(await world.write(600)).toEqual([]);
      return { world, server, heal: () => links.forEach((link) => link.heal()) };
    }

    /** It stays, the others serve, and it gets its snapshot when there is room. */
    async function expectPatience(world: World, { node, machine }: Server): Promise<void> {
      const { coverage, cluster } = world;
      await world.pass(20_000);
      const refused = coverage.count('snapshot without room');
      expect(refused).toBeGreaterThan(1);
      // Not at every tick: each try is an export of the range.
      expect(refused).toBeLessThan(10);
      expect(coverage.count('snapshot installed')).toBe(0);
      expect(machine.disk.files(SCRATCH_DIRECTORY)).toEqual([]);
      expect(await world.write(50)).toEqual([]);
      expect(await world.read()).toBe(world.written);
      expect(node?.state).toBe('serving');
      machine.faults.capacityBytes = Number.MAX_SAFE_INTEGER;
      await world.pass(10_000);
      expect(coverage.count('snapshot installed')).toBeGreaterThan(0);
      await checkFinalState(cluster);
    }

    it.each([0, 8, 64, 96, 128])(
      'and has %i KiB of room: nothing is left of what came',
      async (kibibytes) => {
        const { world, server, heal } = await behind();
        const { faults, disk } = server.machine;
        faults.capacityBytes = disk.usedBytes + kibibytes * 1024;
        heal();
        await expectPatience(world, server);
      },
    );

    it('and has room for the transfer only: nothing is installed, or all of it later', async () => {
      const { world, server, heal } = await behind();
      const { faults, disk } = server.machine;
      const inodes = (directory: string): readonly unknown[] =>
        disk.files(directory).map(({ inode }) => inode);
      heal();
      // Its tables are linked into the tree; the manifest is to follow.
      await world.until(() =>
        inodes(TREE_DIRECTORY).some((inode) => inodes(SCRATCH_DIRECTORY).includes(inode)),
      );
      faults.capacityBytes = disk.usedBytes;
      await world.pass(1_000);
      expect(world.coverage.count('snapshot without room')).toBe(1);
      const tables = server.node?.tree.stats().levels.reduce((sum, level) => sum + level.tables, 0);
      expect(disk.files(TREE_DIRECTORY).filter(({ path }) => path.endsWith('.sst'))).toHaveLength(tables!);
      await expectPatience(world, server);
    });
  });
});
