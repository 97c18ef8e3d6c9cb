import { Prng } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { CalmCluster } from '../../testing/calm-cluster.ts';
import { checkFinalState } from './final-state.ts';
import type { Server } from './store-cluster.ts';

const KEYS = 60;
/** Where they lie. */
const RANGE = 4;
const VALUE = 'v'.repeat(200);

describe('a table that rots', () => {
  it.each([
    ['on a leader', true, 'bit flip'],
    ['on a follower', false, 'bit flip'],
    ['on a leader', true, 'lost write'],
    ['on a follower', false, 'misdirected write'],
  ] as const)(
    '%s: no read is wrong or lost, and the copy is repaired (leads: %s, %s)',
    async (_, isLeader, damage) => {
      const world = new CalmCluster({ settings: { memtableBytes: 4 * 1024 } }).start();
      const { cluster, coverage } = world;
      const values = world.connect(0).keyspace('default');
      await world.pass(3_000);
      for (let i = 0; i < KEYS; i++) await world.within(values.set(`k${i}`, VALUE + i), 10_000);
      const leads = ({ id, node }: Server): boolean =>
        node!.status().ranges.some((range) => range.id === RANGE && range.leader === id);
      const server = cluster.servers.find((candidate) => leads(candidate) === isLeader)!;
      const random = new Prng(7);
      for (let hits = 0; hits < 8;) if (cluster.rotTable(server, random, damage)) hits++;
      for (let i = 0; i < KEYS; i++) {
        const found = await world.within(values.get(`k${i}`), 20_000);
        expect(found?.value).toBe(VALUE + i);
        await world.within(values.set(`k${i}`, VALUE + (i + 1)), 20_000);
      }
      await checkFinalState(cluster);
      const seen = new Map(coverage.entries());
      expect(seen.get('damaged table found') ?? 0).toBeGreaterThan(0);
      expect(seen.get('damaged table repaired') ?? 0).toBeGreaterThan(0);
    },
    60_000,
  );
});
