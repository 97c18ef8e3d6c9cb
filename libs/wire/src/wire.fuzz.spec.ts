import { concatBytes, Prng, pureKernels, randomInteger, randomPick, viewOf } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { describePayload } from '../testdata/describe-frame.ts';
import { mutate } from '../testdata/mutate.ts';
import { SAMPLE_FRAMES } from '../testdata/sample-frames.ts';
import { type Frame, FRAME_HEADER_BYTES } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { ProtocolError } from './holdfast-error.ts';
import { FRAME_BYTES_MAX } from './limits.ts';

/**
 * Bytes from a hostile peer: whatever comes, a reader gives data or throws ProtocolError. Seeded, so a failure
 * names the seed that shows it again. `FUZZ_ROUNDS` makes it longer.
 */
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 1_000_000);
const kernels = pureKernels;
const frames = [...SAMPLE_FRAMES.values()];
const received: Frame[] = [];
new FrameDecoder(kernels).push(concatBytes(frames), (frame) => received.push(frame));
const payloads = received.map((frame) => frame.payload);

/** Runs `step` with a seed per round; gives how often it was refused. */
function rounds(count: number, step: (random: Prng) => void): number {
  let refused = 0;
  for (let seed = 1; seed <= count; seed++) {
    try {
      step(new Prng(seed));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw new Error(`seed ${seed}`, { cause: error });
      refused++;
    }
  }
  return refused;
}

// Stack traces are most of the cost of a refusal, and none of the point.
const stackTraceLimit = Error.stackTraceLimit;

describe('malformed bytes', () => {
  it('in payloads are read as data or refused', { timeout: 120_000 }, () => {
    Error.stackTraceLimit = 0;
    const count = Math.ceil(ROUNDS * 0.7);
    const refused = rounds(count, (random) => {
      const which = randomInteger(random, 0, payloads.length - 1);
      describePayload(received[which].type, mutate(random, payloads[which], payloads));
    });
    Error.stackTraceLimit = stackTraceLimit;
    // Both must happen often, or the fuzzer looks at nothing.
    expect(refused).toBeGreaterThan(count * 0.3);
    expect(refused).toBeLessThan(count * 0.95);
  });

  it('as one kind of payload in place of another are read as data or refused', () => {
    for (const { type } of received) {
      for (const payload of payloads) {
        try {
          describePayload(type, payload);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }
    }
  });

  it(
    'in streams of frames end in a refusal or in whole frames, and hold no more than they sent',
    { timeout: 120_000 },
    () => {
      Error.stackTraceLimit = 0;
      const count = Math.ceil(ROUNDS * 0.3);
      const rssBefore = process.memoryUsage().rss;
      let delivered = 0;
      const refused = rounds(count, (random) => {
        const bytes = mutate(random, randomPick(random, frames), frames);
        // Half of the damaged frames get fitting checksums, so that they come through to the readers.
        if ((random.nextU32() & 1) === 0) seal(bytes);
        const decoder = new FrameDecoder(kernels);
        const split = randomInteger(random, 0, bytes.length);
        const onFrame = (frame: Frame): void => {
          delivered++;
          describePayload(frame.type, frame.payload);
        };
        decoder.push(bytes.subarray(0, split), onFrame);
        decoder.push(bytes.subarray(split), onFrame);
        if (decoder.bytesHeld > bytes.length) throw new Error('holds more than was sent');
      });
      Error.stackTraceLimit = stackTraceLimit;
      expect(refused).toBeGreaterThan(count * 0.3);
      expect(delivered).toBeGreaterThan(count * 0.02);
      // Flat: the collector's slack, whatever the number of rounds.
      expect(process.memoryUsage().rss - rssBefore).toBeLessThan(200 * 1024 * 1024);
    },
  );
});

/** Length and checksums that fit the bytes. */
function seal(bytes: Uint8Array): void {
  if (bytes.length < FRAME_HEADER_BYTES || bytes.length > FRAME_BYTES_MAX) return;
  const view = viewOf(bytes);
  view.setUint32(4, bytes.length, true);
  view.setUint32(16, kernels.crc32(bytes, FRAME_HEADER_BYTES, bytes.length, 0), true);
  view.setUint32(20, kernels.crc32(bytes, 0, 20, 0), true);
}
