import type { Found } from '../memtable/memtable.ts';
import { keyHead } from '../read/compare.ts';
import { readU32 } from './block-checksum.ts';
import { readRevision, RESTART_BYTES, REVISION_BYTES, TAIL_BYTES } from './block-writer.ts';

/** What {@link findInBlock} says. */
export const ABSENT = 0;
export const PRESENT = 1;
/** Every entry of the block stands before the wanted place: the next block may begin with it. */
export const BEHIND = 2;

/**
 * Point read in the block `data[start .. end)`: the newest version of `key` at or below `revision`.
 *
 * Keys are never put together: it is enough to know how many bytes the wanted key shares with the entry in
 * front (`matched`). An entry that shares more with it than that stands on the same side of the wanted key;
 * one that shares less is already behind it (a restart point hides what it shares: it is compared as a whole).
 *
 * The head of an entry is decoded here and in `BlockCursor.next`, written out both times: a function would hand three
 * numbers back through memory, once for each entry. `block-search.spec.ts` holds both against the same entries.
 *
 * @param skip so many first bytes are the same in `key` and in all keys of the block.
 */
export function findInBlock(
  data: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  revision: number,
  skip: number,
  found: Found,
): typeof ABSENT | typeof PRESENT | typeof BEHIND {
  const entriesEnd = entriesEndOf(data, end);
  const keyLength = key.length;
  // A key that lacks the common bytes is not in the block, and then any restart point is as good.
  let at = start + readU32(data, entriesEnd + 4 * restartAmongHeads(data, start, end, key, revision));
  let matched = 0;
  while (at < entriesEnd) {
    let shared = data[at++]!;
    if (shared >= 0x80) {
      shared &= 0x7f;
      for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = data[at++]!;
        shared |= (byte & 0x7f) << shift;
      }
    }
    let unshared = data[at++]!;
    if (unshared >= 0x80) {
      unshared &= 0x7f;
      for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = data[at++]!;
        unshared |= (byte & 0x7f) << shift;
      }
    }
    let valueAndKind = data[at++]!;
    if (valueAndKind >= 0x80) {
      valueAndKind &= 0x7f;
      for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
        byte = data[at++]!;
        valueAndKind |= (byte & 0x7f) << shift;
      }
    }
    const revisionAt = at;
    at += REVISION_BYTES;
    const keyEnd = at + unshared;
    if (shared <= matched) {
      if (shared === 0) matched = skip;
      else if (shared < matched) return ABSENT;
      const length = shared + unshared;
      const common = length < keyLength ? length : keyLength;
      const base = at - shared;
      while (matched < common && data[base + matched] === key[matched]) matched++;
      if (matched < common) {
        if (data[base + matched]! > key[matched]!) return ABSENT;
      } else if (length > keyLength) {
        return ABSENT;
      } else if (length === keyLength) {
        const own = readRevision(data, revisionAt);
        if (own <= revision) {
          found.revision = own;
          found.kind = valueAndKind & 1;
          found.value = data;
          found.valueStart = keyEnd;
          found.valueEnd = keyEnd + (valueAndKind >>> 1);
          return PRESENT;
        }
      }
    }
    at = keyEnd + (valueAndKind >>> 1);
  }
  return BEHIND;
}

/** Where the entries of the block `data[.. end)` end and its restart points begin. */
export function entriesEndOf(data: Uint8Array, end: number): number {
  return end - TAIL_BYTES - RESTART_BYTES * readU32(data, end - 4);
}

/** The last restart point whose entry stands before (key, revision); 0 when none does. */
export function restartBefore(
  data: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  revision: number,
): number {
  const common = readU32(data, end - TAIL_BYTES);
  // The first entry has its whole key: three varints and the revision are in front of it.
  let first = start;
  for (let varints = 0; varints < 3; first++) if (data[first]! < 0x80) varints++;
  first += REVISION_BYTES;
  for (let i = 0; i < common; i++) {
    if (i >= key.length) return 0;
    const difference = data[first + i]! - key[i]!;
    if (difference !== 0) return difference > 0 ? 0 : readU32(data, end - 4) - 1;
  }
  return restartAmongHeads(data, start, end, key, revision);
}

/** The same for a key that begins with the bytes that all keys of the block have in common. */
function restartAmongHeads(
  data: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  revision: number,
): number {
  const restarts = readU32(data, end - 4);
  const common = readU32(data, end - TAIL_BYTES);
  const headsAt = end - TAIL_BYTES - 4 * restarts;
  const offsetsAt = headsAt - 4 * restarts;
  const head = keyHead(key, common, key.length);
  let low = 1;
  let high = restarts;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = readU32(data, headsAt + 4 * middle);
    if (
      other < head ||
      (other === head &&
        entryIsBefore(data, start + readU32(data, offsetsAt + 4 * middle), key, revision, common))
    ) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

/** For an entry with its whole key (shared = 0) at `at`. */
function entryIsBefore(
  data: Uint8Array,
  at: number,
  key: Uint8Array,
  revision: number,
  skip: number,
): boolean {
  let position = at + 1;
  let length = data[position++]!;
  if (length >= 0x80) {
    length &= 0x7f;
    for (let shift = 7, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = data[position++]!;
      length |= (byte & 0x7f) << shift;
    }
  }
  while (data[position++]! >= 0x80);
  const keyAt = position + REVISION_BYTES;
  const common = length < key.length ? length : key.length;
  for (let i = skip; i < common; i++) {
    const difference = data[keyAt + i]! - key[i]!;
    if (difference !== 0) return difference < 0;
  }
  if (length !== key.length) return length < key.length;
  return readRevision(data, position) > revision;
}
