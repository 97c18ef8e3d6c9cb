import { Client, type Written } from '@holdfast/client';
import type { NodeSettings } from '@holdfast/store';
import { describe, expect, it } from 'vitest';
import { Coverage } from '../checkers/violation.ts';
import { Scheduler } from '../world/scheduler.ts';
import { CLUSTER_ID, StoreCluster } from './store-cluster.ts';

const SHORT_MS = 2_000;
const LONG_MS = 3_600_000;
const FILLERS = 60;

class World {
  readonly #settings: { -readonly [K in keyof NodeSettings]?: NodeSettings[K] } = {
    memtableBytes: 4 * 1024,
    retentionMs: SHORT_MS,
  };
  readonly #scheduler = new Scheduler();
  readonly #cluster: StoreCluster;
  readonly #client: Client;

  constructor() {
    const options = {
      seed: 1,
      nodes: 1,
      latency: { minMs: 0.1, meanMs: 0.5, spikes: 0, bandwidth: 100_000 },
      turnUs: 50,
      driftMax: 0,
      skewMsMax: 0,
      settings: this.#settings,
      canary: undefined,
    };
    const report = (violation: Error): void => this.#scheduler.fail(violation);
    this.#cluster = new StoreCluster(this.#scheduler, options, new Coverage(), report);
    for (const server of this.#cluster.servers) this.#cluster.start(server);
    const environment = this.#cluster.client(0);
    this.#client = new Client({ ...environment, seeds: this.#cluster.addresses, clusterId: CLUSTER_ID });
  }

  async pass(ms: number): Promise<void> {
    await this.#scheduler.runUntil(this.#scheduler.nowUs + ms * 1000);
  }

  set(key: string, value: string): Promise<Written> {
    return this.#within(this.#client.keyspace('default').set(key, value));
  }

  async read(key: string, revision: number, consistency: 'strong' | 'eventual'): Promise<unknown> {
    const item = await this.#within(this.#client.keyspace('default').get(key, { revision, consistency }));
    return item?.value;
  }

  /** The node dies and comes back with another setting. */
  async restart(retentionMs: number): Promise<void> {
    const [server] = this.#cluster.servers;
    this.#cluster.kill(server!, 'kill');
    this.#settings.retentionMs = retentionMs;
    this.#cluster.start(server!);
    await this.pass(5_000);
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const mark = (): void => void (done = true);
    work.then(mark, mark);
    await this.#scheduler.runUntil(this.#scheduler.nowUs + 10_000_000, () => done);
    expect(done).toBe(true);
    return work;
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
