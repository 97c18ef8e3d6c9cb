import { HoldfastError } from '@holdfast/client';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import type { Server, StoreCluster } from './store-cluster.ts';

const VALUE = 'v'.repeat(500);

class World {
  readonly #calm = new CalmCluster({
    settings: { segmentBytes: 64 * 1024, memtableBytes: 64 * 1024 },
  }).start();
  readonly #values = this.#calm.connect(0).keyspace('default');
  readonly coverage = this.#calm.coverage;
  readonly cluster = this.#calm.cluster;
  #written = 0;

  pass(ms: number): Promise<void> {
    return this.#calm.pass(ms);
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
});
