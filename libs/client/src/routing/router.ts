import {
  compareBytes,
  EMPTY_BYTES,
  type KeyspaceId,
  type NodeId,
  prefixEnd,
  type RangeId,
} from '@holdfast/io';
import {
  encodeTransaction,
  type ErrorCode,
  KEY_BYTES_MAX,
  OpKind,
  type Transaction,
  type TransactionStep,
} from '@holdfast/wire';
import { KEYSPACE_UNRESOLVED, type PendingOp } from '../engine/pending-op.ts';
import type { RequestedStep, TransactionRequest } from '../operation.ts';
import { clipScan, RangeMap, type RangeMapContent } from './range-map.ts';
import { Route } from './route.ts';

/** What the map does not know, or why there is no way for the operation. */
export type RoutingMiss =
  | 'keyspace'
  | 'range'
  | 'HF_SPANS_RANGES'
  | 'HF_KEY_TOO_LARGE'
  | 'HF_VALUE_TOO_LARGE';

/** The final word on an operation that has no way; undefined while a newer map may know one. */
export function routingRefusal(miss: RoutingMiss | undefined, mapAsks: number): ErrorCode | undefined {
  if (miss === undefined || miss === 'range') return undefined;
  if (miss !== 'keyspace') return miss;
  return mapAsks > 0 ? 'HF_KEYSPACE_NOT_FOUND' : undefined;
}

/** Operation to range: the map in use, and what is known of each of its ranges. */
export class Router {
  #map: RangeMap | undefined;
  /** In the order of the map's ranges. */
  #routes: readonly Route[] = [];

  get map(): RangeMap | undefined {
    return this.#map;
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }

  /**
   * Puts a newer map to use. What is known of a range survives under its id.
   *
   * @returns the routes of before: operations that are parked there must find their way anew.
   */
  install(content: RangeMapContent): readonly Route[] {
    const before = this.#routes;
    const byId = new Map<RangeId, Route>(before.map((route) => [route.rangeId, route]));
    const map = new RangeMap(content);
    this.#map = map;
    this.#routes = map.ranges.map((range) => {
      const route = byId.get(range.rangeId);
      if (route === undefined) return new Route(range);
      route.range = range;
      if (route.leader !== 0 && !range.replicas.includes(route.leader)) route.leader = 0;
      // A hint is older than what answers have proved; it helps where nothing is known.
      if (route.leader === 0 && range.leaderHint !== route.lostLeader) route.leader = range.leaderHint;
      return route;
    });
    return before;
  }

  /** Sets keyspace id, route and (scan) the part inside the range; tells what the map does not know. */
  resolve(op: PendingOp): RoutingMiss | undefined {
    const map = this.#map;
    if (map === undefined) return 'range';
    if (op.kind === OpKind.lookup) {
      op.route = this.#routes.find(({ rangeId }) => rangeId === op.range);
      op.keyspace = 0 as KeyspaceId;
      return op.route === undefined ? 'range' : undefined;
    }
    if (op.keyspace === KEYSPACE_UNRESOLVED) {
      const entry = map.keyspace(op.keyspaceName);
      if (entry === undefined) return 'keyspace';
      const { keyBytesMax, valueBytesMax } = entry;
      if (keyBytesMax > 0 && op.isWrite && op.key.length > keyBytesMax) return 'HF_KEY_TOO_LARGE';
      if (valueBytesMax > 0 && op.value.length > valueBytesMax) return 'HF_VALUE_TOO_LARGE';
      if (op.ttlMs === 0) op.ttlMs = entry.defaultTtlMs;
      op.keyspace = entry.keyspaceId;
    }
    const keyspace = op.keyspace;
    const index = op.reverse ? map.findBefore(keyspace, op.endKey) : map.find(keyspace, op.key);
    const route = this.#routes[index];
    op.route = route;
    if (route === undefined) return 'range';
    if (op.transaction !== undefined) {
      const transaction = resolveTransaction(map, op.transaction, keyspace, op.ttlMs);
      if (transaction === undefined) return 'keyspace';
      const { checks, success, failure } = transaction;
      const keys = [...checks, ...success, ...failure];
      if (keys.some((step) => map.find(step.keyspace, step.key) !== index)) return 'HF_SPANS_RANGES';
      op.value = encodeTransaction(transaction);
    }
    if (op.kind === OpKind.scan || op.kind === OpKind.deleteRange) {
      const clip = clipScan(route.range, keyspace, op.key, op.endKey, op.reverse);
      op.clipStart = clip.start;
      op.clipEnd = clip.end;
      op.clipNext = clip.next;
    }
    return undefined;
  }

  /** The range where `[start, end)` begins, who leads it, and where the interval goes on; undefined = not known. */
  place(
    keyspace: string | KeyspaceId,
    start: Uint8Array,
    end: Uint8Array,
  ):
    | {
        readonly range: RangeId;
        readonly leader: NodeId;
        readonly keyspace: KeyspaceId;
        readonly end: Uint8Array;
        readonly next: Uint8Array | undefined;
      }
    | undefined {
    const map = this.#map;
    const id = typeof keyspace === 'string' ? map?.keyspace(keyspace)?.keyspaceId : keyspace;
    const route = map === undefined || id === undefined ? undefined : this.#routes[map.find(id, start)];
    if (route === undefined || id === undefined || route.leader === 0) return undefined;
    const clip = clipScan(route.range, id, start, end, false);
    return { range: route.rangeId, leader: route.leader, keyspace: id, end: clip.end, next: clip.next };
  }

  /** Where a scan goes on after an answer whose own resume key is `answered` (empty = the part is complete). */
  resumeKey(op: PendingOp, answered: Uint8Array): Uint8Array | undefined {
    const key = answered.length === 0 ? op.clipNext : normalized(answered);
    if (key === undefined) return undefined;
    // Nothing lies between the resume key and the other end.
    if (op.reverse) return compareBytes(key, op.key) > 0 ? key : undefined;
    return op.endKey.length === 0 || compareBytes(key, op.endKey) < 0 ? key : undefined;
  }
}

