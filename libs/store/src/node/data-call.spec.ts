import { type KeyspaceId, pureKernels, type RangeId, utf8 } from '@holdfast/io';
import {
  Consistency,
  DataRequestBuilder,
  DataResponseBuilder,
  DataResponseReader,
  type Frame,
  FrameDecoder,
} from '@holdfast/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CallHost, DataCall } from './data-call.ts';

const kernels = pureKernels;
const [range, keyspace] = [2 as RangeId, 1 as KeyspaceId];
const HEAD = { deadlineMs: 5000, consistency: Consistency.strong, maxStalenessMs: 0, minRevision: 0 };
const [READ, WRITE, PATIENT] = [0, 1, 2];

function framesOf(bytes: Uint8Array): readonly Frame[] {
  const frames: Frame[] = [];
  new FrameDecoder(kernels).push(bytes, (frame) => frames.push(frame));
  return frames;
}

describe('a batch whose operations have deadlines of their own', () => {
  let open: boolean;
  let answers: string[];
  let finished: number;
  let call: DataCall;

  beforeEach(() => {
    open = true;
    answers = [];
    finished = 0;
    const host: CallHost = {
      kernels,
      clockMark: () => 1,
      answered: () => undefined,
      finished: () => finished++,
    };
    const port = {
      get open() {
        return open;
      },
      bytesQueued: 0,
      reply(bytes: Uint8Array) {
        const reader = DataResponseReader.read(framesOf(bytes)[0].payload, 3);
        for (let i = 0; i < reader.count; i++) {
          const { code, outcome } = reader.error(i);
          answers.push(`${reader.opIndex(i)} ${code} ${outcome}`);
        }
      },
    };
    const batch = new DataRequestBuilder();
    batch.get(range, keyspace, utf8('k'), 0, 40);
    batch.put(range, keyspace, utf8('k'), utf8('v'), { deadlineMs: 50 });
    batch.get(range, keyspace, utf8('k'), 0, 5000);
    const [frame] = framesOf(batch.toFrame(kernels, 7, 1, HEAD));
    call = new DataCall(host, port, frame, new DataResponseBuilder());
    call.sinceMs = 1000;
  });

  it('gives up each of them at its own, and says when the next is due', () => {
    expect(call.expire(39)).toBe(40);
    expect(call.expire(40)).toBe(50);
    expect(call.expire(60)).toBe(5000);
    call.flush();
    expect(answers).toEqual(['0 HF_NO_QUORUM not_applied', '1 HF_TIMEOUT unknown']);
    expect(finished).toBe(0);
    expect(call.expire(5000)).toBe(Number.POSITIVE_INFINITY);
    expect(finished).toBe(1);
  });

  it('does no work for those that are late, though no tick has looked at them', () => {
    expect(call.stillWants(READ, 1039)).toBe(true);
    expect(call.stillWants(READ, 1040)).toBe(false);
    expect(call.stillWants(PATIENT, 1040)).toBe(true);
    call.flush();
    expect(answers).toEqual(['0 HF_NO_QUORUM not_applied']);
    // Its answer is out: it is neither wanted nor answered again.
    expect(call.stillWants(READ, 1041)).toBe(false);
    call.flush();
    expect(answers).toHaveLength(1);
  });

  it('does no work when the connection is gone, and ends', () => {
    open = false;
    for (const op of [READ, PATIENT]) expect(call.stillWants(op, 1001)).toBe(false);
    expect(call.waitsFor(WRITE)).toBe(false);
    call.expire(50);
    call.flush();
    expect([answers, finished]).toEqual([[], 1]);
  });

  it('sends large answers in frames of about half a megabyte, each as soon as it is full', () => {
    const batch = new DataRequestBuilder();
    for (let i = 0; i < 20; i++) batch.get(range, keyspace, utf8(`k${i}`));
    const [frame] = framesOf(batch.toFrame(kernels, 8, 1, HEAD));
    const sent: { readonly bytes: number; readonly ops: number; readonly more: boolean }[] = [];
    const reply = (bytes: Uint8Array): void => {
      const [{ payload, more }] = framesOf(bytes);
      sent.push({ bytes: bytes.length, ops: DataResponseReader.read(payload, 20).count, more });
    };
    const port = { open: true, bytesQueued: 0, reply };
    const host: CallHost = {
      kernels,
      clockMark: () => 1,
      answered: () => undefined,
      finished: () => undefined,
    };
    const large = new DataCall(host, port, frame, new DataResponseBuilder());
    const stored = { value: new Uint8Array(100_000), contentType: utf8('x/y'), expiresAtMs: 0 };
    for (let op = 0; op < 20; op++) large.found(op, 1, stored, Consistency.strong, 0, 0);
    large.flush();
    expect(sent.map(({ ops }) => ops)).toEqual([5, 5, 5, 5]);
    expect(sent.map(({ more }) => more)).toEqual([true, true, true, false]);
    expect(Math.max(...sent.map(({ bytes }) => bytes))).toBeLessThanOrEqual(512 * 1024);
  });

  it('has nobody waiting for a write that was told the time is up', () => {
    expect(call.waitsFor(WRITE)).toBe(true);
    call.expire(50);
    expect(call.waitsFor(WRITE)).toBe(false);
  });
});
