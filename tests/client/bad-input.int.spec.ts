import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import {
  copyBytes,
  keyspaceId,
  Prng,
  pureKernels,
  randomInteger,
  randomPick,
  rangeId,
  utf8,
  viewOf,
} from '@holdfast/io';
import {
  Consistency,
  DataRequestBuilder,
  encodeFrame,
  encodeHello,
  encodePing,
  FrameType,
  HANDSHAKE_FRAME_BYTES_MAX,
  PROTOCOL_VERSION_MAX,
  PeerRole,
  type ProtocolViolation,
} from '@holdfast/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mutate } from '../../libs/wire/testdata/mutate.ts';
import { SAMPLE_FRAMES } from '../../libs/wire/testdata/sample-frames.ts';
import { CLUSTER_ID, LocalCluster } from './local-cluster.ts';
import { clientHello, RawPeer } from './raw-peer.ts';

const kernels = pureKernels;
const VERSION = PROTOCOL_VERSION_MAX;
/** A stranger has 5 s to say hello; the node looks every tick. */
const HANDSHAKE_MS = 5000;
const FUZZED_FRAMES = Number(process.env['FUZZ_SOCKET_FRAMES'] ?? 20_000);
const IDLE_CONNECTIONS = 1000;

let cluster: LocalCluster;
let address: string;
let db: Client;

beforeAll(async () => {
  cluster = await LocalCluster.start({ nodes: 1 });
  [address] = cluster.addresses;
  db = await connect(cluster.target);
  await db.keyspace<number>('default').set('alive', 1);
});
afterAll(async () => {
  await db.close();
  await cluster.stop();
});
beforeEach(() => void cluster.closings.splice(0));

/** Bytes of the heap and outside it after a full collection. */
async function memoryBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    collect();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function stillServes(): Promise<void> {
  const numbers = db.keyspace<number>('default');
  const { value } = (await numbers.get('alive')) ?? { value: Number.NaN };
  await numbers.set('alive', value + 1);
  expect((await numbers.get('alive'))?.value).toBe(value + 1);
  expect(cluster.fatal).toEqual([]);
}

/** The violation for which the node closed the only connection that has ended. */
async function violationOf(peer: RawPeer): Promise<string | undefined> {
  await peer.closed;
  while (cluster.closings.length === 0) await turn();
  expect(cluster.closings).toHaveLength(1);
  const { reason } = cluster.closings[0];
  return reason?.violation ?? reason?.message;
}

/** A ping with bytes changed; sealed = the header's checksum is made to fit again. */
function ping(change: (view: DataView) => void, sealed = true): Uint8Array {
  const bytes = copyBytes(encodePing(kernels, VERSION, 7, utf8('payload')));
  const view = viewOf(bytes);
  change(view);
  if (sealed) view.setUint32(20, kernels.crc32(bytes, 0, 20, 0), true);
  return bytes;
}

const broken = (type: FrameType, payload: Uint8Array): Uint8Array =>
  encodeFrame(kernels, { type, requestId: 3, version: VERSION }, payload);
const garbage = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 131) & 0xff);

