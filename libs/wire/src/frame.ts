import { assert, type Kernels, loadU32, storeU32 } from '@holdfast/io';
import { frameMemory } from './frame-memory.ts';
import { ProtocolError } from './holdfast-error.ts';
import { FRAME_BYTES_MAX } from './limits.ts';

/**
 * A frame: a fixed header, an optional trace context, a payload. All integers little-endian.
 *
 * ```
 *  0        4        8      9      10       11       12         16         20          24
 *  +--------+--------+------+------+--------+--------+----------+----------+-----------+---------+---------
 *  | magic  | length | type | flags| header | proto- | request  | body     | header    | trace   | payload
 *  | "HFF1" | u32    | u8   | u8   | version| col    | id u32   | CRC u32  | CRC u32   | 0 or 25 |
 *  +--------+--------+------+------+--------+--------+----------+----------+-----------+---------+---------
 * ```
 *
 * `length` counts the whole frame. The body CRC covers trace and payload; the header CRC covers bytes 0 to 19,
 * the body CRC among them, so a damaged length is seen before anybody waits for it. See docs/formats/frame.md.
 */
export const FRAME_MAGIC = 0x31464648;
export const FRAME_HEADER_VERSION = 1;
export const FRAME_HEADER_BYTES = 24;
/** W3C trace context: trace id 16, parent span id 8, trace flags 1. */
export const TRACE_CONTEXT_BYTES = 25;

