import { type NodeId, pureKernels, type RangeId, utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { encodeError, encodeGoAway, encodePing, encodePong, readError, readGoAway } from './control.ts';
import { encodeFrame, type Frame, FrameType } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { HoldfastError, ProtocolError } from './holdfast-error.ts';
import { DETAIL_BYTES_MAX, PING_BYTES_MAX, SNAPSHOT_CHUNK_BYTES_MAX } from './limits.ts';
import { encodeRangeMap, encodeRangeMapRequest, readRangeMap, readRangeMapRequest } from './range-map.ts';
import {
  encodeSnapshotAck,
  encodeSnapshotChunk,
  readSnapshotAck,
  readSnapshotChunk,
} from './snapshot-transfer.ts';

const kernels = pureKernels;

function frameOf(bytes: Uint8Array): Frame {
  const frames: Frame[] = [];
  new FrameDecoder(kernels).push(bytes, (frame) => frames.push(frame));
  return frames[0];
}

describe('control frames', () => {
  it('bring a ping back as a pong', () => {
    const ping = frameOf(encodePing(kernels, 1, 77, utf8('are you there')));
    const pong = frameOf(encodePong(kernels, ping));
    expect([pong.type, pong.requestId, pong.payload]).toEqual([FrameType.pong, 77, utf8('are you there')]);
    const large = encodeFrame(
      kernels,
      { type: FrameType.ping, requestId: 1, version: 1 },
      new Uint8Array(PING_BYTES_MAX + 1),
    );
    expect(() => encodePong(kernels, frameOf(large))).toThrow(ProtocolError);
  });

  it('carry an error of a whole request', () => {
    const error = new HoldfastError('HF_NO_QUORUM', {
      outcome: 'unknown',
      detail: 'ж'.repeat(DETAIL_BYTES_MAX),
      retryAfterMs: 1.5,
      leaderHint: 4 as NodeId,
    });
    const frame = frameOf(encodeError(kernels, 1, 9, error));
    expect([frame.type, frame.requestId]).toEqual([FrameType.error, 9]);
    expect(readError(frame.payload)).toMatchObject({
      code: 'HF_NO_QUORUM',
      outcome: 'unknown',
      detail: 'ж'.repeat(DETAIL_BYTES_MAX / 2),
      retryAfterMs: 2,
      leaderHint: 4,
    });
    expect(
      readError(frameOf(encodeError(kernels, 1, 9, new HoldfastError('HF_OVERLOADED'))).payload).leaderHint,
    ).toBeUndefined();
  });

  it('say goodbye', () => {
    const goAway = { reason: 'HF_UNAVAILABLE', drainMs: 3000, detail: 'draining' } as const;
    expect(readGoAway(frameOf(encodeGoAway(kernels, 1, goAway)).payload)).toEqual(goAway);
  });
});

describe('the range map', () => {
  const map = {
    generation: 2 ** 52,
    nodes: Array.from({ length: 50 }, (_, i) => ({ nodeId: (i + 1) as NodeId, address: `10.0.0.${i}:7711` })),
    ranges: Array.from({ length: 2000 }, (_, i) => ({
      rangeId: (i + 1) as RangeId,
      start: utf8(i === 0 ? '' : `k${i}`),
      end: utf8(i === 1999 ? '' : `k${i + 1}`),
      replicas: [1, 2, 3].map((id) => id as NodeId),
      leaderHint: (i % 4) as NodeId | 0,
      generation: i,
    })),
    keyspaces: [],
  };

  it('comes back as it went in, in memory of its own', () => {
    const { payload } = frameOf(encodeRangeMap(kernels, 1, 1, map));
    const read = readRangeMap(payload);
    payload.fill(0);
    expect(read).toEqual(map);
  });

  it('is asked for by generation', () => {
    expect(readRangeMapRequest(frameOf(encodeRangeMapRequest(kernels, 1, 1, 2 ** 50)).payload)).toBe(2 ** 50);
  });
});

describe('snapshot transfer', () => {
  const data = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
  const transfer = { group: 9 as RangeId, from: 1 as NodeId, to: 2 as NodeId, snapshotId: 2 ** 51 };
  const chunk = {
    ...transfer,
    term: 3,
    index: 2 ** 40,
    offset: 2 ** 33,
    total: 2 ** 34,
    crc: 0xffff_ffff,
    done: false,
    data,
  };

  it('carries chunks and acks', () => {
    expect(readSnapshotChunk(frameOf(encodeSnapshotChunk(kernels, 1, chunk)).payload)).toEqual(chunk);
    const done = { ...chunk, total: 2 ** 33 + 1000, done: true };
    expect(readSnapshotChunk(frameOf(encodeSnapshotChunk(kernels, 1, done)).payload)).toEqual(done);
    for (const refusal of [undefined, 'HF_DISK_FULL'] as const) {
      const ack = { ...transfer, offset: 2 ** 33, refusal };
      expect(readSnapshotAck(frameOf(encodeSnapshotAck(kernels, 1, ack)).payload)).toEqual(ack);
    }
  });

  it('refuses chunks outside their snapshot and above their limit', () => {
    for (const change of [{ total: 2 ** 33 + 999 }, { done: true }, { total: 2 ** 33 + 1000 }]) {
      const { payload } = frameOf(encodeSnapshotChunk(kernels, 1, { ...chunk, ...change }));
      expect(() => readSnapshotChunk(payload)).toThrow(ProtocolError);
    }
    const large = { ...chunk, data: new Uint8Array(SNAPSHOT_CHUNK_BYTES_MAX + 1) };
    expect(() => encodeSnapshotChunk(kernels, 1, large)).toThrow('SNAPSHOT_CHUNK_BYTES_MAX');
  });
});
