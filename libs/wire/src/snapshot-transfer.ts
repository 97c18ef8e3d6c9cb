import { assert, type Kernels, type NodeId, type RangeId, viewOf } from '@holdfast/io';
import { type ErrorCode, errorCode, errorNumber } from './errors.ts';
import { encodeFrame, FrameType } from './frame.ts';
import {
  SNAPSHOT_ACK,
  SNAPSHOT_ACK_SLOT,
  SNAPSHOT_CHUNK,
  SNAPSHOT_CHUNK_SLOT as SLOT,
} from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import { SNAPSHOT_CHUNK_BYTES_MAX } from './limits.ts';
import { TableTemplate, vectorStart } from './table-template.ts';
import { putU53 } from './u53.ts';
import { scalarU16, scalarU32, scalarU53, scalarU8, vectorAt, verifyTable } from './verifier.ts';

/** A piece of a snapshot on its way to a replica. Sent in order; the receiver answers each with an ack. */
export interface SnapshotChunk {
  readonly group: RangeId;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Chosen by the sender, unique per transfer; below 2^53. */
  readonly snapshotId: number;
  /** Term and index that the snapshot stands for. */
  readonly term: number;
  readonly index: number;
  /** Position of `data` in the whole, and the length of the whole, in bytes. */
  readonly offset: number;
  readonly total: number;
  /** CRC-32 of the whole up to the end of this chunk: a lost or doubled chunk cannot hide. */
  readonly crc: number;
  readonly done: boolean;
  /** At most SNAPSHOT_CHUNK_BYTES_MAX bytes. Received: a view of the frame. */
  readonly data: Uint8Array;
}

/** What the receiver holds safely; the sender goes on at `offset`, also after a new connection. */
export interface SnapshotAck {
  readonly group: RangeId;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly snapshotId: number;
  readonly offset: number;
  /** Why the receiver gives the transfer up; undefined while all is well. */
  readonly refusal: ErrorCode | undefined;
}

const CHUNK = new TableTemplate(SNAPSHOT_CHUNK);
const ACK = new TableTemplate(SNAPSHOT_ACK);

export function encodeSnapshotChunk(kernels: Kernels, version: number, chunk: SnapshotChunk): Uint8Array {
  assert(chunk.data.length <= SNAPSHOT_CHUNK_BYTES_MAX, 'chunk longer than SNAPSHOT_CHUNK_BYTES_MAX');
  const dataAt = vectorStart(CHUNK.bytes, 4);
  return encodeFrame(
    kernels,
    { type: FrameType.snapshotChunk, requestId: 0, version },
    {
      byteLength: dataAt + 4 + chunk.data.length,
      writeTo(target, view, offset) {
        CHUNK.write(target, offset);
        const at = (slot: number): number => offset + CHUNK.position(slot);
        view.setUint32(at(SLOT.group), chunk.group, true);
        view.setUint32(at(SLOT.from), chunk.from, true);
        view.setUint32(at(SLOT.to), chunk.to, true);
        putU53(view, at(SLOT.snapshotId), chunk.snapshotId);
        putU53(view, at(SLOT.term), chunk.term);
        putU53(view, at(SLOT.index), chunk.index);
        putU53(view, at(SLOT.offset), chunk.offset);
        putU53(view, at(SLOT.total), chunk.total);
        view.setUint32(at(SLOT.crc), chunk.crc, true);
        view.setUint8(at(SLOT.done), chunk.done ? 1 : 0);
        view.setUint32(at(SLOT.data), offset + dataAt - at(SLOT.data), true);
        view.setUint32(offset + dataAt, chunk.data.length, true);
        target.set(chunk.data, offset + dataAt + 4);
      },
    },
  );
}

/** @throws ProtocolError */
export function readSnapshotChunk(payload: Uint8Array): SnapshotChunk {
  const view = viewOf(payload);
  const table = verifyTable(view, SNAPSHOT_CHUNK);
  const data = vectorAt(view, table, SLOT.data);
  const length = view.getUint32(data, true);
  if (length > SNAPSHOT_CHUNK_BYTES_MAX)
    throw new ProtocolError('limit', `snapshot chunk of ${length} bytes`);
  const chunk: SnapshotChunk = {
    group: scalarU32(view, table, SLOT.group) as RangeId,
    from: scalarU32(view, table, SLOT.from) as NodeId,
    to: scalarU32(view, table, SLOT.to) as NodeId,
    snapshotId: scalarU53(view, table, SLOT.snapshotId),
    term: scalarU53(view, table, SLOT.term),
    index: scalarU53(view, table, SLOT.index),
    offset: scalarU53(view, table, SLOT.offset),
    total: scalarU53(view, table, SLOT.total),
    crc: scalarU32(view, table, SLOT.crc),
    done: scalarU8(view, table, SLOT.done) !== 0,
    data: payload.subarray(data + 4, data + 4 + length),
  };
  const end = chunk.offset + length;
  if (end > chunk.total || chunk.done !== (end === chunk.total)) {
    throw new ProtocolError('malformed', 'snapshot chunk outside its snapshot');
  }
  return chunk;
}

export function encodeSnapshotAck(kernels: Kernels, version: number, ack: SnapshotAck): Uint8Array {
  return encodeFrame(
    kernels,
    { type: FrameType.snapshotAck, requestId: 0, version },
    {
      byteLength: ACK.bytes,
      writeTo(target, view, offset) {
        ACK.write(target, offset);
        const at = (slot: number): number => offset + ACK.position(slot);
        view.setUint32(at(SNAPSHOT_ACK_SLOT.group), ack.group, true);
        view.setUint32(at(SNAPSHOT_ACK_SLOT.from), ack.from, true);
        view.setUint32(at(SNAPSHOT_ACK_SLOT.to), ack.to, true);
        putU53(view, at(SNAPSHOT_ACK_SLOT.snapshotId), ack.snapshotId);
        putU53(view, at(SNAPSHOT_ACK_SLOT.offset), ack.offset);
        view.setUint16(
          at(SNAPSHOT_ACK_SLOT.status),
          ack.refusal === undefined ? 0 : errorNumber(ack.refusal),
          true,
        );
      },
    },
  );
}

/** @throws ProtocolError */
export function readSnapshotAck(payload: Uint8Array): SnapshotAck {
  const view = viewOf(payload);
  const table = verifyTable(view, SNAPSHOT_ACK);
  const status = scalarU16(view, table, SNAPSHOT_ACK_SLOT.status);
  return {
    group: scalarU32(view, table, SNAPSHOT_ACK_SLOT.group) as RangeId,
    from: scalarU32(view, table, SNAPSHOT_ACK_SLOT.from) as NodeId,
    to: scalarU32(view, table, SNAPSHOT_ACK_SLOT.to) as NodeId,
    snapshotId: scalarU53(view, table, SNAPSHOT_ACK_SLOT.snapshotId),
    offset: scalarU53(view, table, SNAPSHOT_ACK_SLOT.offset),
    refusal: status === 0 ? undefined : errorCode(status),
  };
}
