import { Client, KeyspacePurger, PURGE_LOOK_MS } from '@holdfast/client';
import { type KeyspaceId, Prng, randomPick } from '@holdfast/io';
import { OpKind } from '@holdfast/wire';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import { CLUSTER_ID } from './store-cluster.ts';

const DOOMED_KEYS = 4500;
const KEPT_KEYS = 500;
const PATIENCE_MS = 5 * PURGE_LOOK_MS;

class World extends CalmCluster {
  client(index: number): { readonly client: Client; readonly purger: (purged: string[]) => KeyspacePurger } {
    const environment = this.cluster.client(index);
    const client = new Client({ ...environment, seeds: this.cluster.addresses, clusterId: CLUSTER_ID });
    const { clock } = environment;
    const purger = (purged: string[]): KeyspacePurger =>
      new KeyspacePurger({
        keyspaces: client.keyspaces,
        clock,
        random: new Prng(index + 1),
        purged: (name) => purged.push(name),
      });
    return { client, purger };
  }

  settled<T>(promise: Promise<T>): Promise<T> {
    return this.within(promise, PATIENCE_MS);
  }

  async until(holds: () => boolean): Promise<void> {
    for (let waitedMs = 0; !holds() && waitedMs < PATIENCE_MS; waitedMs += 20) await this.pass(20);
    expect(holds()).toBe(true);
  }
}

async function count(world: World, client: Client, id: number): Promise<number> {
  const keyspace = id as KeyspaceId;
  const scan = { kind: OpKind.scan, keyspace, key: new Uint8Array(0), countOnly: true };
  return (await world.settled(client.execute(scan))).count;
}

describe('a deleted keyspace', () => {
  it.each([1, 2, 3, 4])(
    'goes to the last key although purgers and leaders die, and takes nothing else with it (seed %i)',
    async (seed) => {
      const world = new World({ seed }).start();
      const { client } = world.client(0);
      const doomed = await world.settled(client.keyspaces.create('doomed'));
      const kept = await world.settled(client.keyspaces.create('kept'));
      for (const [name, keys] of [
        ['doomed', DOOMED_KEYS],
        ['kept', KEPT_KEYS],
      ] as const) {
        const keyspace = client.keyspace<number>(name);
        const writes = Array.from({ length: keys }, (_, i) => keyspace.set(`key-${i}`, i));
        await world.settled(Promise.all(writes));
      }
      await world.settled(client.keyspaces.delete('doomed'));

      // One purger dies in the middle of its work, and so does a node.
      const first = world.client(1);
      const purger = first.purger([]);
      purger.wake();
      while ((await count(world, client, doomed.id)) === DOOMED_KEYS);
      purger.close();
      await first.client.close();
      const victim = randomPick(new Prng(seed), world.cluster.servers);
      world.cluster.kill(victim, 'power');
      const left = await count(world, client, doomed.id);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThan(DOOMED_KEYS);

      // Two others go on, at once, without being told of anything.
      const purged: string[] = [];
      const others = [world.client(2), world.client(3)];
      const purgers = others.map((other) => other.purger(purged));
      await world.until(() => purged.length > 0);
      expect(await world.settled(client.keyspaces.describe('doomed'))).toBeUndefined();
      expect(await count(world, client, doomed.id)).toBe(0);
      expect(await count(world, client, kept.id)).toBe(KEPT_KEYS);
      const again = await world.settled(client.keyspaces.create('doomed'));
      expect(again.id).toBeGreaterThan(kept.id);
      for (const one of purgers) one.close();
      for (const other of others) await other.client.close();
    },
    60_000,
  );
});
