import { type Disk, DiskError, joinPath, type Kernels, readWholeFile, replaceFile } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { KEY_BYTES_MAX, LEVEL_COUNT } from '../limits.ts';
import { readU32, writeU32 } from '../table/block-checksum.ts';
import type { TableMeta } from '../table/table-info.ts';
import { ByteWriter, VarintReader } from '../table/varint.ts';
import type { DamagedSpan } from './damaged-spans.ts';
import type { RangeTombstone } from './range-tombstones.ts';

/**
 * What a tree is, on disk: the file `MANIFEST`, replaced as a whole by every change (write beside, sync,
 * rename, sync the directory), so it is never torn and any wrong byte is damage.
 *
 * ```
 * u32 magic | u16 format version | u16 zero | u32 payload length | u32 checksum over all else | payload
 * payload   field*    varint tag | varint length | bytes
 * ```
 *
 * A reader refuses tags that it does not know.
 */
export const MANIFEST_NAME = 'MANIFEST';
export const MANIFEST_FORMAT_VERSION = 1;
const MAGIC = 0x464d_4648; // "HFMF", little-endian
const HEAD_BYTES = 16;

const TAG_TREE_ID = 1;
const TAG_NEXT_FILE = 2;
const TAG_WAL_SEGMENT = 3;
const TAG_TABLE = 4;
const TAG_MARK = 5;
const TAG_RANGE_TOMBSTONE = 6;
const TAG_WAL_OFFSET = 7;
const TAG_DAMAGED_SPAN = 8;
const TAG_HORIZON = 9;

export interface ManifestState {
  /** Mixed into the binding of new tables; chosen when the tree is made. */
  readonly treeId: number;
  /** Greater than the number of every file of this tree so far. */
  readonly nextFileNumber: number;
  /** Older WAL segments hold nothing that is not in a table; 0: there has been no flush with a WAL. */
  readonly walSegmentFirst: number;
  /** Nor do the bytes of that segment before this offset. */
  readonly walOffsetFirst: number;
  readonly levels: readonly (readonly TableMeta[])[];
  readonly marks: ReadonlyMap<number, Uint8Array>;
  readonly rangeTombstones: readonly RangeTombstone[];
  readonly damagedSpans: readonly DamagedSpan[];
  /** Readers at a revision below it may miss versions: tables were written without them. 0: none are missing. */
  readonly horizon: number;
}

