import { pureKernels } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { describePayload } from '../testdata/describe-frame.ts';
import { SAMPLE_FRAMES } from '../testdata/sample-frames.ts';
import { helloWithZone, priorityOf, requestWithPriority, zoneOf } from '../testdata/version-two.ts';
import { DataRequestReader } from './data-request-reader.ts';
import { type Frame, FrameType } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import {
  answerHello,
  checkHelloAck,
  type HandshakeSelf,
  type Hello,
  PeerRole,
  readHello,
} from './handshake.ts';
import { FRAME_BYTES_MAX } from './limits.ts';
import { commonVersion } from './version.ts';

const sample = (name: string): Frame => {
  let found: Frame | undefined;
  new FrameDecoder(pureKernels).push(SAMPLE_FRAMES.get(name)!, (frame) => (found = frame));
  return found!;
};

describe('a field of version 2 at the end of a table', () => {
  it('is skipped by the readers of version 1, and all else means what it meant', () => {
    const hello = sample('hello').payload;
    const later = helloWithZone(hello, 7);
    expect(zoneOf(later)).toBe(7);
    expect(readHello(later)).toEqual(readHello(hello));
    const request = sample('data-request').payload;
    const prior = requestWithPriority(request, 9);
    expect(priorityOf(prior)).toBe(9);
    expect(describePayload(FrameType.dataRequest, prior)).toEqual(
      describePayload(FrameType.dataRequest, request),
    );
    expect(DataRequestReader.read(prior).count).toBe(DataRequestReader.read(request).count);
  });

  it('is absent from what version 1 writes, and a reader of version 2 knows what that means', () => {
    expect(zoneOf(sample('hello').payload)).toBe(0);
    expect(priorityOf(sample('data-request').payload)).toBe(0);
  });
});

describe('the version of a connection', () => {
  const clusterId = new Uint8Array(16).fill(4);
  const self = (versionMin: number, versionMax: number): HandshakeSelf => ({
    clusterId,
    nodeId: 1 as never,
    versionMin,
    versionMax,
    features: 0,
    frameBytesMax: FRAME_BYTES_MAX,
    agent: 'test',
  });
  const hello = (versionMin: number, versionMax: number): Hello => ({
    ...self(versionMin, versionMax),
    nodeId: 0,
    toNodeId: 0,
    role: PeerRole.client,
    token: '',
    address: '',
    storage: 0,
  });

  type Range = readonly [min: number, max: number];
  it.each<[Range, Range, number | undefined]>([
    [[1, 2], [1, 1], 1],
    [[1, 1], [1, 2], 1],
    [[1, 2], [1, 2], 2],
    [[1, 2], [2, 3], 2],
    [[2, 5], [1, 3], 3],
    [[1, 1], [2, 2], undefined],
    [[2, 3], [1, 1], undefined],
  ])('of %s and %s is %s', (ours, theirs, expected) => {
    expect(commonVersion(...ours, ...theirs)).toBe(expected);
    const offered = hello(...theirs);
    const ack = answerHello(offered, self(...ours));
    expect(ack.refusal).toBe(expected === undefined ? 'HF_VERSION_MISMATCH' : undefined);
    expect(ack.version).toBe(expected ?? 0);
    expect(checkHelloAck(offered, ack)?.code).toBe(ack.refusal);
  });

  it('is refused by the opener when it was not offered', () => {
    const offered = hello(1, 1);
    expect(checkHelloAck(offered, { ...answerHello(offered, self(1, 1)), version: 2 })).toMatchObject({
      violation: 'version',
    });
  });

  it('holds for every frame of it, in both directions', () => {
    const decoder = new FrameDecoder(pureKernels);
    decoder.accept(FRAME_BYTES_MAX, 2);
    expect(() => decoder.push(SAMPLE_FRAMES.get('ping')!, () => undefined)).toThrow(
      /version 1 on a connection of version 2/,
    );
  });
});
