import { type NodeId, Prng, pureKernels, type RangeId, randomInteger } from '@holdfast/io';
import type { Entry, Message, MessageKind } from '@holdfast/raft';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import { FRAME_HEADER_BYTES } from './frame.ts';
import { RAFT_HEAD } from './generated/layout.ts';
import { RaftBatch } from './generated/raft-batch.ts';
import { ProtocolError } from './holdfast-error.ts';
import { FRAME_BYTES_MAX, REPLICAS_MAX } from './limits.ts';
import { RaftBatchBuilder, raftMessageBytes, readRaftBatch } from './raft-batch.ts';

const kernels = pureKernels;
const from = 1 as NodeId;
const to = 2 as NodeId;

function message(change: Partial<Message> = {}): Message {
  return {
    kind: 7,
    group: 3 as RangeId,
    from,
    to,
    term: 1,
    index: 0,
    logTerm: 0,
    commit: 0,
    reject: false,
    rejectHint: 0,
    context: 0,
    clock: 0,
    entries: [],
    snapshot: undefined,
    ...change,
  };
}

function payloadOf(...messages: readonly Message[]): Uint8Array {
  const batch = new RaftBatchBuilder(from, to);
  for (const one of messages) batch.add(one);
  return batch.toFrame(kernels, 1).slice(FRAME_HEADER_BYTES);
}

function randomMessage(random: Prng): Message {
  const u53 = (): number => randomInteger(random, 0, 2 ** 20) * 2 ** 32 + random.nextU32();
  const ids = (): NodeId[] =>
    Array.from({ length: randomInteger(random, 0, 5) }, () => random.nextU32() as NodeId);
  const index = u53();
  const entries = Array.from({ length: randomInteger(random, 0, 6) }, (_, i): Entry => ({
    term: u53(),
    index: index + 1 + i,
    kind: randomInteger(random, 0, 1) as Entry['kind'],
    data: Uint8Array.from({ length: randomInteger(random, 0, 200) }, () => random.nextU32() & 255),
  }));
  const conf = {
    voters: ids(),
    votersOutgoing: ids(),
    learners: ids(),
    learnersNext: ids(),
    autoLeave: index % 2 === 1,
  };
  return message({
    kind: randomInteger(random, 1, 12) as MessageKind,
    group: random.nextU32() as RangeId,
    term: u53(),
    index,
    logTerm: u53(),
    commit: u53(),
    reject: (random.nextU32() & 1) === 1,
    rejectHint: u53(),
    context: u53(),
    clock: u53(),
    entries,
    snapshot: randomInteger(random, 0, 3) === 0 ? { index: u53(), term: u53(), conf } : undefined,
  });
}

describe('a batch of Raft messages', () => {
  it('comes back as it went in: random messages of many groups', () => {
    const random = new Prng(5);
    const batch = new RaftBatchBuilder(from, to);
    for (let round = 0; round < 200; round++) {
      const messages = Array.from({ length: randomInteger(random, 1, 30) }, () => randomMessage(random));
      let bound = 200;
      for (const one of messages) {
        batch.add(one);
        bound += raftMessageBytes(one);
      }
      const size = batch.byteLength;
      expect(size).toBeLessThan(bound);
      const payload = batch.toFrame(kernels, 1).slice(FRAME_HEADER_BYTES);
      expect(payload.length).toBe(size);
      expect(readRaftBatch(payload, from, to)).toEqual(messages);
      const oracle = RaftBatch.getRootAsRaftBatch(new ByteBuffer(payload));
      expect([oracle.from(), oracle.to(), oracle.headsLength()]).toEqual([1, 2, messages.length]);
      expect(oracle.heads(0)!.clock()).toBe(BigInt(messages[0].clock));
    }
  });

  it('gives entries memory of their own, once per frame', () => {
    const data = Uint8Array.of(1, 2, 3);
    const entries = [1, 2].map((index): Entry => ({ term: 1, index, kind: 0, data }));
    // A Buffer on purpose: its slice is a view.
    const payload = Buffer.from(payloadOf(message({ kind: 1, entries })));
    const [read] = readRaftBatch(payload, from, to);
    payload.fill(0);
    expect(read.entries.map((entry) => [...entry.data])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(read.entries[0].data.buffer).toBe(read.entries[1].data.buffer);
  });

  it('knows what fits into a frame', () => {
    const batch = new RaftBatchBuilder(from, to);
    const big = message({
      kind: 1,
      entries: [{ term: 1, index: 1, kind: 0, data: new Uint8Array(2 ** 20) }],
    });
    while (batch.fits(big)) batch.add(big);
    expect(batch.count).toBe(15);
    expect(batch.toFrame(kernels, 1).length).toBeLessThanOrEqual(FRAME_BYTES_MAX);
  });

  it('is for two nodes, and refused by others', () => {
    const payload = payloadOf(message());
    expect(() => readRaftBatch(payload, from, 9 as NodeId)).toThrow(ProtocolError);
    expect(() => readRaftBatch(payload, 9 as NodeId, to)).toThrow(ProtocolError);
    expect(() => payloadOf(message({ to: 9 as NodeId }))).toThrow('one node to one other');
  });

  it('asserts that entries follow one another', () => {
    const entries: Entry[] = [{ term: 1, index: 7, kind: 0, data: new Uint8Array(0) }];
    expect(() => payloadOf(message({ index: 5, entries }))).toThrow('follow one another');
  });

  it('refuses counts, kinds, lengths and integers that do not fit', () => {
    const data = new Uint8Array(3);
    const sound = payloadOf(message({ kind: 1, entries: [{ term: 1, index: 1, kind: 0, data }] }));
    const head = RaftBatch.getRootAsRaftBatch(new ByteBuffer(sound)).heads(0)!.bb_pos;
    const changes: readonly (readonly [at: number, value: number])[] = [
      [RAFT_HEAD.entryCount, 0],
      [RAFT_HEAD.entryCount, 2],
      [RAFT_HEAD.entryCount, 0xffff_ffff],
      [RAFT_HEAD.snapshotLength, 1],
      [RAFT_HEAD.snapshotLength, 0xffff_ffff],
      [RAFT_HEAD.kind, 0],
      [RAFT_HEAD.kind, 13],
      [RAFT_HEAD.term + 4, 2 ** 21],
      [RAFT_HEAD.clock + 4, 2 ** 21],
    ];
    for (const [at, value] of changes) {
      const payload = sound.slice();
      new DataView(payload.buffer).setUint32(head + at, value, true);
      expect(() => readRaftBatch(payload, from, to)).toThrow(ProtocolError);
    }
  });

  it('refuses a configuration that is too large or badly counted', () => {
    const voters = Array.from({ length: REPLICAS_MAX }, (_, i) => (i + 1) as NodeId);
    const conf = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    const sound = payloadOf(message({ kind: 9, snapshot: { index: 1, term: 1, conf } }));
    expect(readRaftBatch(sound, from, to)[0].snapshot!.conf).toEqual(conf);
    const voterCount = sound.length - 4 * REPLICAS_MAX - 32 + 16;
    for (const count of [0, 31, 33, 0xffff]) {
      const payload = sound.slice();
      new DataView(payload.buffer).setUint16(voterCount, count, true);
      expect(() => readRaftBatch(payload, from, to)).toThrow(ProtocolError);
    }
  });
});
