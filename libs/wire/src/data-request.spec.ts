import {
  equalBytes,
  type KeyspaceId,
  Prng,
  pureKernels,
  type RangeId,
  randomInteger,
  utf8,
} from '@holdfast/io';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import { Condition, Consistency, OpKind } from './data-ops.ts';
import { DataRequestBuilder, type WriteOptions } from './data-request-builder.ts';
import { DataRequestReader } from './data-request-reader.ts';
import { type Frame, FRAME_HEADER_BYTES } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { DataRequest } from './generated/data-request.ts';
import { REQUEST_OP } from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import { BATCH_OPS_MAX, FRAME_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts';

const kernels = pureKernels;
const range = 2 as RangeId;
const keyspace = 1 as KeyspaceId;
const HEAD = { deadlineMs: 5000, consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0 };

function payloadOf(frame: Uint8Array): Uint8Array {
  let payload: Uint8Array | undefined;
  new FrameDecoder(kernels).push(frame, (received: Frame) => (payload = received.payload));
  return payload!;
}

/** The payload of a batch of one put, and the position of its struct. */
function onePut(options: WriteOptions = {}): {
  readonly payload: Uint8Array;
  readonly view: DataView;
  readonly op: number;
} {
  const batch = new DataRequestBuilder();
  batch.put(range, keyspace, utf8('key'), utf8('value'), options);
  const payload = batch.toFrame(kernels, 1, 1, HEAD).slice(FRAME_HEADER_BYTES);
  const table = DataRequest.getRootAsDataRequest(new ByteBuffer(payload));
  return { payload, view: new DataView(payload.buffer), op: table.ops(0)!.bb_pos };
}

describe('a batch of operations', () => {
  it('comes back as it went in, and as flatc reads it: random batches', () => {
    const random = new Prng(1);
    const bytes = (most: number): Uint8Array =>
      Uint8Array.from({ length: randomInteger(random, 0, most) }, () => random.nextU32() & 255);
    const u53 = (): number => randomInteger(random, 0, 2 ** 21 - 1) * 2 ** 32 + random.nextU32();
    const batch = new DataRequestBuilder();
    for (let round = 0; round < 300; round++) {
      const count = randomInteger(random, 1, 40);
      const ops = Array.from({ length: count }, () => ({
        kind: randomInteger(random, 1, 6) as OpKind,
        range: random.nextU32() as RangeId,
        keyspace: random.nextU32() as KeyspaceId,
        key: Uint8Array.of(1, ...bytes(60)),
        end: bytes(40),
        value: bytes(300),
        contentType: bytes(30),
        idempotencyKey: bytes(30),
        revision: u53(),
        ttlMs: u53(),
        condition: randomInteger(random, 0, 3) as Condition,
        deadlineMs: randomInteger(random, 0, 10_000),
        delta: randomInteger(random, -1000, 1000),
      }));
      ops.forEach((op, i) => {
        const at = [op.range, op.keyspace, op.key] as const;
        const { revision, deadlineMs } = op;
        if (op.kind === OpKind.get) expect(batch.get(...at, revision, deadlineMs)).toBe(i);
        else if (op.kind === OpKind.getRevision)
          expect(batch.getRevision(...at, revision, deadlineMs)).toBe(i);
        else if (op.kind === OpKind.put) expect(batch.put(...at, op.value, op)).toBe(i);
        else if (op.kind === OpKind.delete) expect(batch.delete(...at, op)).toBe(i);
        else if (op.kind === OpKind.increment) expect(batch.increment(...at, op.delta, op)).toBe(i);
        else
          expect(
            batch.scan(...at, op.end, {
              limit: i,
              limitBytes: 2 * i,
              reverse: i % 2 === 0,
              revision,
              deadlineMs,
            }),
          ).toBe(i);
      });
      const head = {
        deadlineMs: random.nextU32() % 3_600_000,
        consistency: (round % 3) as Consistency,
        maxStalenessMs: random.nextU32(),
        minRevision: u53(),
      };
      const size = batch.byteLength;
      const payload = payloadOf(batch.toFrame(kernels, round, 1, head));
      expect(payload.length).toBe(size);
      const reader = DataRequestReader.read(payload);
      const oracle = DataRequest.getRootAsDataRequest(new ByteBuffer(payload));
      expect(reader).toMatchObject({ count, ...head });
      expect(oracle.opsLength()).toBe(count);
      expect(oracle.deadlineMs()).toBe(head.deadlineMs);
      expect(oracle.minRevision()).toBe(BigInt(head.minRevision));
      expect(oracle.ops(0)!.bb_pos % 8).toBe(0);

      ops.forEach((op, i) => {
        const write = op.kind === OpKind.put || op.kind === OpKind.delete || op.kind === OpKind.increment;
        expect(reader.refusal(i)).toBeUndefined();
        expect([reader.kind(i), reader.rangeId(i), reader.keyspaceId(i)]).toEqual([
          op.kind,
          op.range,
          op.keyspace,
        ]);
        expect(reader.revision(i)).toBe(op.revision);
        expect(reader.opDeadlineMs(i)).toBe(op.deadlineMs === 0 ? head.deadlineMs : op.deadlineMs);
        expect(equalBytes(reader.key(i), op.key)).toBe(true);
        if (write) {
          expect([reader.ttlMs(i), reader.condition(i)]).toEqual([op.ttlMs, op.condition]);
          expect(equalBytes(reader.contentType(i), op.contentType)).toBe(true);
          expect(equalBytes(reader.idempotencyKey(i), op.idempotencyKey)).toBe(true);
        }
        if (op.kind === OpKind.put) expect(equalBytes(reader.value(i), op.value)).toBe(true);
        if (op.kind === OpKind.increment) expect(reader.delta(i)).toBe(op.delta);
        if (op.kind === OpKind.scan) {
          expect(equalBytes(reader.endKey(i), op.end)).toBe(true);
          expect([reader.limit(i), reader.limitBytes(i), reader.reverse(i)]).toEqual([i, 2 * i, i % 2 === 0]);
        }
        const theirs = oracle.ops(i)!;
        expect([theirs.kind(), theirs.rangeId(), theirs.keyspaceId()]).toEqual([
          op.kind,
          op.range,
          op.keyspace,
        ]);
        expect(theirs.revision()).toBe(BigInt(op.revision));
        expect(theirs.keyLength()).toBe(op.key.length);
        expect([theirs.reserved0(), theirs.reserved1()]).toEqual([0, 0]);
        const blob = oracle
          .blobArray()
          .subarray(theirs.blobOffset(), theirs.blobOffset() + theirs.keyLength());
        expect(equalBytes(blob, op.key)).toBe(true);
      });
    }
  });

  it('takes keys, values and batches at their limits, and not one more', () => {
    const batch = new DataRequestBuilder();
    batch.put(range, keyspace, new Uint8Array(KEY_BYTES_MAX), new Uint8Array(VALUE_BYTES_MAX));
    expect(() => batch.get(range, keyspace, new Uint8Array(KEY_BYTES_MAX + 1))).toThrow('KEY_BYTES_MAX');
    expect(() => batch.get(range, keyspace, new Uint8Array(0))).toThrow('KEY_BYTES_MAX');
    expect(() => batch.put(range, keyspace, utf8('k'), new Uint8Array(VALUE_BYTES_MAX + 1))).toThrow(
      'VALUE_BYTES_MAX',
    );
    expect(DataRequestReader.read(payloadOf(batch.toFrame(kernels, 1, 1, HEAD))).refusal(0)).toBeUndefined();
    for (let i = 0; i < BATCH_OPS_MAX; i++) batch.get(range, keyspace, utf8('k'));
    expect(batch.fits(1)).toBe(false);
    expect(() => batch.get(range, keyspace, utf8('k'))).toThrow('BATCH_OPS_MAX');
    expect(DataRequestReader.read(payloadOf(batch.toFrame(kernels, 1, 1, HEAD))).count).toBe(BATCH_OPS_MAX);
  });

  it('knows what fits into a frame', () => {
    const batch = new DataRequestBuilder();
    const value = new Uint8Array(VALUE_BYTES_MAX);
    while (batch.fits(value.length + 1)) batch.put(range, keyspace, utf8('k'), value);
    expect(batch.count).toBe(15);
    const frame = batch.toFrame(kernels, 1, 1, HEAD, new Uint8Array(25));
    expect(frame.length).toBeLessThanOrEqual(FRAME_BYTES_MAX);
  });
});

describe('DataRequestReader refuses', () => {
  const refuse = (payload: Uint8Array): void => {
    expect(() => DataRequestReader.read(payload)).toThrow(ProtocolError);
  };

  it('truncated payloads, at every length', () => {
    const { payload } = onePut();
    for (let length = 0; length < payload.length; length++) refuse(payload.subarray(0, length));
  });

  it('lengths that do not add up', () => {
    for (const field of [
      REQUEST_OP.keyLength,
      REQUEST_OP.endKeyLength,
      REQUEST_OP.valueLength,
      REQUEST_OP.blobOffset,
    ]) {
      const { payload, view, op } = onePut();
      view.setUint16(op + field, view.getUint16(op + field, true) + 1, true);
      refuse(payload);
    }
  });

  it('a value of 4 GiB', () => {
    const { payload, view, op } = onePut();
    view.setUint32(op + REQUEST_OP.valueLength, 0xffff_ffff, true);
    refuse(payload);
  });

  it('integers of 2^53 and more', () => {
    for (const field of [REQUEST_OP.revision, REQUEST_OP.ttlMs]) {
      const { payload, view, op } = onePut();
      view.setUint32(op + field + 4, 2 ** 21, true);
      refuse(payload);
      view.setUint32(op + field + 4, 2 ** 21 - 1, true);
      DataRequestReader.read(payload);
    }
  });

  it('vectors of 2^31 elements', () => {
    const { payload, view, op } = onePut();
    for (const count of [0, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      view.setUint32(op - 4, count, true);
      refuse(payload);
    }
  });
});

describe('an op that is sound and makes no sense', () => {
  it('is refused by itself, not with the connection', () => {
    const refusal = (at: number, value: number): unknown => {
      const { payload, view, op } = onePut({ condition: Condition.exists });
      view.setUint8(op + at, value);
      return DataRequestReader.read(payload).refusal(0);
    };
    expect(refusal(REQUEST_OP.kind, 0)).toBe('HF_UNSUPPORTED');
    expect(refusal(REQUEST_OP.kind, 200)).toBe('HF_UNSUPPORTED');
    expect(refusal(REQUEST_OP.condition, 9)).toBe('HF_UNSUPPORTED');
    expect(refusal(REQUEST_OP.kind, OpKind.get)).toBe('HF_BAD_REQUEST');
    expect(refusal(REQUEST_OP.kind, OpKind.increment)).toBe('HF_BAD_REQUEST');
    expect(refusal(REQUEST_OP.kind, OpKind.put)).toBeUndefined();
  });

  it('names keys and values above their limits', () => {
    const batch = new DataRequestBuilder();
    batch.put(range, keyspace, utf8('k'), new Uint8Array(VALUE_BYTES_MAX), {
      contentType: new Uint8Array(255),
    });
    const payload = batch.toFrame(kernels, 1, 1, HEAD).slice(FRAME_HEADER_BYTES);
    const view = new DataView(payload.buffer);
    const op = DataRequest.getRootAsDataRequest(new ByteBuffer(payload)).ops(0)!.bb_pos;
    // The content type's bytes become value, then key: the sum stays the same.
    view.setUint8(op + REQUEST_OP.contentTypeLength, 0);
    view.setUint32(op + REQUEST_OP.valueLength, VALUE_BYTES_MAX + 255, true);
    expect(DataRequestReader.read(payload).refusal(0)).toBe('HF_VALUE_TOO_LARGE');
    view.setUint16(op + REQUEST_OP.keyLength, KEY_BYTES_MAX + 1, true);
    view.setUint32(op + REQUEST_OP.valueLength, VALUE_BYTES_MAX + 255 - KEY_BYTES_MAX, true);
    expect(DataRequestReader.read(payload).refusal(0)).toBe('HF_KEY_TOO_LARGE');
    view.setUint16(op + REQUEST_OP.keyLength, 0, true);
    view.setUint32(op + REQUEST_OP.valueLength, 1, true);
    view.setUint16(op + REQUEST_OP.endKeyLength, 0, true);
    expect(() => DataRequestReader.read(payload)).toThrow(ProtocolError);
  });
});
