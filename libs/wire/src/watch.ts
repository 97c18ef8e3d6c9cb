import {
  assert,
  copyBytes,
  EMPTY_BYTES,
  type Kernels,
  type KeyspaceId,
  type NodeId,
  type RangeId,
} from '@holdfast/io';
import { Encoding } from 'flatbuffers';
import { buildTable, createDetail, openTable, textOf, u53Of } from './control-codec.ts';
import { type ErrorCode, errorCode, errorNumber } from './errors.ts';
import { encodeFrame, FrameType } from './frame.ts';
import { WATCH_CREDIT, WATCH_END, WATCH_START } from './generated/layout.ts';
import { WatchCredit as WatchCreditTable } from './generated/watch-credit.ts';
import { WatchEnd as WatchEndTable } from './generated/watch-end.ts';
import { WatchStart as WatchStartTable } from './generated/watch-start.ts';
import { ProtocolError } from './holdfast-error.ts';
import { DETAIL_BYTES_MAX, KEY_BYTES_MAX } from './limits.ts';

/** Asks a node for the changes of `[start, end)` inside one range; the request id of its frame names the watch. */
export interface WatchStart {
  readonly range: RangeId;
  readonly keyspace: KeyspaceId;
  /** User keys. An empty `end` is the end of the keyspace. */
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  /** Changes with a higher revision are wanted; 0: those from now on. */
  readonly after: number;
  /** Bytes of changes that may come before {@link encodeWatchCredit} allows more. */
  readonly credit: number;
  /** Without changes, how often a progress mark is wanted, in milliseconds. */
  readonly progressMs: number;
}

/** The last frame of a watch. */
export interface WatchEnd {
  readonly reason: ErrorCode;
  readonly leaderHint: NodeId | 0;
  readonly retryAfterMs: number;
  /** Nothing at or below is missing: where to go on. 0: where the watch began. */
  readonly progress: number;
  /** With `HF_COMPACTED`: the oldest revision that a watch can begin at. */
  readonly oldest: number;
  readonly detail: string;
}

/** The key right behind the largest key, which bounds a watch of it, is one byte longer. */
const BOUND_BYTES_MAX = KEY_BYTES_MAX + 1;

export function encodeWatchStart(
  kernels: Kernels,
  version: number,
  requestId: number,
  watch: WatchStart,
): Uint8Array {
  const { start, end } = watch;
  assert(start.length <= BOUND_BYTES_MAX && end.length <= BOUND_BYTES_MAX, 'a bound is a key');
  const payload = buildTable((builder) => {
    const startAt = builder.createByteVector(start);
    const endAt = builder.createByteVector(end);
    const { range, keyspace, credit, progressMs } = watch;
    return WatchStartTable.createWatchStart(
      builder,
      BigInt(watch.after),
      range,
      keyspace,
      credit,
      startAt,
      endAt,
      progressMs,
    );
  });
  return encodeFrame(kernels, { type: FrameType.watchStart, requestId, version }, payload);
}

/** With memory of its own. @throws ProtocolError */
export function readWatchStart(payload: Uint8Array): WatchStart {
  const table = WatchStartTable.getRootAsWatchStart(openTable(payload, WATCH_START));
  return {
    range: table.rangeId() as RangeId,
    keyspace: table.keyspaceId() as KeyspaceId,
    start: boundOf(table.startArray()),
    end: boundOf(table.endArray()),
    after: u53Of(table.after(), 'after'),
    credit: table.credit(),
    progressMs: table.progressMs(),
  };
}

function boundOf(bytes: Uint8Array | null): Uint8Array {
  const bound = copyBytes(bytes ?? EMPTY_BYTES);
  if (bound.length > BOUND_BYTES_MAX) throw new ProtocolError('limit', `bound of ${bound.length} bytes`);
  return bound;
}

/** Allows `bytes` more bytes of changes. */
export function encodeWatchCredit(
  kernels: Kernels,
  version: number,
  requestId: number,
  bytes: number,
): Uint8Array {
  const payload = buildTable((builder) => WatchCreditTable.createWatchCredit(builder, bytes));
  return encodeFrame(kernels, { type: FrameType.watchCredit, requestId, version }, payload);
}

/** @throws ProtocolError */
export function readWatchCredit(payload: Uint8Array): number {
  return WatchCreditTable.getRootAsWatchCredit(openTable(payload, WATCH_CREDIT)).bytes();
}

/** The client wants nothing more of this watch; nobody answers. */
export function encodeWatchCancel(kernels: Kernels, version: number, requestId: number): Uint8Array {
  return encodeFrame(kernels, { type: FrameType.watchCancel, requestId, version }, EMPTY_BYTES);
}

export function encodeWatchEnd(
  kernels: Kernels,
  version: number,
  requestId: number,
  end: WatchEnd,
): Uint8Array {
  const payload = buildTable((builder) =>
    WatchEndTable.createWatchEnd(
      builder,
      errorNumber(end.reason),
      end.leaderHint,
      Math.ceil(end.retryAfterMs),
      BigInt(end.progress),
      BigInt(end.oldest),
      createDetail(builder, end.detail),
    ),
  );
  return encodeFrame(kernels, { type: FrameType.watchEnd, requestId, version }, payload);
}

/** @throws ProtocolError */
export function readWatchEnd(payload: Uint8Array): WatchEnd {
  const table = WatchEndTable.getRootAsWatchEnd(openTable(payload, WATCH_END));
  return {
    reason: errorCode(table.status()),
    leaderHint: table.leaderHint() as NodeId | 0,
    retryAfterMs: table.retryAfterMs(),
    progress: u53Of(table.progress(), 'progress'),
    oldest: u53Of(table.oldest(), 'oldest'),
    detail: textOf(table.detail(Encoding.UTF8_BYTES), DETAIL_BYTES_MAX, 'detail'),
  };
}