/** The state on disk, or undefined when there is no manifest. @throws CorruptionError, DiskError. */
export async function readManifest(
  disk: Disk,
  directory: string,
  kernels: Kernels,
): Promise<ManifestState | undefined> {
  const path = joinPath(directory, MANIFEST_NAME);
  let bytes: Uint8Array;
  try {
    bytes = await readWholeFile(disk, path);
  } catch (error) {
    if (error instanceof DiskError && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const state = decodeManifest(bytes, kernels);
  if (typeof state === 'string') throw new CorruptionError('manifest', path, 0, state);
  return state;
}

/** Durable when it returns. @throws DiskError; which state is on disk is then unknown, and the tree must stop. */
export async function writeManifest(
  disk: Disk,
  directory: string,
  state: ManifestState,
  kernels: Kernels,
): Promise<void> {
  await replaceFile(disk, joinPath(directory, MANIFEST_NAME), encodeManifest(state, kernels));
}

export function encodeManifest(state: ManifestState, kernels: Kernels): Uint8Array {
  const writer = new ByteWriter();
  const field = (tag: number, value: ByteWriter): void => void writer.varint(tag).string(value.finish());
  field(TAG_TREE_ID, new ByteWriter().u53(state.treeId));
  field(TAG_NEXT_FILE, new ByteWriter().u53(state.nextFileNumber));
  field(TAG_WAL_SEGMENT, new ByteWriter().u53(state.walSegmentFirst));
  if (state.walOffsetFirst > 0) field(TAG_WAL_OFFSET, new ByteWriter().u53(state.walOffsetFirst));
  for (const [level, tables] of state.levels.entries()) {
    for (const table of tables) field(TAG_TABLE, encodeTable(level, table));
  }
  for (const [group, mark] of [...state.marks].sort(([a], [b]) => a - b)) {
    field(TAG_MARK, new ByteWriter().u53(group).raw(mark));
  }
  for (const { start, end, revision, appliedFrom } of state.rangeTombstones) {
    const bounds = new ByteWriter()
      .string(start)
      .string(end ?? new Uint8Array(0))
      .finish();
    field(
      TAG_RANGE_TOMBSTONE,
      new ByteWriter()
        .u53(revision)
        .u53(appliedFrom ?? 0)
        .raw(bounds),
    );
  }
  for (const { start, end, table } of state.damagedSpans) {
    const bounds = new ByteWriter().string(start).string(end).finish();
    field(TAG_DAMAGED_SPAN, new ByteWriter().u53(table).raw(bounds));
  }
  if (state.horizon > 0) field(TAG_HORIZON, new ByteWriter().u53(state.horizon));
  const payload = writer.finish();
  const bytes = new Uint8Array(HEAD_BYTES + payload.length);
  writeU32(bytes, 0, MAGIC);
  bytes[4] = MANIFEST_FORMAT_VERSION;
  writeU32(bytes, 8, payload.length);
  bytes.set(payload, HEAD_BYTES);
  writeU32(bytes, 12, checksumOf(bytes, kernels));
  return bytes;
}

/** The state, or what is wrong with the bytes. */
export function decodeManifest(bytes: Uint8Array, kernels: Kernels): ManifestState | string {
  if (bytes.length < HEAD_BYTES || readU32(bytes, 0) !== MAGIC) return 'not a manifest';
  const version = bytes[4]! | (bytes[5]! << 8);
  if (version !== MANIFEST_FORMAT_VERSION) return `format version ${version} is not known`;
  if (readU32(bytes, 8) !== bytes.length - HEAD_BYTES) return 'length';
  if (readU32(bytes, 12) !== checksumOf(bytes, kernels)) return 'checksum';
  let treeId = -1;
  let nextFileNumber = -1;
  let walSegmentFirst = -1;
  let walOffsetFirst = 0;
  let horizon = 0;
  const levels: TableMeta[][] = Array.from({ length: LEVEL_COUNT }, () => []);
  const marks = new Map<number, Uint8Array>();
  const rangeTombstones: RangeTombstone[] = [];
  const damagedSpans: DamagedSpan[] = [];
  const reader = new VarintReader(bytes, HEAD_BYTES);
  while (reader.offset < bytes.length) {
    const tag = reader.next();
    const value = reader.take(reader.next());
    if (value === undefined) return 'a field is cut off';
    const field = new VarintReader(value);
    switch (tag) {
      case TAG_TREE_ID:
        treeId = field.u53();
        break;
      case TAG_NEXT_FILE:
        nextFileNumber = field.u53();
        break;
      case TAG_WAL_SEGMENT:
        walSegmentFirst = field.u53();
        break;
      case TAG_WAL_OFFSET:
        walOffsetFirst = field.u53();
        break;
      case TAG_HORIZON:
        horizon = field.u53();
        break;
      case TAG_TABLE: {
        const table = decodeTable(field);
        if (table === undefined) return 'a table';
        levels[table.level]!.push(table.meta);
        break;
      }
      case TAG_MARK: {
        const group = field.u53();
        if (group < 0) return 'a mark';
        marks.set(group, value.slice(field.offset));
        break;
      }
      case TAG_RANGE_TOMBSTONE: {
        const revision = field.u53();
        const appliedFrom = field.u53();
        const start = field.take(field.next())?.slice();
        const end = field.take(field.next())?.slice();
        if (revision < 0 || appliedFrom < 0 || start === undefined || end === undefined)
          return 'a range tombstone';
        const bounds = { start, end: end.length === 0 ? undefined : end, revision };
        rangeTombstones.push(appliedFrom === 0 ? bounds : { ...bounds, appliedFrom });
        break;
      }
      case TAG_DAMAGED_SPAN: {
        const table = field.u53();
        const start = field.take(field.next())?.slice();
        const end = field.take(field.next())?.slice();
        if (table < 0 || start === undefined || end === undefined) return 'a damaged span';
        damagedSpans.push({ start, end, table });
        break;
      }
      default:
        return `field ${tag} is not known`;
    }
  }
  if (Math.min(treeId, nextFileNumber, walSegmentFirst, walOffsetFirst, horizon) < 0)
    return 'a field is missing';
  return {
    treeId,
    nextFileNumber,
    walSegmentFirst,
    walOffsetFirst,
    levels,
    marks,
    rangeTombstones,
    damagedSpans,
    horizon,
  };
}

function encodeTable(level: number, table: TableMeta): ByteWriter {
  return new ByteWriter()
    .varint(level)
    .u53(table.number)
    .u53(table.binding)
    .u53(table.fileBytes)
    .u53(table.entries)
    .u53(table.tombstones)
    .u53(table.rawBytes)
    .u53(table.revisionMin)
    .u53(table.revisionMax)
    .string(table.smallestKey)
    .string(table.largestKey);
}

function decodeTable(field: VarintReader): { readonly level: number; readonly meta: TableMeta } | undefined {
  const level = field.next();
  const numbers = Array.from({ length: 8 }, () => field.u53());
  const [number, binding, fileBytes, entries, tombstones, rawBytes, revisionMin, revisionMax] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const smallestKey = field.take(field.next())?.slice();
  const largestKey = field.take(field.next())?.slice();
  if (level < 0 || level >= LEVEL_COUNT || Math.min(...numbers) < 0) return undefined;
  if (smallestKey === undefined || largestKey === undefined || largestKey.length > KEY_BYTES_MAX)
    return undefined;
  return {
    level,
    meta: {
      number,
      binding,
      fileBytes,
      entries,
      tombstones,
      rawBytes,
      revisionMin,
      revisionMax,
      smallestKey,
      largestKey,
    },
  };
}

/** Over all bytes but the checksum itself. */
function checksumOf(bytes: Uint8Array, kernels: Kernels): number {
  return kernels.crc32(bytes, HEAD_BYTES, bytes.length, kernels.crc32(bytes, 0, 12, 0));
}
