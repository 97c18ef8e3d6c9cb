import {
  assert,
  type NodeId,
  nodeId,
  type RangeId,
  rangeId,
  readU53,
  storeU32,
  storeU53,
  viewOf,
} from '@holdfast/io';
import type { Entry, EntryKind, HardState } from '@holdfast/raft';

/**
 * Records of the node log. All integers little-endian; framing, checksum and binding to the place are the
 * segmented log's. See docs/formats/node-log.md.
 *
 * ```
 * entries     u32 group | u32 count | u64 first index | count x (u64 term | u32 data bytes | u32 kind) | data …
 * hard state  u32 group | u32 vote  | u64 term | u64 commit
 * base        u32 group | u32 0     | u64 index | u64 term      the log of the group starts behind `index`
 * ```
 *
 * A later record of a group overrides earlier ones: entries replace everything from their first index on.
 */
export const LogRecordType = { entries: 1, hardState: 2, base: 3 } as const;

const ENTRIES_HEAD_BYTES = 16;
const ENTRY_HEAD_BYTES = 16;

export interface BaseRecord {
  readonly group: RangeId;
  readonly index: number;
  readonly term: number;
}

/** The parts of an entries record; the data of the entries is not copied. */
export function entriesRecord(group: RangeId, entries: readonly Entry[]): readonly Uint8Array[] {
  assert(entries.length > 0, 'an entries record holds entries');
  const head = new Uint8Array(ENTRIES_HEAD_BYTES + entries.length * ENTRY_HEAD_BYTES);
  storeU32(head, 0, group);
  storeU32(head, 4, entries.length);
  storeU53(head, 8, entries[0].index);
  const parts: Uint8Array[] = [head];
  let offset = ENTRIES_HEAD_BYTES;
  for (const entry of entries) {
    storeU53(head, offset, entry.term);
    storeU32(head, offset + 8, entry.data.length);
    storeU32(head, offset + 12, entry.kind);
    offset += ENTRY_HEAD_BYTES;
    if (entry.data.length > 0) parts.push(entry.data);
  }
  return parts;
}

export function readEntriesRecord(bytes: Uint8Array): {
  readonly group: RangeId;
  readonly entries: readonly Entry[];
} {
  const view = viewOf(bytes);
  const count = view.getUint32(4, true);
  const firstIndex = readU53(view, 8);
  let data = ENTRIES_HEAD_BYTES + count * ENTRY_HEAD_BYTES;
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const head = ENTRIES_HEAD_BYTES + i * ENTRY_HEAD_BYTES;
    const length = view.getUint32(head + 8, true);
    entries.push({
      index: firstIndex + i,
      term: readU53(view, head),
      kind: view.getUint32(head + 12, true) as EntryKind,
      data: bytes.slice(data, data + length),
    });
    data += length;
  }
  assert(data === bytes.length, 'an entries record ends with its last entry');
  return { group: rangeId(view.getUint32(0, true)), entries };
}

export function hardStateRecord(group: RangeId, state: HardState): Uint8Array {
  const bytes = new Uint8Array(24);
  storeU32(bytes, 0, group);
  storeU32(bytes, 4, state.vote);
  storeU53(bytes, 8, state.term);
  storeU53(bytes, 16, state.commit);
  return bytes;
}

export function readHardStateRecord(bytes: Uint8Array): {
  readonly group: RangeId;
  readonly hardState: HardState;
} {
  const view = viewOf(bytes);
  const vote: NodeId | 0 = nodeId(view.getUint32(4, true));
  return {
    group: rangeId(view.getUint32(0, true)),
    hardState: { term: readU53(view, 8), vote, commit: readU53(view, 16) },
  };
}

export function baseRecord(base: BaseRecord): Uint8Array {
  const bytes = new Uint8Array(24);
  storeU32(bytes, 0, base.group);
  storeU53(bytes, 8, base.index);
  storeU53(bytes, 16, base.term);
  return bytes;
}

export function readBaseRecord(bytes: Uint8Array): BaseRecord {
  const view = viewOf(bytes);
  return { group: rangeId(view.getUint32(0, true)), index: readU53(view, 8), term: readU53(view, 16) };
}
