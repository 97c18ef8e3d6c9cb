import { setImmediate as turn } from 'node:timers/promises';
import type { Client } from '@holdfast/client';
import { connect } from '@holdfast/client/node';
import { keyspaceId, pureKernels, rangeId, utf8 } from '@holdfast/io';
import type { Node } from '@holdfast/store';
import {
  BATCH_OPS_MAX,
  Consistency,
  DataRequestBuilder,
  DataResponseReader,
  FrameType,
  PROTOCOL_VERSION_MAX,
} from '@holdfast/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalCluster } from './local-cluster.ts';
import { RawPeer } from './raw-peer.ts';

const MIB = 2 ** 20;
const STRONG = { deadlineMs: 5000, consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0 };
const EVENTUAL = { ...STRONG, consistency: Consistency.eventual };
const keyspace = keyspaceId(1);
/** The range of the keys below `c`. */
const RANGE = rangeId(2);

/** Answers to a request of `ops` operations, by the number of the operation: its error, or `ok`. */
async function answersOf(peer: RawPeer, requestId: number, ops: number): Promise<readonly string[]> {
  const answers = new Array<string>(ops).fill('');
  for (let left = ops; left > 0;) {
    const frame = await peer.frame(FrameType.dataResponse);
    expect(frame.requestId).toBe(requestId);
    const reader = DataResponseReader.read(frame.payload, ops);
    left -= reader.count;
    expect(frame.more).toBe(left > 0);
    for (let i = 0; i < reader.count; i++) {
      const op = reader.opIndex(i);
      expect(answers[op]).toBe('');
      const { code, outcome } = reader.ok(i) ? { code: 'ok', outcome: '' } : reader.error(i);
      answers[op] = `${code} ${outcome}`.trim();
    }
  }
  return answers;
}

describe('answers that are larger than their questions', () => {
  let cluster: LocalCluster;
  let db: Client;

  beforeAll(async () => {
    cluster = await LocalCluster.start({ nodes: 1 });
    db = await connect(cluster.target);
    await db.keyspace<string>('default').set('a', 'x'.repeat(MIB - 2));
  });
  afterAll(async () => {
    await db.close();
    await cluster.stop();
  });

  it('are refused beyond 32 MiB for a peer that does not read, and each of 4,096 is answered', async () => {
    const peer = await RawPeer.greeted(cluster.addresses[0]);
    peer.socket.pause();
    const batch = new DataRequestBuilder();
    for (let op = 0; op < BATCH_OPS_MAX; op++) batch.get(RANGE, keyspace, utf8('a'));
    const beforeBytes = process.memoryUsage().arrayBuffers;
    peer.send(batch.toFrame(pureKernels, 1, PROTOCOL_VERSION_MAX, EVENTUAL));
    let largestBytes = 0;
    const look = async (): Promise<void> => {
      await turn();
      largestBytes = Math.max(largestBytes, process.memoryUsage().arrayBuffers - beforeBytes);
    };
    // The request has arrived; all of it is answered in that turn, and what is held goes nowhere.
    while (largestBytes < 16 * MIB) await look();
    for (let turns = 0; turns < 200; turns++) await look();
    expect(largestBytes).toBeLessThan(80 * MIB);
    peer.socket.resume();
    const answers = await answersOf(peer, 1, BATCH_OPS_MAX);
    const served = answers.filter((answer) => answer === 'ok').length;
    expect(served).toBeGreaterThanOrEqual(30);
    expect(served).toBeLessThanOrEqual(34);
    expect(answers.filter((answer) => answer === 'HF_OVERLOADED not_applied')).toHaveLength(
      BATCH_OPS_MAX - served,
    );
    peer.destroy();
  });

  it('all reach a client that reads, in the end', async () => {
    const items = await db.keyspace<string>('default').getMany(Array.from({ length: 80 }, () => 'a'));
    expect(items.map((item) => item?.value.length)).toEqual(Array(80).fill(MIB - 2));
  });
});

describe('requests that are not answered yet', () => {
  it('are admitted up to a number of bytes, and again when those before them have ended', async () => {
    const cluster = await LocalCluster.start({ settings: { electionTicks: 40, inFlightBytesMax: 4 * MIB } });
    await using db = await connect(cluster.target);
    await db.keyspace('default').set('a', 'before');
    const leads = (node: Node): boolean =>
      node.status().ranges.some(({ id, role }) => id === RANGE && role === 'leader');
    const at = cluster.nodes.findIndex(leads);
    await Promise.all(cluster.nodes.filter((_, i) => i !== at).map((other) => other.stop(0)));
    const peer = await RawPeer.greeted(cluster.addresses[at]);
    const put = async (requestId: number, bytes: number, deadlineMs: number): Promise<void> => {
      const batch = new DataRequestBuilder();
      batch.put(RANGE, keyspace, utf8('a'), new Uint8Array(bytes), { deadlineMs });
      peer.send(batch.toFrame(pureKernels, requestId, PROTOCOL_VERSION_MAX, STRONG));
      await turn();
    };
    // Without a quorum they stay until their deadline.
    for (let id = 1; id <= 4; id++) await put(id, MIB - 1000, 500);
    await put(5, MIB / 2, 500);
    expect(await answersOf(peer, 5, 1)).toEqual(['HF_OVERLOADED not_applied']);
    const first: string[] = [];
    for (let id = 1; id <= 4; id++) first.push(...(await answersOf(peer, id, 1)));
    expect(first).toEqual(Array(4).fill('HF_TIMEOUT unknown'));
    await put(6, MIB / 2, 100);
    expect(await answersOf(peer, 6, 1)).toEqual(['HF_TIMEOUT unknown']);
    peer.destroy();
    await cluster.stop();
  });
});
