import { concatBytes, copyBytes, pureKernels, utf8, viewOf } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { SAMPLE_FRAMES } from '../testdata/sample-frames.ts';
import { encodeFrame, FRAME_HEADER_BYTES, type Frame, FrameType, TRACE_CONTEXT_BYTES } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { ProtocolError, type ProtocolViolation } from './holdfast-error.ts';
import { FRAME_BYTES_MAX } from './limits.ts';

const kernels = pureKernels;
const samples = [...SAMPLE_FRAMES.values()];
const stream = concatBytes(samples);

/** The frames of `chunks`, as text: what a description reads is checked by the golden frames. */
function decode(chunks: readonly Uint8Array[], decoder = new FrameDecoder(kernels)): string[] {
  const frames: string[] = [];
  const keep = ({ type, requestId, version, more, trace, payload }: Frame): void => {
    const sum = (bytes: Uint8Array): number => kernels.crc32(bytes, 0, bytes.length, 0);
    const traced = trace === undefined ? '' : sum(trace);
    frames.push(`${type} ${requestId} ${version} ${more} ${traced} ${payload.length} ${sum(payload)}`);
  };
  for (const chunk of chunks) decoder.push(chunk, keep);
  return frames;
}

/** A sample frame with bytes changed, and its checksums made to fit again if wanted. */
function damaged(change: (view: DataView) => void, seal: boolean): Uint8Array {
  const bytes = copyBytes(SAMPLE_FRAMES.get('data-request')!);
  const view = viewOf(bytes);
  change(view);
  if (seal) view.setUint32(20, kernels.crc32(bytes, 0, 20, 0), true);
  return bytes;
}

function violation(bytes: Uint8Array, decoder = new FrameDecoder(kernels)): ProtocolViolation | undefined {
  try {
    decoder.push(bytes, () => undefined);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as ProtocolError).violation;
  }
}

describe('FrameDecoder', () => {
  const whole = decode([stream]);

  it('gives every frame of a chunk', () => {
    expect(whole).toHaveLength(samples.length);
  });

  it('gives the same frames split at every offset', () => {
    for (let split = 0; split <= stream.length; split++) {
      expect(decode([stream.subarray(0, split), stream.subarray(split)])).toEqual(whole);
    }
  });

  it('gives the same frames in pieces of every small size', () => {
    for (let size = 1; size < 64; size++) {
      const chunks = [];
      for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
      expect(decode(chunks)).toEqual(whole);
    }
  });

  it('gives the same frames when three frames are split at every pair of offsets', () => {
    const three = concatBytes([samples[2], SAMPLE_FRAMES.get('gossip')!, samples[2]]);
    const expected = decode([three]);
    for (let first = 0; first <= three.length; first++) {
      for (let second = first; second <= three.length; second++) {
        const chunks = [three.subarray(0, first), three.subarray(first, second), three.subarray(second)];
        expect(decode(chunks)).toEqual(expected);
      }
    }
  });

  it('does not copy a frame that lies inside a chunk, and copies one that does not', () => {
    const frame = SAMPLE_FRAMES.get('data-request')!;
    const payloads: Uint8Array[] = [];
    const keep = ({ payload }: Frame): unknown => payloads.push(payload);
    const decoder = new FrameDecoder(kernels);
    decoder.push(frame, keep);
    decoder.push(frame.subarray(0, 50), keep);
    expect(decoder.bytesHeld).toBe(50);
    decoder.push(frame.subarray(50), keep);
    expect(decoder.bytesHeld).toBe(0);
    expect(payloads[0].buffer).toBe(frame.buffer);
    expect(payloads[1].buffer).not.toBe(frame.buffer);
    expect(payloads[1].byteLength).toBe(payloads[0].byteLength);
  });

  it('gives plain payloads for the chunks of a subclass, whose slice would not copy', () => {
    const frame = Buffer.from(SAMPLE_FRAMES.get('data-request')!);
    const decoder = new FrameDecoder(kernels);
    const plain = (received: Frame): void => expect(received.payload.constructor).toBe(Uint8Array);
    decoder.push(frame, plain);
    decoder.push(frame.subarray(0, 50), plain);
    decoder.push(frame.subarray(50), plain);
    expect.assertions(2);
  });

  it('puts a frame of many chunks together', () => {
    const payload = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255);
    const frame = encodeFrame(kernels, { type: FrameType.gossip, requestId: 0, version: 1 }, payload);
    const decoder = new FrameDecoder(kernels);
    let got: Uint8Array | undefined;
    for (let at = 0; at < frame.length; at += 10_000) {
      decoder.push(frame.subarray(at, at + 10_000), (received) => (got = received.payload));
    }
    expect(got).toEqual(payload);
  });

  it('hands out the trace context', () => {
    const trace = Uint8Array.from({ length: TRACE_CONTEXT_BYTES }, (_, i) => i);
    const frame = encodeFrame(
      kernels,
      { type: FrameType.gossip, requestId: 9, version: 1, trace, more: true },
      samples[0],
    );
    new FrameDecoder(kernels).push(frame, (received) => {
      expect(received.trace).toEqual(trace);
      expect(received.payload).toEqual(samples[0]);
      expect([received.more, received.requestId]).toEqual([true, 9]);
    });
    expect.assertions(3);
  });

  it('takes a frame without payload, whole and split', () => {
    const frame = encodeFrame(kernels, { type: FrameType.ping, requestId: 1, version: 1 }, new Uint8Array(0));
    expect(frame).toHaveLength(FRAME_HEADER_BYTES);
    for (let split = 0; split <= frame.length; split++) {
      expect(decode([frame.subarray(0, split), frame.subarray(split)])).toHaveLength(1);
    }
  });
});

