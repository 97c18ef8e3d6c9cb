import { assert, concatBytes, decodeUtf8, utf8, viewOf } from '@holdfast/io';
import type { RangeTombstone } from '@holdfast/lsm';
import type { AppliedMark } from '../range/applied-mark.ts';
import {
  decodeDescriptor,
  encodeDescriptor,
  fromHex,
  type RangeDescriptor,
  toHex,
} from '../range/descriptor.ts';

/**
 * A snapshot of a range on the wire: `u32 LE head bytes | head (JSON) | file | file | …`. The files are tables
 * that the engine exported and will ingest; they carry checksums of their own.
 */
export interface SnapshotHead {
  /** What the snapshot stands for. */
  readonly mark: AppliedMark;
  readonly descriptor: RangeDescriptor;
  readonly rangeTombstones: readonly RangeTombstone[];
  /** Readers at a revision below it may miss versions that the sender has dropped. */
  readonly horizon: number;
  /** Sizes of the files, in bytes. */
  readonly files: readonly number[];
}

/** Size of a head, in bytes; its descriptor and its deletions are small. */
export const SNAPSHOT_HEAD_BYTES_MAX = 1024 * 1024;
export const HEAD_LENGTH_BYTES = 4;
const FORMAT = 1;

interface HeadJson {
  readonly format: number;
  readonly mark: AppliedMark;
  readonly descriptor: string;
  readonly rangeTombstones: readonly { start: string; end: string | null; revision: number }[];
  /** Missing from senders that do not know it. */
  readonly horizon?: number;
  readonly files: readonly number[];
}

/** Length and head, as they open the stream. */
export function encodeSnapshotHead(head: SnapshotHead): Uint8Array {
  const json: HeadJson = {
    format: FORMAT,
    mark: head.mark,
    descriptor: toHex(encodeDescriptor(head.descriptor)),
    rangeTombstones: head.rangeTombstones.map(({ start, end, revision }) => ({
      start: toHex(start),
      end: end === undefined ? null : toHex(end),
      revision,
    })),
    horizon: head.horizon,
    files: head.files,
  };
  const text = utf8(JSON.stringify(json));
  assert(text.length <= SNAPSHOT_HEAD_BYTES_MAX, 'snapshot head larger than SNAPSHOT_HEAD_BYTES_MAX');
  const length = new Uint8Array(HEAD_LENGTH_BYTES);
  viewOf(length).setUint32(0, text.length, true);
  return concatBytes([length, text]);
}

/** Undefined when the bytes are not a head that this version reads. */
export function decodeSnapshotHead(bytes: Uint8Array): SnapshotHead | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  const json = JSON.parse(text) as HeadJson;
  const descriptor = decodeDescriptor(fromHex(json.descriptor));
  if (json.format !== FORMAT || descriptor === undefined) return undefined;
  return {
    mark: json.mark,
    descriptor,
    rangeTombstones: json.rangeTombstones.map(({ start, end, revision }) => ({
      start: fromHex(start),
      end: end === null ? undefined : fromHex(end),
      revision,
    })),
    horizon: json.horizon ?? 0,
    files: json.files,
  };
}