/** The transaction with ids instead of names; undefined when the map lacks one. */
function resolveTransaction(
  map: RangeMap,
  { checks, success, failure }: TransactionRequest,
  keyspace: KeyspaceId,
  defaultTtlMs: number,
): Transaction | undefined {
  let known = true;
  const idOf = (name: string | KeyspaceId | undefined): KeyspaceId => {
    if (name === undefined) return keyspace;
    const id = typeof name === 'string' ? map.keyspace(name)?.keyspaceId : name;
    if (id === undefined) known = false;
    return id ?? keyspace;
  };
  const step = ({ kind, key, value, contentType, ttlMs = 0, ...rest }: RequestedStep): TransactionStep => ({
    kind,
    keyspace: idOf(rest.keyspace),
    key,
    value: value ?? EMPTY_BYTES,
    contentType: contentType ?? EMPTY_BYTES,
    ttlMs: kind === OpKind.put ? ttlMs || defaultTtlMs : 0,
  });
  const transaction: Transaction = {
    checks: checks.map(({ key, condition, revision, value, ...rest }) => ({
      keyspace: idOf(rest.keyspace),
      key,
      condition,
      revision: revision ?? 0,
      value: value ?? EMPTY_BYTES,
    })),
    success: success.map(step),
    failure: failure.map(step),
  };
  return known ? transaction : undefined;
}

/**
 * A node may name the key right behind one of the largest size, which is itself too large to be sent; the next key
 * that can exist takes its place.
 */
function normalized(key: Uint8Array): Uint8Array | undefined {
  if (key.length <= KEY_BYTES_MAX) return key;
  return prefixEnd(key.subarray(0, KEY_BYTES_MAX));
}
