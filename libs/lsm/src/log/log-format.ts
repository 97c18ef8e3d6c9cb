import { type Kernels, readU53, viewOf, writeU53 } from '@holdfast/io';

/**
 * Bytes of a log segment (docs/formats/log.md). All integers little-endian.
 *
 * ```
 * segment   64 bytes of header | records … | zeros or what an earlier life of the file left
 *
 * header    u32 magic "HFLG" | u32 format | u64 segment number | u32 crc of the 16 bytes before | zeros
 *
 * record    u32 crc | u32 payload bytes | u32 group | u8 type | u8 flags | u16 0 | payload | zeros to 8 bytes
 * ```
 *
 * The checksum of a record covers its segment's number, its offset, its head behind the checksum and its
 * payload: a record that lies where it was not written, or that an earlier life of a recycled file left, is
 * never taken for valid. Records start at multiples of 8.
 */
export const SEGMENT_MAGIC = 0x474c4648;
export const SEGMENT_FORMAT = 1;
export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEAD_BYTES = 16;
export const RECORD_ALIGNMENT = 8;

/** Type of the record that ends a segment: the log goes on in the next one. Users' types are 1 .. 255. */
export const SEAL_TYPE = 0;

/** Last record of its group: everything up to here was made durable by one sync. */
export const FLAG_GROUP_END = 1;

export function encodeSegmentHeader(kernels: Kernels, segment: number): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SEGMENT_MAGIC, true);
  view.setUint32(4, SEGMENT_FORMAT, true);
  writeU53(view, 8, segment);
  view.setUint32(16, kernels.crc32(bytes, 0, 16, 0), true);
  return bytes;
}

/** What is wrong with a header, or undefined. */
export function headerFault(kernels: Kernels, bytes: Uint8Array, segment: number): string | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return 'the header is cut short';
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== SEGMENT_MAGIC) return 'not a log segment';
  if (view.getUint32(16, true) !== kernels.crc32(bytes, 0, 16, 0))
    return 'the header does not match its checksum';
  if (view.getUint32(4, true) > SEGMENT_FORMAT)
    return `format ${view.getUint32(4, true)} is of a later version`;
  if (readU53(view, 8) !== segment) return `the header names segment ${readU53(view, 8)}`;
  return undefined;
}

/** Bytes that a record with this payload takes in its segment. */
export function recordBytes(payloadBytes: number): number {
  return (RECORD_HEAD_BYTES + payloadBytes + RECORD_ALIGNMENT - 1) & -RECORD_ALIGNMENT;
}

export interface RecordHead {
  readonly type: number;
  readonly group: number;
  readonly groupEnd: boolean;
  readonly payloadBytes: number;
}

/**
 * Writes head and checksum around a payload that already stands at `at + RECORD_HEAD_BYTES` in `target`.
 * `offset` is where byte `at` will lie in the segment.
 */
export function sealRecord(
  kernels: Kernels,
  target: Uint8Array,
  view: DataView,
  at: number,
  segment: number,
  offset: number,
  head: RecordHead,
): void {
  view.setUint32(at + 4, head.payloadBytes, true);
  view.setUint32(at + 8, head.group, true);
  view.setUint32(at + 12, head.type | ((head.groupEnd ? FLAG_GROUP_END : 0) << 8), true);
  const end = at + RECORD_HEAD_BYTES + head.payloadBytes;
  const crc = kernels.crc32(target, at + 4, end, placeSeed(kernels, segment, offset));
  view.setUint32(at, crc, true);
}

/** The record at `offset` of a whole segment in memory, or undefined when nothing valid stands there. */
export function readRecord(
  kernels: Kernels,
  bytes: Uint8Array,
  view: DataView,
  segment: number,
  offset: number,
): RecordHead | undefined {
  if (offset + RECORD_HEAD_BYTES > bytes.length) return undefined;
  const payloadBytes = view.getUint32(offset + 4, true);
  const end = offset + RECORD_HEAD_BYTES + payloadBytes;
  if (end > bytes.length) return undefined;
  const crc = view.getUint32(offset, true);
  if (crc !== kernels.crc32(bytes, offset + 4, end, placeSeed(kernels, segment, offset))) return undefined;
  return {
    type: view.getUint8(offset + 12),
    group: view.getUint32(offset + 8, true),
    groupEnd: (view.getUint8(offset + 13) & FLAG_GROUP_END) !== 0,
    payloadBytes,
  };
}

const place = new Uint8Array(16);
const placeView = viewOf(place);

/** Binds a checksum to its place. Never 0 for zeros: an empty region is no record. */
function placeSeed(kernels: Kernels, segment: number, offset: number): number {
  writeU53(placeView, 0, segment);
  writeU53(placeView, 8, offset);
  return kernels.crc32(place, 0, 16, 0x9e3779b9);
}

export function segmentName(segment: number): string {
  return `${segment.toString(16).padStart(14, '0')}.log`;
}

/** The number in a segment's file name, or undefined for other files. */
export function segmentOf(name: string): number | undefined {
  return /^[0-9a-f]{14}\.log$/.test(name) ? Number.parseInt(name.slice(0, 14), 16) : undefined;
}