describe('FrameDecoder refuses', () => {
  const header = (at: number, value: number) => (view: DataView) => view.setUint32(at, value, true);

  it('another protocol', () => {
    expect(violation(utf8('GET / HTTP/1.1\r\nHost: x\r\n'))).toBe('magic');
    expect(violation(utf8('GET '))).toBe('magic');
    expect(violation(utf8('GET'))).toBeUndefined();
  });

  it('another header version', () => {
    expect(violation(damaged((view) => view.setUint8(10, 2), true))).toBe('header-version');
  });

  it.each([0, 1, 23, 48, FRAME_BYTES_MAX + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
    'a length of %d bytes',
    (length) => {
      const frame = damaged(header(4, length), true);
      expect(violation(frame)).toBe('length');
      expect(violation(frame.subarray(0, FRAME_HEADER_BYTES))).toBe('length');
    },
  );

  it('unknown types and flags', () => {
    expect(violation(damaged((view) => view.setUint8(8, 0), true))).toBe('type');
    expect(violation(damaged((view) => view.setUint8(8, 255), true))).toBe('type');
    expect(violation(damaged((view) => view.setUint8(9, 4), true))).toBe('flags');
  });

  it('any flipped bit, before the frame is delivered', () => {
    const frame = SAMPLE_FRAMES.get('raft-batch')!;
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const bytes = copyBytes(frame);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect(violation(bytes)).toBeDefined();
    }
  });

  it('a damaged length at once, not after waiting for 16 MiB', () => {
    const frame = damaged(header(4, 10_000_000), false);
    expect(violation(frame.subarray(0, FRAME_HEADER_BYTES))).toBe('header-checksum');
  });

  it('frames above the limit of the moment', () => {
    const frame = encodeFrame(
      kernels,
      { type: FrameType.gossip, requestId: 0, version: 1 },
      new Uint8Array(1000),
    );
    expect(violation(frame, new FrameDecoder(kernels, { frameBytesMax: 1000 }))).toBe('length');
    const decoder = new FrameDecoder(kernels, { frameBytesMax: 1000 });
    let count = 0;
    // The first frame ends the handshake: the limit changes between two frames of one chunk.
    decoder.push(concatBytes([SAMPLE_FRAMES.get('ping')!, frame]), () => {
      count++;
      decoder.accept(2000);
    });
    expect(count).toBe(2);
  });

  it('versions other than the one agreed on', () => {
    const decoder = new FrameDecoder(kernels);
    const [first, second] = [1, 2].map((version) =>
      encodeFrame(kernels, { type: FrameType.ping, requestId: 1, version }, new Uint8Array(0)),
    );
    decoder.accept(FRAME_BYTES_MAX, 1);
    expect(violation(first, decoder)).toBeUndefined();
    expect(violation(second, decoder)).toBe('version');
  });

  it('everything after the first violation', () => {
    const decoder = new FrameDecoder(kernels);
    expect(violation(new Uint8Array(24), decoder)).toBe('magic');
    expect(violation(samples[0], decoder)).toBe('magic');
    expect(decoder.bytesHeld).toBe(0);
  });
});

describe('FrameDecoder under a hostile peer', () => {
  it('takes memory as bytes arrive, not as they are announced', () => {
    const payload = new Uint8Array(FRAME_BYTES_MAX - FRAME_HEADER_BYTES);
    const frame = encodeFrame(kernels, { type: FrameType.gossip, requestId: 0, version: 1 }, payload);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 500 }, () => new FrameDecoder(kernels));
    for (const decoder of decoders) decoder.push(frame.subarray(0, 100), () => undefined);
    // 500 x 16 KiB, and room for what the collector has not taken yet.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
    expect(decoders[0].bytesHeld).toBe(100);
  });

  it('gives nothing after stop, even in the middle of a chunk', () => {
    const decoder = new FrameDecoder(kernels);
    let count = 0;
    decoder.push(stream, () => {
      count++;
      decoder.stop();
    });
    decoder.push(stream, () => count++);
    expect([count, decoder.bytesHeld]).toEqual([1, 0]);
  });
});
