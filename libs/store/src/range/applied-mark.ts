import { assert, loadU53, type RangeId, rangeId, storeU53 } from '@holdfast/io';

/**
 * How far a range's state machine has come; travels with the memtable and is durable with its flush.
 * `u64 index | u64 term | u64 revision`, little-endian.
 */
export interface AppliedMark {
  readonly index: number;
  readonly term: number;
  /** At or above every revision applied so far. */
  readonly revision: number;
}

const MARK_BYTES = 24;
/** Ids of ranges stay below this, so that each has two marks in the tree. */
const RANGE_ID_LIMIT = 2 ** 31;

/** The tree's mark that tells how far the range is applied. */
export function appliedMarkOf(range: RangeId): number {
  assert(range < RANGE_ID_LIMIT, 'a range id is below 2^31');
  return range;
}

/** The tree's mark that holds the range's descriptor: durable in the same moment as the data it belongs to. */
export function descriptorMarkOf(range: RangeId): number {
  return appliedMarkOf(range) + RANGE_ID_LIMIT;
}

/** The range whose descriptor a mark holds, or undefined for other marks. */
export function rangeOfDescriptorMark(mark: number): RangeId | undefined {
  return mark >= RANGE_ID_LIMIT ? rangeId(mark - RANGE_ID_LIMIT) : undefined;
}

export function encodeAppliedMark(mark: AppliedMark): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  storeU53(bytes, 0, mark.index);
  storeU53(bytes, 8, mark.term);
  storeU53(bytes, 16, mark.revision);
  return bytes;
}

export function decodeAppliedMark(bytes: Uint8Array): AppliedMark {
  assert(bytes.length === MARK_BYTES, 'an applied mark has 24 bytes');
  return { index: loadU53(bytes, 0), term: loadU53(bytes, 8), revision: loadU53(bytes, 16) };
}
