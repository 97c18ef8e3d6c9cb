import { crc32 } from 'node:zlib';
import { type Kernels, type KeyspaceId, type NodeId, pureKernels, type RangeId, utf8 } from '@holdfast/io';
import { Builder } from 'flatbuffers';
import { Consistency } from './data-ops.ts';
import { DataRequestBuilder } from './data-request-builder.ts';
import { DataRequestReader } from './data-request-reader.ts';
import { DataResponseBuilder } from './data-response-builder.ts';
import { DataResponseReader } from './data-response-reader.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { DataRequest } from './generated/data-request.ts';
import { RequestOp } from './generated/request-op.ts';
import { RaftBatchBuilder, readRaftBatch } from './raft-batch.ts';

/**
 * Million operations per second of the codecs, in batches of 64: 16-byte keys, 256-byte values.
 * `node --conditions=source libs/wire/src/wire.bench.ts`. Only ratios within one run mean anything.
 */
const OPS = 64;
const ROUNDS = 5;
const ROUND_MS = 150;
const range = 7 as RangeId;
const keyspace = 1 as KeyspaceId;
const HEAD = { deadlineMs: 5000, consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0 };
const keys = Array.from({ length: OPS }, (_, i) => utf8(`key:${String(i).padStart(12, '0')}`));
const value = new Uint8Array(256).fill(0x61);
/** The checksum costs nothing: what the codec itself does. */
const noCrc: Kernels = { ...pureKernels, crc32: () => 0 };
const zlib: Kernels = {
  ...pureKernels,
  crc32: (bytes, start, end, seed) => crc32(bytes.subarray(start, end), seed),
};

let sink = 0;

/** Median over rounds; one call handles `ops` operations. */
function measure(name: string, run: () => number, ops = OPS): void {
  for (let i = 0; i < 3000; i++) sink += run();
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let i = 0; i < 64; i++) sink += run();
      calls += 64;
    }
    rates.push((calls * ops) / (performance.now() - start) / 1000);
  }
  rates.sort((a, b) => a - b);
  const rate = rates[ROUNDS >> 1];
  console.log(
    `${name.padEnd(52)} ${rate.toFixed(1).padStart(7)} M ops/s ${(1000 / rate).toFixed(0).padStart(6)} ns/op`,
  );
}

const batch = new DataRequestBuilder();
const gets = (kernels: Kernels): Uint8Array => {
  for (let i = 0; i < OPS; i++) batch.get(range, keyspace, keys[i]);
  return batch.toFrame(kernels, 1, 1, HEAD);
};
const puts = (kernels: Kernels): Uint8Array => {
  for (let i = 0; i < OPS; i++) batch.put(range, keyspace, keys[i], value);
  return batch.toFrame(kernels, 1, 1, HEAD);
};
const getFrame = gets(zlib);
const putFrame = puts(zlib);
const getPayload = getFrame.subarray(FRAME_HEADER_BYTES);
const putPayload = putFrame.subarray(FRAME_HEADER_BYTES);

measure('encode 64 gets to a frame, no checksum', () => gets(noCrc).length);
measure('encode 64 gets to a frame, zlib CRC', () => gets(zlib).length);
measure('encode 64 puts to a frame, no checksum', () => puts(noCrc).length);
measure('encode 64 puts to a frame, zlib CRC', () => puts(zlib).length);
measure('encode 64 puts to a frame, pure CRC', () => puts(pureKernels).length);

const flat = new Builder(64 * 1024);
measure('  flatc code, 64 puts, same schema', () => {
  flat.clear();
  const blob = new Uint8Array(OPS * (16 + 256));
  for (let i = 0, at = 0; i < OPS; i++, at += 272) {
    blob.set(keys[i], at);
    blob.set(value, at + 16);
  }
  const blobAt = flat.createByteVector(blob);
  DataRequest.startOpsVector(flat, OPS);
  for (let i = OPS - 1; i >= 0; i--) {
    RequestOp.createRequestOp(
      flat,
      0n,
      0n,
      range,
      keyspace,
      i * 272,
      256,
      0,
      0,
      0,
      16,
      0,
      2,
      0,
      0,
      0,
      0,
      0,
      0,
    );
  }
  const ops = flat.endVector();
  flat.finish(DataRequest.createDataRequest(flat, 5000, 0, 0, 0n, ops, blobAt));
  return flat.asUint8Array().slice().length;
});

