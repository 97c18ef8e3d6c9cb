import { type Kernels, viewOf, writeU53 } from '@holdfast/io';
import { BlockChecksum, readU32, writeU32 } from './block-checksum.ts';
import type { TableInfo } from './table-info.ts';
import { ByteWriter, VarintReader } from './varint.ts';

/**
 * A table file (drawn in full in docs/formats/sstable.md):
 *
 * ```
 * data block*   block bytes | u8 compression | u32 checksum
 * filter        the same, never compressed; may have length 0
 * index         the same, never compressed
 * properties    the same, never compressed
 * footer        FOOTER_BYTES
 * ```
 */
export const TABLE_FORMAT_VERSION = 2;
/** Behind every block: compression and checksum. */
export const TRAILER_BYTES = 5;
export const FOOTER_BYTES = 64;
/** A table is smaller than this, so offsets fit 32 bits. */
export const TABLE_BYTES_MAX: number = 2 ** 32 - 1;
const MAGIC = 0x5353_4648; // "HFSS", little-endian

export interface Section {
  readonly offset: number;
  /** Without the trailer. */
  readonly length: number;
}

export interface Footer {
  readonly binding: number;
  readonly filter: Section;
  readonly index: Section;
  readonly properties: Section;
}

/**
 * ```
 *  0  u32 x 6   offset and length of filter, index, properties
 * 24  u64       binding
 * 32  20 bytes  zero
 * 52  u32       checksum over all of it with this field zero, bound to the footer's own offset
 * 56  u16       format version | u16 zero      (version and magic stay here in every version)
 * 60  u32       magic
 * ```
 */
export function encodeFooter(footer: Footer, kernels: Kernels, fileOffset: number): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  let at = 0;
  for (const { offset, length } of [footer.filter, footer.index, footer.properties]) {
    writeU32(bytes, at, offset);
    writeU32(bytes, at + 4, length);
    at += 8;
  }
  writeU53(viewOf(bytes), 24, footer.binding);
  bytes[56] = TABLE_FORMAT_VERSION;
  writeU32(bytes, 60, MAGIC);
  writeU32(bytes, 52, footerChecksum(bytes, footer.binding, kernels, fileOffset));
  return bytes;
}

/** The footer, or what is wrong with it. `binding` undefined: believe the footer (a file from elsewhere). */
export function decodeFooter(
  bytes: Uint8Array,
  kernels: Kernels,
  fileOffset: number,
  binding: number | undefined,
): Footer | string {
  if (bytes.length !== FOOTER_BYTES || readU32(bytes, 60) !== MAGIC)
    return 'no footer: not a table, or cut off';
  const version = bytes[56]! | (bytes[57]! << 8);
  if (version !== TABLE_FORMAT_VERSION) return `format version ${version} is not known`;
  const own = new VarintReader(bytes, 24).u53();
  if (own < 0 || (binding !== undefined && own !== binding)) return 'the footer belongs to another file';
  if (readU32(bytes, 52) !== footerChecksum(bytes, own, kernels, fileOffset)) return 'checksum of the footer';
  const section = (at: number): Section => ({ offset: readU32(bytes, at), length: readU32(bytes, at + 4) });
  const footer = { binding: own, filter: section(0), index: section(8), properties: section(16) };
  const { filter, index, properties } = footer;
  const inOrder =
    filter.offset + filter.length + TRAILER_BYTES === index.offset &&
    index.offset + index.length + TRAILER_BYTES === properties.offset &&
    properties.offset + properties.length + TRAILER_BYTES === fileOffset;
  return inOrder ? footer : 'sections of the footer do not join';
}

function footerChecksum(bytes: Uint8Array, binding: number, kernels: Kernels, fileOffset: number): number {
  const covered = bytes.slice();
  writeU32(covered, 52, 0);
  return new BlockChecksum(kernels, binding).of(covered, 0, FOOTER_BYTES, fileOffset);
}

export function encodeProperties(info: Omit<TableInfo, 'fileBytes'>): Uint8Array {
  return new ByteWriter()
    .u53(info.binding)
    .u53(info.entries)
    .u53(info.tombstones)
    .u53(info.rawBytes)
    .u53(info.revisionMin)
    .u53(info.revisionMax)
    .string(info.smallestKey)
    .string(info.largestKey)
    .finish();
}

/** Undefined when the bytes are not properties. */
export function decodeProperties(bytes: Uint8Array, fileBytes: number): TableInfo | undefined {
  const reader = new VarintReader(bytes);
  const [binding, entries, tombstones, rawBytes, revisionMin, revisionMax] = Array.from({ length: 6 }, () =>
    reader.u53(),
  ) as [number, number, number, number, number, number];
  const smallestKey = reader.take(reader.next())?.slice();
  const largestKey = reader.take(reader.next())?.slice();
  if (smallestKey === undefined || largestKey === undefined || reader.offset !== bytes.length)
    return undefined;
  if (Math.min(binding, entries, tombstones, rawBytes, revisionMin, revisionMax) < 0) return undefined;
  return {
    binding,
    fileBytes,
    entries,
    tombstones,
    rawBytes,
    revisionMin,
    revisionMax,
    smallestKey,
    largestKey,
  };
}
