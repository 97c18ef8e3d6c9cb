import { Client, type VersionRange } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { keyspaceId, nodeId, pureKernels, rangeId, utf8 } from '@holdfast/io';
import { Node } from '@holdfast/store';
import {
  Consistency,
  DataRequestBuilder,
  encodeFrame,
  encodeHello,
  FRAME_HEADER_BYTES,
  FrameType,
  readHelloAck,
} from '@holdfast/wire';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../../libs/sim/src/world/machine.ts';
import { Scheduler } from '../../libs/sim/src/world/scheduler.ts';
import { SimNetwork } from '../../libs/sim/src/world/sim-network.ts';
import { helloWithZone, requestWithPriority, VERSION_TWO } from '../../libs/wire/testdata/version-two.ts';
import { CLUSTER_ID, LocalCluster } from './local-cluster.ts';
import { clientHello, RawPeer } from './raw-peer.ts';

/** An upgrade half done: nodes 1 and 3 speak both versions, node 2 the old one. */
const RANGES = [
  [1, 2],
  [1, 1],
  [1, 2],
] as const;
const expectedVersion = (a: number, b: number): number => (a === 2 || b === 2 ? 1 : 2);

/** Remembers, for each pair of nodes, in which versions frames came over their connection. */
function recordVersions(nodes: readonly Node[]): Map<string, Set<number>> {
  const seen = new Map<string, Set<number>>();
  for (const node of nodes) {
    const peerFrame = node.peerFrame.bind(node);
    node.peerFrame = (from, reply, frame) => {
      const pair = `${from}-${node.self.nodeId}`;
      const versions = seen.get(pair) ?? new Set();
      seen.set(pair, versions.add(frame.version));
      peerFrame(from, reply, frame);
    };
  }
  return seen;
}

function expectPairsToHaveAgreed(seen: Map<string, Set<number>>): void {
  const pairs = ['1-2', '2-1', '1-3', '3-1', '2-3', '3-2'];
  expect([...seen.keys()].sort()).toEqual(pairs.toSorted());
  for (const pair of pairs) {
    const [a, b] = pair.split('-').map(Number);
    expect([pair, [...(seen.get(pair) ?? [])]]).toEqual([pair, [expectedVersion(a, b)]]);
  }
}

const CLIENTS: readonly (readonly [VersionRange, string])[] = [
  [{ min: 1, max: 1 }, 'of the old version'],
  [{ min: 1, max: 2 }, 'of both versions'],
];

describe('version 2 among version 1, over TCP', () => {
  let cluster: LocalCluster;
  let seen: Map<string, Set<number>>;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ versions: RANGES });
    seen = recordVersions(cluster.nodes);
  });
  afterAll(() => cluster.stop());

  it.each(CLIENTS)('serves a client %o, %s', async (versions) => {
    await using db = await connect(cluster.target, { versions });
    const numbers = db.keyspace<number>('default');
    const keys = ['a', 'd', 'm', 'z'].map((key) => `${key}-${versions.max}`);
    await numbers.setMany(keys.map((key, i) => [key, i] as const));
    expect((await numbers.getMany(keys)).map((item) => item?.value)).toEqual([0, 1, 2, 3]);
  });

  it('every pair of nodes talks in the highest version that both speak', () => {
    expectPairsToHaveAgreed(seen);
    expect(cluster.fatal).toEqual([]);
  });

  it('a client that speaks neither is refused at once, with the reason', async () => {
    const failed = connect(cluster.target, { versions: { min: 3, max: 4 } });
    await expect(failed).rejects.toMatchObject({ code: 'HF_VERSION_MISMATCH', outcome: 'not_applied' });
  });

  it('a hello and a batch with fields of version 2 are understood', async () => {
    const holder = cluster.nodes.find((node) => node.self.versionMax === 2)!;
    for (const node of cluster.nodes) {
      const both = encodeHello(pureKernels, 1, clientHello({ versionMax: 2 }));
      const peer = await RawPeer.open(node.address);
      const payload = helloWithZone(both.subarray(FRAME_HEADER_BYTES), 5);
      peer.send(encodeFrame(pureKernels, { type: FrameType.hello, requestId: 1, version: 1 }, payload));
      const ack = readHelloAck((await peer.frame(FrameType.helloAck)).payload);
      expect(ack.version).toBe(node.self.versionMax);
      if (node !== holder) continue;
      const builder = new DataRequestBuilder();
      builder.get(rangeId(2), keyspaceId(1), utf8('a-1'));
      const head = { deadlineMs: 1000, consistency: Consistency.eventual, maxStalenessMs: 0, minRevision: 0 };
      const old = builder.toFrame(pureKernels, 7, VERSION_TWO, head).subarray(FRAME_HEADER_BYTES);
      const request = { type: FrameType.dataRequest, requestId: 7, version: VERSION_TWO } as const;
      peer.send(encodeFrame(pureKernels, request, requestWithPriority(old, 3)));
      expect(await peer.frame(FrameType.dataResponse)).toMatchObject({ version: VERSION_TWO, requestId: 7 });
      peer.destroy();
    }
  });
});

