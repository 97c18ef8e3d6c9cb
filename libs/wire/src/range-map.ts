import {
  assert,
  type Address,
  copyBytes,
  EMPTY_BYTES,
  type Kernels,
  type KeyspaceId,
  type NodeId,
  type RangeId,
} from '@holdfast/io';
import { type Builder, Encoding } from 'flatbuffers';
import { buildTable, openTable, textOf, u53Of } from './control-codec.ts';
import { encodeFrame, FrameType } from './frame.ts';
import { Keyspace as KeyspaceTable } from './generated/keyspace.ts';
import { RANGE_MAP, RANGE_MAP_REQUEST } from './generated/layout.ts';
import { NodeAddress as NodeAddressTable } from './generated/node-address.ts';
import { RangeDescriptor as RangeDescriptorTable } from './generated/range-descriptor.ts';
import { RangeMapRequest as RangeMapRequestTable } from './generated/range-map-request.ts';
import { RangeMap as RangeMapTable } from './generated/range-map.ts';
import { ProtocolError } from './holdfast-error.ts';
import { ADDRESS_BYTES_MAX, KEYSPACE_NAME_BYTES_MAX, REPLICAS_MAX } from './limits.ts';

export interface NodeAddress {
  readonly nodeId: NodeId;
  /** Where the node takes frames. */
  readonly address: Address;
}

/** `start` and `end` are keys of the ranges' common order, opaque to `wire`. */
export interface RangeDescriptor {
  readonly rangeId: RangeId;
  /** First key; empty = from the beginning. */
  readonly start: Uint8Array;
  /** Key after the last; empty = to the end. */
  readonly end: Uint8Array;
  readonly replicas: readonly NodeId[];
  /** 0 = unknown. A hint: the answer to a wrong guess corrects it. */
  readonly leaderHint: NodeId | 0;
  /** Grows with every change of the descriptor; below 2^53. */
  readonly generation: number;
}

export interface Keyspace {
  readonly keyspaceId: KeyspaceId;
  readonly name: string;
  readonly replication: 'raft' | 'async';
  /** Copies of an async keyspace; 0 for raft. */
  readonly factor: number;
  /** Time to live of values that name none, in milliseconds; 0 = for ever. */
  readonly defaultTtlMs: number;
  /** In bytes; 0 = KEY_BYTES_MAX. */
  readonly keyBytesMax: number;
  /** In bytes; 0 = VALUE_BYTES_MAX. */
  readonly valueBytesMax: number;
}

/** What a client must know to send each op to the right node. */
export interface RangeMap {
  /** Grows with every change of the map; below 2^53. */
  readonly generation: number;
  readonly nodes: readonly NodeAddress[];
  readonly ranges: readonly RangeDescriptor[];
  readonly keyspaces: readonly Keyspace[];
}

/** @param generation of the map the asker has, 0 = none: an equal map comes back empty, with the same generation. */
export function encodeRangeMapRequest(
  kernels: Kernels,
  version: number,
  requestId: number,
  generation: number,
): Uint8Array {
  const payload = buildTable((builder) => {
    RangeMapRequestTable.startRangeMapRequest(builder);
    RangeMapRequestTable.addGeneration(builder, BigInt(generation));
    return RangeMapRequestTable.endRangeMapRequest(builder);
  });
  return encodeFrame(kernels, { type: FrameType.rangeMapRequest, requestId, version }, payload);
}

/** @returns the generation the asker has. @throws ProtocolError */
export function readRangeMapRequest(payload: Uint8Array): number {
  const table = RangeMapRequestTable.getRootAsRangeMapRequest(openTable(payload, RANGE_MAP_REQUEST));
  return u53Of(table.generation(), 'generation');
}

export function encodeRangeMap(
  kernels: Kernels,
  version: number,
  requestId: number,
  map: RangeMap | Uint8Array,
): Uint8Array {
  const payload = map instanceof Uint8Array ? map : rangeMapPayload(map);
  return encodeFrame(kernels, { type: FrameType.rangeMap, requestId, version }, payload);
}