const VIOLATIONS: readonly (readonly [string, Uint8Array, ProtocolViolation])[] = [
  ['HTTP', utf8('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'magic'],
  ['four wrong bytes and silence', utf8('HFF2'), 'magic'],
  ['a later header version', ping((view) => view.setUint8(10, 9)), 'header-version'],
  ['a damaged header', ping((view) => view.setUint32(12, 99, true), false), 'header-checksum'],
  ['length 0', ping((view) => view.setUint32(4, 0, true)), 'length'],
  ['a length that is less than a header', ping((view) => view.setUint32(4, 23, true)), 'length'],
  ['length -1, which is 4 GiB - 1', ping((view) => view.setInt32(4, -1, true)), 'length'],
  ['a negative length', ping((view) => view.setInt32(4, -0x8000_0000, true)), 'length'],
  ['a frame above 16 MiB', ping((view) => view.setUint32(4, 16 * 1024 * 1024 + 1, true)), 'length'],
  ['an unknown type', ping((view) => view.setUint8(8, 200)), 'type'],
  ['unknown flags', ping((view) => view.setUint8(9, 0x80)), 'flags'],
  ['a damaged body', ping((view) => view.setUint8(25, 0), true), 'checksum'],
];

describe('a connection is closed, and the violation is told apart,', () => {
  it.each(VIOLATIONS)('for %s before the handshake', async (_, bytes, violation) => {
    const peer = await RawPeer.open(address);
    peer.send(bytes);
    expect(await violationOf(peer)).toBe(violation);
    expect(peer.frames).toEqual([]);
    await stillServes();
  });

  it.each(VIOLATIONS)('for %s after the handshake', async (_, bytes, violation) => {
    const peer = await RawPeer.greeted(address);
    peer.send(bytes);
    expect(await violationOf(peer)).toBe(violation);
    await stillServes();
  });

  it.each<[string, Uint8Array, ProtocolViolation]>([
    ['a frame of another protocol version', encodePing(kernels, VERSION + 1, 7, utf8('x')), 'version'],
    ['a request that is not a buffer', broken(FrameType.dataRequest, garbage(300)), 'malformed'],
    ['an empty request', broken(FrameType.dataRequest, new Uint8Array(0)), 'malformed'],
    [
      'a question for the map that is not a buffer',
      broken(FrameType.rangeMapRequest, garbage(40)),
      'malformed',
    ],
    ['what only nodes send', broken(FrameType.raftBatch, garbage(40)), 'unexpected'],
    ['what only nodes answer', broken(FrameType.dataResponse, garbage(40)), 'unexpected'],
    ['a ping that is a file', broken(FrameType.ping, garbage(65)), 'limit'],
  ])('for %s', async (_, bytes, violation) => {
    const peer = await RawPeer.greeted(address);
    peer.send(bytes);
    expect(await violationOf(peer)).toBe(violation);
    await stillServes();
  });

  it.each<[string, Uint8Array, ProtocolViolation]>([
    ['a request before the hello', encodePing(kernels, VERSION, 7, utf8('x')), 'unexpected'],
    ['a hello that is not a buffer', broken(FrameType.hello, garbage(100)), 'malformed'],
    ['more than a stranger may send', broken(FrameType.hello, garbage(HANDSHAKE_FRAME_BYTES_MAX)), 'length'],
  ])('for %s', async (_, bytes, violation) => {
    const peer = await RawPeer.open(address);
    peer.send(bytes);
    expect(await violationOf(peer)).toBe(violation);
    await stillServes();
  });
});

describe('a handshake is refused', () => {
  const clusterId = Uint8Array.from(Buffer.from(CLUSTER_ID, 'hex'));
  it.each([
    ['with another cluster', { clusterId: new Uint8Array(16).fill(1) }, 'HF_WRONG_CLUSTER'],
    ['for another node', { toNodeId: 9 as never }, 'HF_WRONG_NODE'],
    ['under the own id of the node', { role: PeerRole.node, nodeId: 1 as never, clusterId }, 'HF_WRONG_NODE'],
    [
      'to a node that is not a member',
      { role: PeerRole.node, nodeId: 77 as never, clusterId },
      'HF_WRONG_NODE',
    ],
    ['in versions to come', { versionMin: 200, versionMax: 255 }, 'HF_VERSION_MISMATCH'],
  ])('%s, with a reason, and the connection closed', async (_, more, code) => {
    const peer = await RawPeer.open(address);
    expect(await peer.greet(more)).toMatchObject({ refusal: code, version: 0, nodeId: 0 });
    await peer.closed;
    await stillServes();
  });
});

describe('random damage', () => {
  it('never crashes the node, and leaves its memory as it was', { timeout: 60_000 }, async () => {
    const samples = [...SAMPLE_FRAMES.values()];
    const random = new Prng(20_260_101);
    const counts = new Map<string, number>();
    let sent = 0;
    const storm = async (frames: number): Promise<void> => {
      for (let left = frames; left > 0;) {
        const peer = await (left % 3 === 0 ? RawPeer.open(address) : RawPeer.greeted(address));
        while (left > 0 && !peer.socket.destroyed) {
          // As many as fit into a few segments: most connections end at the first or second.
          for (let i = randomInteger(random, 1, 8); i > 0 && left > 0; i--, left--, sent++) {
            const frame = mutate(random, randomPick(random, samples), samples);
            peer.send(randomInteger(random, 0, 3) === 0 ? resealed(frame) : frame);
          }
          await turn();
        }
        peer.destroy();
      }
    };
    await storm(Math.ceil(FUZZED_FRAMES / 10));
    const beforeBytes = await memoryBytes();
    await storm(FUZZED_FRAMES);
    await stillServes();
    const grownBytes = (await memoryBytes()) - beforeBytes;
    for (const { reason } of cluster.closings) {
      const kind = reason?.violation ?? 'other';
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    expect(sent).toBeGreaterThanOrEqual(FUZZED_FRAMES);
    expect(counts.get('header-checksum')).toBeGreaterThan(10);
    expect(counts.get('malformed')).toBeGreaterThan(10);
    expect(grownBytes).toBeLessThan(16 * 1024 * 1024);
    expect(cluster.fatal).toEqual([]);
  });
});

/** The frame with both checksums made to fit, if it is long enough to have them: damage that reaches the readers. */
function resealed(frame: Uint8Array): Uint8Array {
  if (frame.length < 24) return frame;
  const bytes = copyBytes(frame);
  const view = viewOf(bytes);
  view.setUint32(0, 0x31464648, true);
  view.setUint32(4, bytes.length, true);
  view.setUint8(10, 1);
  view.setUint8(11, VERSION);
  view.setUint32(16, kernels.crc32(bytes, 24, bytes.length, 0), true);
  view.setUint32(20, kernels.crc32(bytes, 0, 20, 0), true);
  return bytes;
}

describe('peers that take their time', () => {
  it('are closed when they do not say hello: silent, or a byte at a time', { timeout: 30_000 }, async () => {
    const startedMs = performance.now();
    const silent = await Promise.all(
      Array.from({ length: IDLE_CONNECTIONS / 2 }, () => RawPeer.open(address)),
    );
    const loris = await RawPeer.open(address);
    const hello = encodeHello(kernels, 1, clientHello());
    let at = 0;
    const drip = setInterval(() => {
      if (!loris.socket.destroyed) loris.send(hello.subarray(at, ++at));
    }, 100);
    await stillServes();
    await Promise.all([...silent, loris].map(({ closed }) => closed));
    clearInterval(drip);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(HANDSHAKE_MS - 500);
    expect(tookMs).toBeLessThan(HANDSHAKE_MS + 3000);
    while (cluster.closings.length < silent.length + 1) await turn();
    expect(cluster.closings.every(({ reason }) => reason?.message === 'no handshake in time')).toBe(true);
    await stillServes();
  });

  it('cost little while they are idle, a thousand of them', { timeout: 30_000 }, async () => {
    const beforeBytes = await memoryBytes();
    const peers: RawPeer[] = [];
    while (peers.length < IDLE_CONNECTIONS) {
      peers.push(...(await Promise.all(Array.from({ length: 100 }, () => RawPeer.greeted(address)))));
    }
    const eachBytes = ((await memoryBytes()) - beforeBytes) / IDLE_CONNECTIONS;
    // Both ends of every connection live in this process.
    expect(eachBytes).toBeLessThan(32 * 1024);
    const startedMs = performance.now();
    for (let i = 0; i < 10; i++) await stillServes();
    expect((performance.now() - startedMs) / 30).toBeLessThan(100);
    for (const peer of peers) peer.destroy();
    while (cluster.closings.length < IDLE_CONNECTIONS) await turn();
    expect((await memoryBytes()) - beforeBytes).toBeLessThan(8 * 1024 * 1024);
  });

  it('that announce 16 MiB and send a hundred bytes cost what they sent', async () => {
    const beforeBytes = await memoryBytes();
    const frame = broken(FrameType.dataRequest, new Uint8Array(15 * 1024 * 1024));
    const peers = await Promise.all(Array.from({ length: 100 }, () => RawPeer.greeted(address)));
    for (const peer of peers) peer.send(frame.slice(0, 100));
    await stillServes();
    // 1.5 GB were announced; the frame itself is in this process, once.
    expect((await memoryBytes()) - beforeBytes - frame.length).toBeLessThan(8 * 1024 * 1024);
    // Half of them say goodbye in the middle of the frame, the others vanish.
    for (const [i, peer] of peers.entries()) {
      if (i % 2 === 0) peer.socket.end();
      else peer.socket.resetAndDestroy();
    }
    await Promise.all(peers.map(({ closed }) => closed));
    while (cluster.closings.length < peers.length) await turn();
    await stillServes();
  });

  it('that close their half get what they asked for before', async () => {
    const peer = await RawPeer.greeted(address);
    peer.socket.end(encodePing(kernels, VERSION, 9, utf8('last words')));
    const pong = await peer.frame(FrameType.pong);
    expect(pong).toMatchObject({ requestId: 9, payload: utf8('last words') });
    await peer.closed;
    await stillServes();
  });

  it(
    'that do not read make the node stop reading them, not hold what they ask for',
    { timeout: 30_000 },
    async () => {
      await db.keyspace('default').set('large', 'x'.repeat(512 * 1024));
      const peer = await RawPeer.greeted(address);
      peer.socket.pause();
      const builder = new DataRequestBuilder();
      // `meta`, then the default keyspace cut at c, k and s.
      const holder = rangeId(4);
      const beforeBytes = process.memoryUsage().arrayBuffers;
      let largestBytes = 0;
      for (let i = 0; i < 400; i++) {
        builder.get(holder, keyspaceId(1), utf8('large'));
        const head = {
          deadlineMs: 5000,
          consistency: Consistency.eventual,
          maxStalenessMs: 0,
          minRevision: 0,
        };
        peer.send(builder.toFrame(kernels, i + 1, VERSION, head));
        await delay(1);
        largestBytes = Math.max(largestBytes, process.memoryUsage().arrayBuffers - beforeBytes);
      }
      // 200 MiB were asked for.
      expect(largestBytes).toBeLessThan(64 * 1024 * 1024);
      await stillServes();
      peer.destroy();
    },
  );
});
