import { keyspaceId, pureKernels, rangeId, utf8 } from '@holdfast/io';
import {
  Consistency,
  DataRequestBuilder,
  DataResponseReader,
  FrameType,
  PROTOCOL_VERSION_MAX,
} from '@holdfast/wire';
import { connect } from '@holdfast/client/node';
import type { Node } from '@holdfast/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';
import { RawPeer } from './raw-peer.ts';

let cluster: LocalCluster;
beforeAll(async () => {
  // A leader that has lost its followers takes itself for one for two seconds more.
  cluster = await LocalCluster.start({ settings: { electionTicks: 40 } });
});
afterAll(() => cluster.stop());

/** Deadlines are looked at once a tick of 50 ms; the rest is for a busy machine. */
const LATE_MS_MAX = 1000;

it('a node without a quorum answers each operation of a batch at its own deadline', async () => {
  await using db = await connect(cluster.target);
  await db.keyspace('default').set('a', 'before');
  // The range of the keys below `c`.
  const range = 2;
  const key = utf8('a');
  const leads = (node: Node): boolean =>
    node.status().ranges.some(({ id, role }) => id === range && role === 'leader');
  const at = cluster.nodes.findIndex(leads);
  await Promise.all(cluster.nodes.filter((_, i) => i !== at).map((other) => other.stop(0)));
  const peer = await RawPeer.greeted(cluster.addresses[at]);
  const deadlines = [600, 100, 300];
  const batch = new DataRequestBuilder();
  batch.get(rangeId(range), keyspaceId(1), key, 0, deadlines[0]);
  batch.put(rangeId(range), keyspaceId(1), key, utf8('v'), { deadlineMs: deadlines[1] });
  batch.get(rangeId(range), keyspaceId(1), key, 0, deadlines[2]);
  const head = { deadlineMs: 5000, consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0 };
  const startedMs = performance.now();
  peer.send(batch.toFrame(pureKernels, 1, PROTOCOL_VERSION_MAX, head));
  const order: number[] = [];
  while (order.length < deadlines.length) {
    const { payload } = await peer.frame(FrameType.dataResponse);
    const reader = DataResponseReader.read(payload, deadlines.length);
    const tookMs = performance.now() - startedMs;
    for (let i = 0; i < reader.count; i++) {
      const op = reader.opIndex(i);
      order.push(op);
      expect(reader.ok(i)).toBe(false);
      expect(reader.error(i).outcome).toBe(op === 1 ? 'unknown' : 'not_applied');
      expect(tookMs).toBeGreaterThan(deadlines[op] - 1);
      expect(tookMs).toBeLessThan(deadlines[op] + LATE_MS_MAX);
    }
  }
  expect(order).toEqual([1, 2, 0]);
  peer.destroy();
});
