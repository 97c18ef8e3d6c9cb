import type { Written } from '@holdfast/client';
import type { NodeSettings } from '@holdfast/store';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';

const SHORT_MS = 2_000;
const LONG_MS = 3_600_000;
const FILLERS = 60;

class World {
  readonly #settings: { -readonly [K in keyof NodeSettings]?: NodeSettings[K] } = {
    memtableBytes: 4 * 1024,
    retentionMs: SHORT_MS,
  };
  readonly #world = new CalmCluster({ nodes: 1, settings: this.#settings }).start();
  readonly #client = this.#world.connect(0);

  pass(ms: number): Promise<void> {
    return this.#world.pass(ms);
  }

  set(key: string, value: string): Promise<Written> {
    return this.#world.within(this.#client.keyspace('default').set(key, value), 10_000);
  }

  async read(key: string, revision: number, consistency: 'strong' | 'eventual'): Promise<unknown> {
    const item = await this.#world.within(
      this.#client.keyspace('default').get(key, { revision, consistency }),
      10_000,
    );
    return item?.value;
  }

  /** The node dies and comes back with another setting. */
  async restart(retentionMs: number): Promise<void> {
    const { cluster } = this.#world;
    const [server] = cluster.servers;
    cluster.kill(server!, 'kill');
    this.#settings.retentionMs = retentionMs;
    cluster.start(server!);
    await this.pass(5_000);
  }
}

describe.each(['strong', 'eventual'] as const)('old versions, read with level %s', (consistency) => {
  it('are refused by a node that has dropped them, also when it no longer knows why', async () => {
    const world = new World();
    await world.pass(3_000);
    const old = await world.set('k', 'old');
    await world.set('k', 'new');
    await world.pass(SHORT_MS * 2);
    // Memtables fill and are flushed, without the older version.
    for (let i = 0; i < FILLERS; i++) await world.set(`filler${i}`, 'v'.repeat(200));
    const refusal = { code: 'HF_COMPACTED' };
    await expect(world.read('k', old.revision, consistency)).rejects.toMatchObject(refusal);
    await world.restart(LONG_MS);
    await expect(world.read('k', old.revision, consistency)).rejects.toMatchObject(refusal);
  }, 60_000);

  it('are there again after a restart when nothing was dropped yet and they are now kept longer', async () => {
    const world = new World();
    await world.pass(3_000);
    const old = await world.set('k', 'old');
    await world.set('k', 'new');
    await world.pass(SHORT_MS * 2);
    await world.restart(LONG_MS);
    expect(await world.read('k', old.revision, consistency)).toBe('old');
  }, 60_000);
});