/** What {@link encodeRangeMap} also takes: a map that is told many times is encoded once. */
export function rangeMapPayload(map: RangeMap): Uint8Array {
  return buildTable((builder) => {
    const nodes = RangeMapTable.createNodesVector(
      builder,
      map.nodes.map((node) =>
        NodeAddressTable.createNodeAddress(builder, node.nodeId, builder.createString(node.address)),
      ),
    );
    const ranges = RangeMapTable.createRangesVector(
      builder,
      map.ranges.map((range) => buildRange(builder, range)),
    );
    const keyspaces = RangeMapTable.createKeyspacesVector(
      builder,
      map.keyspaces.map((keyspace) =>
        KeyspaceTable.createKeyspace(
          builder,
          keyspace.keyspaceId,
          builder.createString(keyspace.name),
          keyspace.replication === 'raft' ? 0 : 1,
          keyspace.factor,
          BigInt(keyspace.defaultTtlMs),
          keyspace.keyBytesMax,
          keyspace.valueBytesMax,
        ),
      ),
    );
    return RangeMapTable.createRangeMap(builder, BigInt(map.generation), nodes, ranges, keyspaces);
  });
}

function buildRange(builder: Builder, range: RangeDescriptor): number {
  assert(range.replicas.length <= REPLICAS_MAX, 'more than REPLICAS_MAX replicas');
  const start = builder.createByteVector(range.start);
  const end = builder.createByteVector(range.end);
  const replicas = RangeDescriptorTable.createReplicasVector(builder, [...range.replicas]);
  return RangeDescriptorTable.createRangeDescriptor(
    builder,
    range.rangeId,
    start,
    end,
    replicas,
    range.leaderHint,
    BigInt(range.generation),
  );
}

/** A map with memory of its own. @throws ProtocolError */
export function readRangeMap(payload: Uint8Array): RangeMap {
  const table = RangeMapTable.getRootAsRangeMap(openTable(payload, RANGE_MAP));
  const nodes = Array.from({ length: table.nodesLength() }, (_, i): NodeAddress => {
    const node = present(table.nodes(i));
    return {
      nodeId: node.nodeId() as NodeId,
      address: textOf(node.address(Encoding.UTF8_BYTES), ADDRESS_BYTES_MAX, 'address'),
    };
  });
  const ranges = Array.from({ length: table.rangesLength() }, (_, i) => readRange(present(table.ranges(i))));
  const keyspaces = Array.from({ length: table.keyspacesLength() }, (_, i): Keyspace => {
    const keyspace = present(table.keyspaces(i));
    return {
      keyspaceId: keyspace.keyspaceId() as KeyspaceId,
      name: textOf(keyspace.name(Encoding.UTF8_BYTES), KEYSPACE_NAME_BYTES_MAX, 'keyspace name'),
      replication: keyspace.replication() === 0 ? 'raft' : 'async',
      factor: keyspace.factor(),
      defaultTtlMs: u53Of(keyspace.defaultTtlMs(), 'default time to live'),
      keyBytesMax: keyspace.keyBytesMax(),
      valueBytesMax: keyspace.valueBytesMax(),
    };
  });
  return { generation: u53Of(table.generation(), 'generation'), nodes, ranges, keyspaces };
}

function readRange(table: RangeDescriptorTable): RangeDescriptor {
  const count = table.replicasLength();
  if (count > REPLICAS_MAX) throw new ProtocolError('limit', `${count} replicas`);
  return {
    rangeId: table.rangeId() as RangeId,
    start: copyBytes(table.startArray() ?? EMPTY_BYTES),
    end: copyBytes(table.endArray() ?? EMPTY_BYTES),
    replicas: Array.from({ length: count }, (_, i) => (table.replicas(i) ?? 0) as NodeId),
    leaderHint: table.leaderHint() as NodeId | 0,
    generation: u53Of(table.generation(), 'generation'),
  };
}

function present<T>(table: T | null): T {
  assert(table !== null, 'verified');
  return table;
}
