import { type KeyspaceId, pureKernels, type RangeId, utf8 } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { type Frame } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { ProtocolError } from './holdfast-error.ts';
import { KEY_BYTES_MAX, WATCHES_PER_FRAME_MAX } from './limits.ts';
import { encodeWatchStart, readWatchStart } from './watch.ts';
import { ChangeKind, encodeChange, encodeWatchEvents, WatchEventsReader } from './watch-events.ts';

const kernels = pureKernels;
const none = new Uint8Array(0);

function payloadOf(bytes: Uint8Array): Uint8Array {
  const frames: Frame[] = [];
  new FrameDecoder(kernels).push(bytes, (frame) => frames.push(frame));
  return frames[0].payload;
}

function start(end: Uint8Array): Uint8Array {
  const watch = {
    range: 2 as RangeId,
    keyspace: 1 as KeyspaceId,
    start: none,
    end,
    after: 7,
    credit: 10,
    progressMs: 50,
  };
  return payloadOf(encodeWatchStart(kernels, 1, 3, watch));
}

describe('WatchStart', () => {
  it('takes the key behind the largest key as a bound, and nothing longer', () => {
    const end = new Uint8Array(KEY_BYTES_MAX + 1);
    expect(readWatchStart(start(end))).toMatchObject({ end, after: 7, credit: 10 });
    expect(() => start(new Uint8Array(KEY_BYTES_MAX + 2))).toThrow();
  });
});

describe('WatchEventsReader', () => {
  const change = (revision: number): Uint8Array =>
    encodeChange(ChangeKind.put, revision, utf8(`k${revision}`), utf8('text/plain'), utf8('v'));
  const read = (changes: readonly Uint8Array[]): WatchEventsReader =>
    new WatchEventsReader(payloadOf(encodeWatchEvents(kernels, 1, [4], changes, 9)));

  it('reads what was written, and again after a rewind', () => {
    const reader = read([change(5), change(5), change(8)]);
    const revisions = (): number[] => {
      const seen: number[] = [];
      while (reader.next()) seen.push(reader.revision);
      return seen;
    };
    expect(revisions()).toEqual([5, 5, 8]);
    reader.rewind();
    expect(revisions()).toEqual([5, 5, 8]);
    expect(reader).toMatchObject({ progress: 9, watches: [4], count: 3 });
  });

  it('refuses changes out of order, of unknown kind, and a count that does not fit', () => {
    expect(() => read([change(5), change(4)])).toThrow(ProtocolError);
    const unknown = change(5);
    unknown[15] = 4;
    expect(() => read([unknown])).toThrow(ProtocolError);
    const short = change(5);
    short[8] = 2; // a value one byte longer than what is there
    expect(() => read([short])).toThrow(ProtocolError);
  });

  it('refuses a frame for more watches than the limit', () => {
    const ids = Array.from({ length: WATCHES_PER_FRAME_MAX }, (_, i) => i);
    expect(() => encodeWatchEvents(kernels, 1, ids, [], 1)).not.toThrow();
    expect(() => encodeWatchEvents(kernels, 1, [...ids, 1], [], 1)).toThrow();
  });
});
