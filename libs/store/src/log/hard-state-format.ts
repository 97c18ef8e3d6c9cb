import {
  assert,
  type Kernels,
  nodeId,
  type NodeId,
  rangeId,
  type RangeId,
  readU53,
  viewOf,
  writeU53,
} from '@holdfast/io';

/**
 * A file that holds term and vote of every group of a node, beside the node log that has them too. All integers
 * little-endian. See docs/formats/hard-state.md.
 *
 * ```
 * u32 magic "HFHS" | u32 crc of all behind it | u32 format | u32 count | u64 sequence | u32 copy | u32 0
 * count x (u32 group | u32 vote | u64 term)
 * zeros, or what a longer content has left, to a multiple of 4096 bytes
 * ```
 */
const MAGIC = 0x53484648;
const FORMAT = 1;
const HEAD_BYTES = 32;
const GROUP_BYTES = 16;
/** The checksum covers everything from here. */
const COVERED_FROM = 8;
/** Contents end at a multiple of this, so that few changes of a file change its size. */
const PAGE_BYTES = 4096;
/** Groups of one node. */
export const HARD_STATE_GROUPS_MAX = 1024 * 1024;

/** What a node has promised in one group. */
export interface Promised {
  readonly term: number;
  /** 0: nobody. */
  readonly vote: NodeId | 0;
}

/** The content of one copy. */
export interface HardStateCopy {
  /** Later contents have greater numbers. */
  readonly sequence: number;
  readonly groups: ReadonlyMap<RangeId, Promised>;
}

/** Which of the two files. Part of the content: one that was written to the other's place is not valid. */
export type CopyNumber = 1 | 2;

export function encodeHardStates(kernels: Kernels, copy: CopyNumber, content: HardStateCopy): Uint8Array {
  const { groups, sequence } = content;
  assert(groups.size <= HARD_STATE_GROUPS_MAX, 'more groups than HARD_STATE_GROUPS_MAX');
  const end = HEAD_BYTES + groups.size * GROUP_BYTES;
  const bytes = new Uint8Array(Math.ceil(end / PAGE_BYTES) * PAGE_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, FORMAT, true);
  view.setUint32(12, groups.size, true);
  writeU53(view, 16, sequence);
  view.setUint32(24, copy, true);
  let at = HEAD_BYTES;
  for (const [group, { term, vote }] of groups) {
    view.setUint32(at, group, true);
    view.setUint32(at + 4, vote, true);
    writeU53(view, at + 8, term);
    at += GROUP_BYTES;
  }
  view.setUint32(4, kernels.crc32(bytes, COVERED_FROM, end, 0), true);
  return bytes;
}

/** Undefined when the bytes are not whole. @throws Error for a later format */
export function decodeHardStates(
  kernels: Kernels,
  copy: CopyNumber,
  bytes: Uint8Array,
): HardStateCopy | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const view = viewOf(bytes);
  const count = view.getUint32(12, true);
  const end = HEAD_BYTES + count * GROUP_BYTES;
  if (view.getUint32(0, true) !== MAGIC || end > bytes.length) return undefined;
  if (view.getUint32(4, true) !== kernels.crc32(bytes, COVERED_FROM, end, 0)) return undefined;
  const format = view.getUint32(8, true);
  if (format > FORMAT) throw new Error(`hard states in format ${format}, this version reads up to ${FORMAT}`);
  if (view.getUint32(24, true) !== copy) return undefined;
  const groups = new Map<RangeId, Promised>();
  for (let at = HEAD_BYTES; at < end; at += GROUP_BYTES) {
    const vote = view.getUint32(at + 4, true);
    groups.set(rangeId(view.getUint32(at, true)), {
      term: readU53(view, at + 8),
      vote: vote === 0 ? 0 : nodeId(vote),
    });
  }
  return { sequence: readU53(view, 16), groups };
}