const heads = (payload: Uint8Array): number => {
  const reader = DataRequestReader.read(payload);
  let sum = 0;
  for (let i = 0; i < reader.count; i++) {
    sum +=
      reader.kind(i) + reader.rangeId(i) + reader.keyspaceId(i) + reader.keyLength(i) + reader.valueLength(i);
  }
  return sum;
};
measure('verify 64 puts', () => DataRequestReader.read(putPayload).count);
measure('verify 64 puts, read heads', () => heads(putPayload));
measure('verify 64 gets, read heads and keys', () => {
  const reader = DataRequestReader.read(getPayload);
  let sum = 0;
  for (let i = 0; i < reader.count; i++) sum += reader.kind(i) + reader.rangeId(i) + reader.key(i).length;
  return sum;
});
measure('verify 64 puts, refusal, heads, keys, values', () => {
  const reader = DataRequestReader.read(putPayload);
  let sum = 0;
  for (let i = 0; i < reader.count; i++) {
    if (reader.refusal(i) !== undefined) throw new Error('refused');
    sum += reader.kind(i) + reader.rangeId(i) + reader.key(i).length + reader.value(i).length;
  }
  return sum;
});
const decoder = new FrameDecoder(zlib);
measure('decode a frame of 64 puts: CRC, verify, heads', () => {
  let sum = 0;
  decoder.push(putFrame, (frame) => (sum = heads(frame.payload)));
  return sum;
});

const answers = new DataResponseBuilder();
const written = (): Uint8Array => {
  for (let i = 0; i < OPS; i++) answers.written(i, 107_611_027_890_176 + i);
  return answers.toFrame(zlib, 1, 1, 5);
};
const values = (): Uint8Array => {
  for (let i = 0; i < OPS; i++) answers.value(i, 107_611_027_890_176 + i, value);
  return answers.toFrame(zlib, 1, 1, 5);
};
const writtenPayload = written().slice(FRAME_HEADER_BYTES);
const valuesPayload = values().slice(FRAME_HEADER_BYTES);
const revisions = (payload: Uint8Array): number => {
  const reader = DataResponseReader.read(payload, OPS);
  let sum = 0;
  for (let i = 0; i < reader.count; i++) if (reader.ok(i)) sum += reader.opIndex(i) + reader.revision(i);
  return sum;
};
measure('answer 64 puts', () => written().length);
measure('answer 64 gets', () => values().length);
measure('read answers to 64 puts', () => revisions(writtenPayload));
measure('read answers to 64 gets, with values', () => {
  const reader = DataResponseReader.read(valuesPayload, OPS);
  let sum = 0;
  for (let i = 0; i < reader.count; i++)
    if (reader.found(i)) sum += reader.value(i).length + reader.revision(i);
  return sum;
});

const from = 1 as NodeId;
const to = 2 as NodeId;
const raft = new RaftBatchBuilder(from, to);
const entries = Array.from({ length: OPS }, (_, i) => ({
  term: 3,
  index: 101 + i,
  kind: 0 as const,
  data: value,
}));
const message = {
  kind: 1 as const,
  group: range,
  from,
  to,
  term: 3,
  index: 100,
  logTerm: 3,
  commit: 90,
  reject: false,
  rejectHint: 0,
  context: 0,
  clock: 107_611_027_890_176,
  entries,
  snapshot: undefined,
};
const append = (): Uint8Array => {
  raft.add(message);
  return raft.toFrame(zlib, 1);
};
const heartbeat = { ...message, kind: 7 as const, entries: [] };
const heartbeats = (): Uint8Array => {
  for (let i = 0; i < OPS; i++) raft.add(heartbeat);
  return raft.toFrame(zlib, 1);
};
const appendPayload = append().slice(FRAME_HEADER_BYTES);
const heartbeatsPayload = heartbeats().slice(FRAME_HEADER_BYTES);
measure('encode an append of 64 entries (per entry)', () => append().length);
measure('decode an append of 64 entries (per entry)', () => readRaftBatch(appendPayload, from, to).length);
measure('encode 64 heartbeats', () => heartbeats().length);
measure('decode 64 heartbeats', () => readRaftBatch(heartbeatsPayload, from, to).length);

if (Number.isNaN(sink)) console.log(sink);