describe('version 2 among version 1, in the simulator', () => {
  const members = RANGES.map((_, i) => ({ id: nodeId(i + 1), address: `10.0.0.${i + 1}:7711` }));
  let scheduler: Scheduler;
  let network: SimNetwork;
  let nodes: Node[];

  beforeEach(async () => {
    scheduler = new Scheduler('host');
    network = new SimNetwork(scheduler, 11, { minMs: 0.1, meanMs: 0.2, spikes: 0, bandwidth: 100_000 }, 20);
    nodes = [];
    const opening = members.map(async ({ id, address }, i) => {
      const machine = new Machine(scheduler, network, id, { host: `10.0.0.${id}`, seed: 100 + id });
      const node = await Node.open({
        ...machine.start(),
        directory: 'data',
        clusterId: CLUSTER_ID,
        nodeId: id,
        address,
        members,
        // Every pair of nodes is to talk.
        settings: { leaders: 'spread' },
      });
      Object.assign(node.self, { versionMin: RANGES[i][0], versionMax: RANGES[i][1] });
      nodes.push(node);
      return node.listen();
    });
    let listening = false;
    void Promise.all(opening).then(() => (listening = true));
    await scheduler.runUntil(1_000_000, () => listening);
  });
  afterEach(() => expect(nodes.map(({ state }) => state)).toEqual(['serving', 'serving', 'serving']));

  const clientOf = (versions: VersionRange): Client => {
    const machine = new Machine(scheduler, network, 50, { host: '10.0.1.1', seed: 7 });
    return new Client({ ...machine.start(), seeds: members.map(({ address }) => address), versions });
  };
  const settled = async <T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> => {
    let result: PromiseSettledResult<T> | undefined;
    void Promise.allSettled([promise]).then(([one]) => (result = one));
    await scheduler.runUntil(scheduler.nowUs + 20_000_000, () => result !== undefined);
    return result!;
  };

  it('pairs of nodes and clients settle on the highest version that both speak', async () => {
    const seen = recordVersions(nodes);
    for (const [versions] of CLIENTS) {
      const client = clientOf(versions);
      const numbers = client.keyspace<number>('default');
      const keys = ['a', 'd', 'm', 'z'].map((key) => `${key}-${versions.max}`);
      const written = await settled(numbers.setMany(keys.map((key, i) => [key, i] as const)));
      expect(written.status).toBe('fulfilled');
      const read = await settled(numbers.getMany(keys));
      expect(read).toMatchObject({ value: [{ value: 0 }, { value: 1 }, { value: 2 }, { value: 3 }] });
      await client.close();
    }
    expectPairsToHaveAgreed(seen);
  });

  it('a client that speaks neither is refused', async () => {
    const client = clientOf({ min: 3, max: 3 });
    expect(await settled(client.ready())).toMatchObject({
      status: 'rejected',
      reason: { code: 'HF_VERSION_MISMATCH' },
    });
    await client.close();
  });
});
