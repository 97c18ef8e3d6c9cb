import { type Address, compareBytes, type KeyspaceId, type NodeId, type RangeId } from '@holdfast/io';
import { boundInKeyspace, compareToBound } from './range-key.ts';

/** One range as the cluster describes it. */
export interface RangeEntry {
  readonly rangeId: RangeId;
  /** Range key of the first key; empty = from the beginning. */
  readonly start: Uint8Array;
  /** Range key behind the last key; empty = to the end. */
  readonly end: Uint8Array;
  readonly replicas: readonly NodeId[];
  /** 0 = unknown. */
  readonly leaderHint: NodeId | 0;
}

export interface NodeEntry {
  readonly nodeId: NodeId;
  readonly address: Address;
}

export interface KeyspaceEntry {
  readonly keyspaceId: KeyspaceId;
  readonly name: string;
  /** Time to live of values that name none, in milliseconds; 0 = for ever. */
  readonly defaultTtlMs: number;
  /** In bytes; 0 = the protocol's limit. */
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

/** What a node tells of the cluster. */
export interface RangeMapContent {
  readonly generation: number;
  readonly nodes: readonly NodeEntry[];
  readonly ranges: readonly RangeEntry[];
  readonly keyspaces: readonly KeyspaceEntry[];
}

/**
 * Which range holds a key, who holds the range, where that node is. Immutable. A map may have holes (a range is just
 * moving) and, while it is old, be wrong: nodes check again and say `HF_WRONG_RANGE`.
 */
export class RangeMap {
  readonly generation: number;
  /** By start; their bounds do not overlap when the sender is right. */
  readonly ranges: readonly RangeEntry[];
  readonly nodes: readonly NodeEntry[];
  readonly #addresses: ReadonlyMap<NodeId, Address>;
  readonly #keyspaces: ReadonlyMap<string, KeyspaceEntry>;

  constructor(content: RangeMapContent) {
    this.generation = content.generation;
    this.nodes = content.nodes;
    this.ranges = content.ranges.toSorted((a, b) => compareBytes(a.start, b.start));
    this.#addresses = new Map(content.nodes.map((node) => [node.nodeId, node.address]));
    this.#keyspaces = new Map(content.keyspaces.map((keyspace) => [keyspace.name, keyspace]));
  }

  addressOf(node: NodeId): Address | undefined {
    return this.#addresses.get(node);
  }

  keyspace(name: string): KeyspaceEntry | undefined {
    return this.#keyspaces.get(name);
  }

  /** Position in {@link ranges} of the range that holds the key, -1 for a hole. */
  find(keyspace: KeyspaceId, key: Uint8Array): number {
    const index = this.#lastStartingAt(keyspace, key, true);
    if (index < 0) return -1;
    const { end } = this.ranges[index];
    return end.length === 0 || compareToBound(keyspace, key, end) < 0 ? index : -1;
  }

  /**
   * Position of the range that holds the last keys before `end` (excluded; empty = the end of the keyspace), -1 for a
   * hole: where a reverse scan begins.
   */
  findBefore(keyspace: KeyspaceId, end: Uint8Array): number {
    const index =
      end.length > 0
        ? this.#lastStartingAt(keyspace, end, false)
        : this.#lastStartingAt((keyspace + 1) as KeyspaceId, end, false);
    if (index < 0) return -1;
    const bound = this.ranges[index].end;
    if (bound.length === 0) return index;
    // The range must reach up to `end`, or keys before it would be skipped.
    const reaches =
      end.length > 0
        ? compareToBound(keyspace, end, bound) <= 0
        : compareToBound((keyspace + 1) as KeyspaceId, end, bound) <= 0;
    return reaches ? index : -1;
  }

  /** The last range whose start is before the key, or with it when `inclusive`. */
  #lastStartingAt(keyspace: KeyspaceId, key: Uint8Array, inclusive: boolean): number {
    const { ranges } = this;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareToBound(keyspace, key, ranges[middle].start);
      if (order > 0 || (inclusive && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The part of a scan that lies inside one range. */
export interface ScanClip {
  /** First key to ask for. */
  readonly start: Uint8Array;
  /** Key after the last to ask for; empty = to the end of the keyspace. */
  readonly end: Uint8Array;
  /** Where the scan goes on in the next range: the next start, or in reverse the next end; undefined = nowhere. */
  readonly next: Uint8Array | undefined;
}

/** Cuts a scan of `start .. end` (end excluded; empty = to the end of the keyspace) at the bounds of `range`. */
export function clipScan(
  range: RangeEntry,
  keyspace: KeyspaceId,
  start: Uint8Array,
  end: Uint8Array,
  reverse: boolean,
): ScanClip {
  if (reverse) {
    const bound = boundInKeyspace(keyspace, range.start);
    const cut = bound !== undefined && compareBytes(bound, start) > 0;
    return cut ? { start: bound, end, next: bound } : { start, end, next: undefined };
  }
  const bound = boundInKeyspace(keyspace, range.end);
  const cut = bound !== undefined && (end.length === 0 || compareBytes(bound, end) < 0);
  return cut ? { start, end: bound, next: bound } : { start, end, next: undefined };
}
