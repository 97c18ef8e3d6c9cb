import { type Disk, joinPath, type Kernels, readWholeFile, viewOf } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import {
  headerFault,
  readRecord,
  RECORD_ALIGNMENT,
  RECORD_HEAD_BYTES,
  type RecordHead,
  recordBytes,
  SEAL_TYPE,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentOf,
} from './log-format.ts';

/** One record as recovery meets it. The payload is a view that is valid during the call. */
export interface LogRecord {
  readonly type: number;
  readonly payload: Uint8Array;
  /** Number of the segment that holds it. */
  readonly segment: number;
  /** Where it starts in the segment, in bytes. */
  readonly offset: number;
}

/** A place in a log: later records have a greater segment, or the same and a greater offset. */
export interface LogPosition {
  readonly segment: number;
  /** Bytes from the start of the segment. */
  readonly offset: number;
}

export function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}

/** Where the next record goes. */
export interface LogTail {
  readonly segment: number;
  readonly offset: number;
  /** Number of the last group that recovery saw, in u32 arithmetic. */
  readonly group: number;
  /** The last segment ended with a seal: the next record goes into a new segment. */
  readonly sealed: boolean;
  /** Bytes behind `offset` that hold the rest of a group that never became durable; to be overwritten. */
  readonly torn: boolean;
}

export interface RecoveryOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly kernels: Kernels;
  readonly onRecord: (record: LogRecord) => void;
  /** A planted bug: cuts the log at damage in the middle instead of refusing. */
  readonly truncateOnDamage: boolean;
}

/** Numbers of the segments in a directory, ascending. @throws CorruptionError when one is missing. */
export async function listSegments(disk: Disk, directory: string): Promise<readonly number[]> {
  const numbers = (await disk.list(directory)).map(segmentOf).filter((number) => number !== undefined);
  numbers.sort((a, b) => a - b);
  for (let i = 1; i < numbers.length; i++) {
    if (numbers[i] !== numbers[i - 1]! + 1) {
      const missing = joinPath(directory, segmentName(numbers[i - 1]! + 1));
      throw new CorruptionError('log', missing, 0, 'the segment is missing between its neighbours');
    }
  }
  return numbers;
}

/**
 * Reads every record in order.
 *
 * The end of the log is the first place in the last segment where no valid record stands, given that nothing
 * valid of a *later group* follows: a group is written only after the group before it was synced, so a later
 * group proves that what is damaged had been durable. Records behind the end that belong to the damaged group
 * itself are the parts of one torn write that happened to reach the disk.
 *
 * @throws CorruptionError for damage in the middle, which is never cut.
 */
export async function recoverLog(
  options: RecoveryOptions,
  segments: readonly number[],
): Promise<LogTail | undefined> {
  let tail: LogTail | undefined;
  for (let i = 0; i < segments.length; i++) {
    const isLast = i === segments.length - 1;
    tail = await recoverSegment(options, segments[i]!, isLast, tail);
  }
  return tail;
}

async function recoverSegment(
  options: RecoveryOptions,
  segment: number,
  isLast: boolean,
  before: LogTail | undefined,
): Promise<LogTail> {
  const { kernels, onRecord } = options;
  const path = joinPath(options.directory, segmentName(segment));
  const bytes = await readWholeFile(options.disk, path);
  const fault = headerFault(kernels, bytes, segment);
  if (fault !== undefined) throw new CorruptionError('log', path, 0, fault);
  const view = viewOf(bytes);
  let offset = SEGMENT_HEADER_BYTES;
  let group = before?.group ?? 0;
  let atGroupEnd = true;
  for (;;) {
    const head = readRecord(kernels, bytes, view, segment, offset);
    if (head === undefined) break;
    group = head.group;
    atGroupEnd = head.groupEnd;
    if (head.type === SEAL_TYPE) return { segment, offset, group, sealed: true, torn: false };
    const payload = bytes.subarray(
      offset + RECORD_HEAD_BYTES,
      offset + RECORD_HEAD_BYTES + head.payloadBytes,
    );
    onRecord({ type: head.type, payload, segment, offset });
    offset += recordBytes(head.payloadBytes);
  }
  if (!isLast && !options.truncateOnDamage) {
    throw new CorruptionError(
      'log',
      path,
      offset,
      'a record is damaged and the log goes on in a later segment',
    );
  }
  const damagedGroup = atGroupEnd ? (group + 1) >>> 0 : group;
  // Most of a segment that was not filled is zeros, which hold no record.
  const end = contentEnd(bytes, offset);
  const later = findLaterGroup(kernels, bytes, view, segment, offset, end, damagedGroup);
  if (later !== undefined && !options.truncateOnDamage) {
    throw new CorruptionError(
      'log',
      path,
      offset,
      `a record is damaged and a later valid one stands at ${later}`,
    );
  }
  const torn = end > offset;
  return { segment, offset, group: damagedGroup, sealed: false, torn };
}

/** Where the zeros at the end of a segment begin, `from` at the earliest. */
function contentEnd(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  // Four bytes at a time, as far as they are aligned.
  const first = bytes.byteOffset + from;
  const last = bytes.byteOffset + end;
  if (first % 4 === 0 && last % 4 === 0 && first < last) {
    const words = new Uint32Array(bytes.buffer, first, (last - first) / 4);
    let word = words.length;
    while (word > 0 && words[word - 1] === 0) word--;
    end = from + word * 4;
  }
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}

/** Offset of a valid record of a group after `damagedGroup`, or undefined. Group numbers wrap around. */
function findLaterGroup(
  kernels: Kernels,
  bytes: Uint8Array,
  view: DataView,
  segment: number,
  from: number,
  contentEnds: number,
  damagedGroup: number,
): number | undefined {
  const last = Math.min(bytes.length - RECORD_HEAD_BYTES, contentEnds - 1);
  for (let offset = from; offset <= last; offset += RECORD_ALIGNMENT) {
    // Cheap refusals first: the checksum of every offset would cost the square of the segment.
    if (!plausible(view, offset, bytes.length, damagedGroup)) continue;
    const head: RecordHead | undefined = readRecord(kernels, bytes, view, segment, offset);
    if (head !== undefined) return offset;
  }
  return undefined;
}

/** Could a record of a group after `damagedGroup` start here? */
function plausible(view: DataView, offset: number, segmentBytes: number, damagedGroup: number): boolean {
  const ahead = (view.getUint32(offset + 8, true) - damagedGroup) >>> 0;
  if (ahead === 0 || ahead > GROUPS_PER_SEGMENT_MAX) return false;
  return view.getUint32(offset + 4, true) <= segmentBytes - offset - RECORD_HEAD_BYTES;
}

/** More groups than the smallest records could make in the largest segment. */
const GROUPS_PER_SEGMENT_MAX = 2 ** 28;