/** What a frame carries. Numbers are part of the protocol: never changed, never reused. */
export const FrameType = {
  hello: 1,
  helloAck: 2,
  ping: 3,
  pong: 4,
  goAway: 5,
  error: 6,
  dataRequest: 16,
  dataResponse: 17,
  rangeMapRequest: 18,
  rangeMap: 19,
  /** Reserved, payload opaque in version 1. */
  transactionRequest: 20,
  transactionResponse: 21,
  adminRequest: 25,
  adminResponse: 26,
  /** Names a watch by its request id; the frames below speak of it. */
  watchStart: 22,
  /** Changes or a progress mark for several watches; request id 0. */
  watchEvents: 23,
  /** Payload empty. */
  watchCancel: 24,
  watchCredit: 27,
  watchEnd: 28,
  raftBatch: 64,
  snapshotChunk: 65,
  snapshotAck: 66,
  /** Payload opaque to `wire`: the gossip core's own. */
  gossip: 67,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const KNOWN_TYPES: readonly boolean[] = Array.from({ length: 256 }, (_, type) =>
  (Object.values(FrameType) as readonly number[]).includes(type),
);

export const FrameFlag = {
  /** A trace context stands before the payload. */
  trace: 1,
  /** Answers only: more frames with this request id follow. */
  more: 2,
} as const;
const FLAGS_KNOWN = FrameFlag.trace | FrameFlag.more;

/** What an encoder needs to know beside the payload. */
export interface FrameHead {
  readonly type: FrameType;
  /** Unique among the requests in flight of a connection; 0 for a frame that nobody answers. u32. */
  readonly requestId: number;
  /** Protocol version of the payload: the one the handshake settled on. */
  readonly version: number;
  /** {@link FrameFlag.more}. */
  readonly more?: boolean;
  /** {@link TRACE_CONTEXT_BYTES} bytes. */
  readonly trace?: Uint8Array | undefined;
}

/** A received frame whose checksums hold. Its payload has not been verified yet. */
export interface Frame {
  readonly type: FrameType;
  readonly requestId: number;
  readonly version: number;
  readonly more: boolean;
  readonly trace: Uint8Array | undefined;
  /**
   * A view of what was received, never written again by this side; it keeps a whole socket chunk alive, so
   * whoever holds on to a part of it for longer than the request copies that part.
   */
  readonly payload: Uint8Array;
}

/** A payload that is written straight into its frame, without a copy of its own. */
export interface PayloadSource {
  readonly byteLength: number;
  /** Writes exactly `byteLength` bytes at `offset`. The target is zero there. `view` covers all of `target`. */
  writeTo(target: Uint8Array, view: DataView, offset: number): void;
}

/**
 * One frame in memory that nobody else has ({@link frameMemory}), ready for `Connection.write`.
 * The caller keeps to {@link FRAME_BYTES_MAX} (builders tell their `byteLength`).
 */
export function encodeFrame(
  kernels: Kernels,
  head: FrameHead,
  payload: PayloadSource | Uint8Array,
): Uint8Array {
  const { trace } = head;
  assert(trace === undefined || trace.length === TRACE_CONTEXT_BYTES, 'a trace context has 25 bytes');
  const payloadStart = FRAME_HEADER_BYTES + (trace === undefined ? 0 : TRACE_CONTEXT_BYTES);
  const length = payloadStart + payload.byteLength;
  assert(length <= FRAME_BYTES_MAX, 'frame larger than FRAME_BYTES_MAX');
  const { bytes, view, start } = frameMemory(length);
  const end = start + length;
  if (trace !== undefined) bytes.set(trace, start + FRAME_HEADER_BYTES);
  if (payload instanceof Uint8Array) bytes.set(payload, start + payloadStart);
  else payload.writeTo(bytes, view, start + payloadStart);
  storeU32(bytes, start, FRAME_MAGIC);
  storeU32(bytes, start + 4, length);
  bytes[start + 8] = head.type;
  bytes[start + 9] = (trace === undefined ? 0 : FrameFlag.trace) | (head.more === true ? FrameFlag.more : 0);
  bytes[start + 10] = FRAME_HEADER_VERSION;
  bytes[start + 11] = head.version;
  storeU32(bytes, start + 12, head.requestId);
  storeU32(bytes, start + 16, kernels.crc32(bytes, start + FRAME_HEADER_BYTES, end, 0));
  storeU32(bytes, start + 20, kernels.crc32(bytes, start, start + 20, 0));
  return bytes.subarray(start, end);
}

/** @throws ProtocolError `magic` when the first 4 bytes at `offset`, which are there, begin no frame. */
export function checkFrameMagic(bytes: Uint8Array, offset: number): void {
  if (loadU32(bytes, offset) !== FRAME_MAGIC) throw new ProtocolError('magic', 'not a Holdfast frame');
}

/**
 * The length of the frame whose header stands at `offset`, all {@link FRAME_HEADER_BYTES} of it present.
 * @param version the protocol version of the connection; 0 while any is taken.
 * @throws ProtocolError for every header that no correct peer sends.
 */
export function checkFrameHeader(
  kernels: Kernels,
  bytes: Uint8Array,
  offset: number,
  frameBytesMax: number,
  version: number,
): number {
  if (loadU32(bytes, offset) !== FRAME_MAGIC) throw new ProtocolError('magic', 'not a Holdfast frame');
  if (bytes[offset + 10] !== FRAME_HEADER_VERSION) {
    throw new ProtocolError('header-version', `header version ${bytes[offset + 10]}`);
  }
  if (loadU32(bytes, offset + 20) !== kernels.crc32(bytes, offset, offset + 20, 0)) {
    throw new ProtocolError('header-checksum', 'the header is damaged');
  }
  const length = loadU32(bytes, offset + 4);
  const flags = bytes[offset + 9];
  if ((flags & ~FLAGS_KNOWN) !== 0) throw new ProtocolError('flags', `flags ${flags}`);
  const lengthMin = FRAME_HEADER_BYTES + ((flags & FrameFlag.trace) === 0 ? 0 : TRACE_CONTEXT_BYTES);
  if (length < lengthMin || length > frameBytesMax)
    throw new ProtocolError('length', `frame of ${length} bytes`);
  const type = bytes[offset + 8];
  if (!KNOWN_TYPES[type]) throw new ProtocolError('type', `frame type ${type}`);
  if (version !== 0 && bytes[offset + 11] !== version) {
    throw new ProtocolError('version', `version ${bytes[offset + 11]} on a connection of version ${version}`);
  }
  return length;
}

/**
 * The frame of `length` bytes at `offset`, whose header {@link checkFrameHeader} has accepted.
 * @throws ProtocolError `checksum`.
 */
export function openFrame(kernels: Kernels, bytes: Uint8Array, offset: number, length: number): Frame {
  const bodyStart = offset + FRAME_HEADER_BYTES;
  const end = offset + length;
  if (loadU32(bytes, offset + 16) !== kernels.crc32(bytes, bodyStart, end, 0)) {
    throw new ProtocolError('checksum', 'the body is damaged');
  }
  const flags = bytes[offset + 9];
  const traced = (flags & FrameFlag.trace) !== 0;
  return {
    type: bytes[offset + 8] as FrameType,
    requestId: loadU32(bytes, offset + 12),
    version: bytes[offset + 11],
    more: (flags & FrameFlag.more) !== 0,
    trace: traced ? bytes.subarray(bodyStart, bodyStart + TRACE_CONTEXT_BYTES) : undefined,
    payload: bytes.subarray(bodyStart + (traced ? TRACE_CONTEXT_BYTES : 0), end),
  };
}
