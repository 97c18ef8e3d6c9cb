import { viewOf } from '@holdfast/io';
import { Builder, ByteBuffer } from 'flatbuffers';
import { DataRequest } from '../src/generated/data-request.ts';
import { Hello } from '../src/generated/hello.ts';
import { DATA_REQUEST, DATA_REQUEST_SLOT, HELLO, REQUEST_OP } from '../src/generated/layout.ts';

/**
 * A protocol version that exists in tests only, written as "Evolution" in docs/formats/frame.md allows: tables with a
 * field at the end whose absence means what it meant before. Both messages carry one that version 1 has never heard of.
 */
export const VERSION_TWO = 2;

/** Slots behind the last ones of version 1. */
const HELLO_ZONE = HELLO.fields.length;
const REQUEST_PRIORITY = DATA_REQUEST.fields.length;

/** The payload of a version 1 hello with a `zone` besides. */
export function helloWithZone(payload: Uint8Array, zone: number): Uint8Array {
  const old = Hello.getRootAsHello(new ByteBuffer(payload));
  const builder = new Builder(256);
  const clusterId = builder.createByteVector(old.clusterIdArray() ?? new Uint8Array(0));
  const [token, address, agent] = [old.token(), old.address(), old.agent()].map((text) =>
    builder.createString(text ?? ''),
  );
  builder.startObject(HELLO_ZONE + 1);
  Hello.addClusterId(builder, clusterId);
  Hello.addNodeId(builder, old.nodeId());
  Hello.addToNodeId(builder, old.toNodeId());
  Hello.addRole(builder, old.role());
  Hello.addVersionMin(builder, old.versionMin());
  Hello.addVersionMax(builder, old.versionMax());
  Hello.addFeatures(builder, old.features());
  Hello.addFrameBytesMax(builder, old.frameBytesMax());
  Hello.addToken(builder, token);
  Hello.addAddress(builder, address);
  Hello.addAgent(builder, agent);
  Hello.addStorage(builder, old.storage());
  builder.addFieldInt32(HELLO_ZONE, zone, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

/** The payload of a version 1 batch with a `priority` besides. */
export function requestWithPriority(payload: Uint8Array, priority: number): Uint8Array {
  const old = DataRequest.getRootAsDataRequest(new ByteBuffer(payload));
  const builder = new Builder(1024);
  const blob = builder.createByteVector(old.blobArray() ?? new Uint8Array(0));
  builder.startVector(REQUEST_OP.bytes, old.opsLength(), 8);
  const ops = rawOps(payload);
  for (let i = ops.length - 1; i >= 0; i--) builder.addInt8(ops[i]);
  const vector = builder.endVector();
  builder.startObject(REQUEST_PRIORITY + 1);
  builder.addFieldInt64(DATA_REQUEST_SLOT.minRevision, old.minRevision(), BigInt(0));
  builder.addFieldInt32(DATA_REQUEST_SLOT.deadlineMs, old.deadlineMs(), 0);
  builder.addFieldInt32(DATA_REQUEST_SLOT.maxStalenessMs, old.maxStalenessMs(), 0);
  builder.addFieldOffset(DATA_REQUEST_SLOT.ops, vector, 0);
  builder.addFieldOffset(DATA_REQUEST_SLOT.blob, blob, 0);
  builder.addFieldInt32(REQUEST_PRIORITY, priority, 0);
  builder.addFieldInt8(DATA_REQUEST_SLOT.consistency, old.consistency(), 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

/** What a version 2 reader finds; 0 in what version 1 has written. */
export const zoneOf = (payload: Uint8Array): number => fieldOf(payload, HELLO_ZONE);
export const priorityOf = (payload: Uint8Array): number => fieldOf(payload, REQUEST_PRIORITY);

function rawOps(payload: Uint8Array): Int8Array {
  const buffer = new ByteBuffer(payload);
  const table = buffer.readInt32(0);
  const offset = buffer.__offset(table, 4 + 2 * DATA_REQUEST_SLOT.ops);
  const start = buffer.__vector(table + offset);
  const bytes = payload.slice(start, start + buffer.__vector_len(table + offset) * REQUEST_OP.bytes);
  return new Int8Array(bytes.buffer);
}

function fieldOf(payload: Uint8Array, slot: number): number {
  const buffer = new ByteBuffer(payload);
  const table = buffer.readInt32(0);
  const offset = buffer.__offset(table, 4 + 2 * slot);
  return offset === 0 ? 0 : viewOf(payload).getInt32(table + offset, true);
}
