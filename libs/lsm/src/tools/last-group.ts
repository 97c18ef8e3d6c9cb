import { type Kernels, viewOf } from '@holdfast/io';
import {
  readRecord,
  RECORD_ALIGNMENT,
  RECORD_HEAD_BYTES,
  recordBytes,
  SEGMENT_HEADER_BYTES,
} from '../log/log-format.ts';

/** Where a record stands in its segment, head included. */
export interface RecordPlace {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The last group of a log's last segment, if recovery would take damage in it for a torn write: the group is whole, and
 * nothing valid stands behind it. Empty otherwise. For those who damage logs on purpose.
 */
export function lastGroupOf(kernels: Kernels, segment: number, bytes: Uint8Array): readonly RecordPlace[] {
  const view = viewOf(bytes);
  let records: RecordPlace[] = [];
  let group: number | undefined;
  let isWhole = false;
  let offset = SEGMENT_HEADER_BYTES;
  for (;;) {
    const head = readRecord(kernels, bytes, view, segment, offset);
    if (head === undefined) break;
    if (head.group !== group) records = [];
    group = head.group;
    isWhole = head.groupEnd;
    records.push({ type: head.type, offset, bytes: RECORD_HEAD_BYTES + head.payloadBytes });
    offset += recordBytes(head.payloadBytes);
  }
  if (!isWhole) return [];
  for (; offset + RECORD_HEAD_BYTES <= bytes.length; offset += RECORD_ALIGNMENT) {
    if (readRecord(kernels, bytes, view, segment, offset) !== undefined) return [];
  }
  return records;
}
