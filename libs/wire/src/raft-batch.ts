import {
  assert,
  EMPTY_BYTES,
  type Kernels,
  type NodeId,
  type RangeId,
  retainBytes,
  viewOf,
} from '@holdfast/io';
import type { Entry, Message, MessageKind, SnapshotMeta } from '@holdfast/raft';
import { ByteParts } from './byte-parts.ts';
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameType,
  type PayloadSource,
  TRACE_CONTEXT_BYTES,
} from './frame.ts';
import {
  RAFT_BATCH,
  RAFT_ENTRY as ENTRY,
  RAFT_HEAD as HEAD,
  RAFT_BATCH_SLOT as SLOT,
  SNAPSHOT_HEAD,
} from './generated/layout.ts';
import { GrowableBytes } from './growable-bytes.ts';
import { ProtocolError } from './holdfast-error.ts';
import { FRAME_BYTES_MAX, RAFT_MESSAGES_MAX, REPLICAS_MAX } from './limits.ts';
import { encodeSnapshotMeta, readSnapshotMeta } from './snapshot-meta.ts';
import { TableTemplate, vectorStart, writeVector, writeVectorHead } from './table-template.ts';
import { getU53, isU53, putU53 } from './u53.ts';
import { scalarU32, vectorAt, verifyTable } from './verifier.ts';

const REJECT = 1;
const KIND_MAX = 12;
const ENTRY_KIND_MAX = 1;
const TEMPLATE = new TableTemplate(RAFT_BATCH);
const HEADS_AT = vectorStart(TEMPLATE.bytes, 8);
/** The head's u64 fields, in the order of the struct. */
const HEAD_U53 = [
  HEAD.term,
  HEAD.index,
  HEAD.logTerm,
  HEAD.commit,
  HEAD.rejectHint,
  HEAD.context,
  HEAD.clock,
];

/** Upper bound of what a message adds to a batch, in bytes. */
export function raftMessageBytes(message: Message): number {
  let bytes = HEAD.bytes + (message.snapshot === undefined ? 0 : SNAPSHOT_HEAD.bytes + 16 * REPLICAS_MAX);
  for (const entry of message.entries) bytes += ENTRY.bytes + entry.data.length;
  return bytes;
}

/** Raft messages of many groups from one node to one peer, one frame. Used again after each frame. */
export class RaftBatchBuilder implements PayloadSource {
  readonly #heads = new GrowableBytes(64 * HEAD.bytes);
  readonly #entries = new GrowableBytes(64 * ENTRY.bytes);
  /** Data of entries stays where it is until the frame is written: logs never change it. */
  readonly #blob = new ByteParts();
  readonly #from: NodeId;
  readonly #to: NodeId;
  #count = 0;

  constructor(from: NodeId, to: NodeId) {
    this.#from = from;
    this.#to = to;
  }

  get count(): number {
    return this.#count;
  }

  /** Size of the payload, in bytes. */
  get byteLength(): number {
    const entriesAt = vectorStart(HEADS_AT + 4 + this.#heads.length, 8);
    return vectorStart(entriesAt + 4 + this.#entries.length, 4) + 4 + this.#blob.length;
  }

  /** Whether the message still fits into the frame; if not, send the frame first. */
  fits(message: Message): boolean {
    const room = FRAME_BYTES_MAX - FRAME_HEADER_BYTES - TRACE_CONTEXT_BYTES - 16;
    return this.#count < RAFT_MESSAGES_MAX && this.byteLength + raftMessageBytes(message) <= room;
  }

  /** @param message from and to the nodes of this batch; its entries follow one another from `index + 1`. */
  add(message: Message): void {
    assert(message.from === this.#from && message.to === this.#to, 'a batch goes from one node to one other');
    assert(this.#count < RAFT_MESSAGES_MAX, 'batch of more than RAFT_MESSAGES_MAX messages');
    const blobStart = this.#blob.length;
    if (message.snapshot !== undefined) this.#blob.append(encodeSnapshotMeta(message.snapshot));
    const at = this.#heads.reserve(HEAD.bytes);
    const { view } = this.#heads;
    putU53(view, at + HEAD.term, message.term);
    putU53(view, at + HEAD.index, message.index);
    putU53(view, at + HEAD.logTerm, message.logTerm);
    putU53(view, at + HEAD.commit, message.commit);
    putU53(view, at + HEAD.rejectHint, message.rejectHint);
    putU53(view, at + HEAD.context, message.context);
    putU53(view, at + HEAD.clock, message.clock);
    view.setUint32(at + HEAD.group, message.group, true);
    view.setUint32(at + HEAD.entryCount, message.entries.length, true);
    view.setUint32(at + HEAD.snapshotLength, this.#blob.length - blobStart, true);
    view.setUint32(at + HEAD.kind, message.kind | ((message.reject ? REJECT : 0) << 8), true); // and reserved
    let index = message.index;
    for (const entry of message.entries) {
      assert(entry.index === ++index, 'entries follow one another');
      const entryAt = this.#entries.reserve(ENTRY.bytes);
      putU53(this.#entries.view, entryAt + ENTRY.term, entry.term);
      this.#entries.view.setUint32(entryAt + ENTRY.dataLength, entry.data.length, true);
      this.#entries.view.setUint32(entryAt + ENTRY.kind, entry.kind, true); // and reserved
      this.#blob.append(entry.data);
    }
    this.#count++;
  }

  /** The frame that carries the messages; the builder is empty afterwards. */
  toFrame(kernels: Kernels, version: number, trace?: Uint8Array): Uint8Array {
    const frame = encodeFrame(kernels, { type: FrameType.raftBatch, requestId: 0, version, trace }, this);
    this.reset();
    return frame;
  }

  reset(): void {
    this.#heads.reset();
    this.#entries.reset();
    this.#blob.reset();
    this.#count = 0;
  }

  writeTo(target: Uint8Array, view: DataView, offset: number): void {
    assert(this.#count > 0, 'a batch holds at least one message');
    TEMPLATE.write(target, offset);
    view.setUint32(offset + TEMPLATE.position(SLOT.from), this.#from, true);
    view.setUint32(offset + TEMPLATE.position(SLOT.to), this.#to, true);
    const headsField = TEMPLATE.position(SLOT.heads);
    const entriesField = TEMPLATE.position(SLOT.entries);
    const blobField = TEMPLATE.position(SLOT.blob);
    let end = writeVector(target, view, offset, headsField, HEADS_AT, this.#count, this.#heads);
    const entryCount = this.#entries.length / ENTRY.bytes;
    end = writeVector(target, view, offset, entriesField, vectorStart(end, 8), entryCount, this.#entries);
    const blobAt = vectorStart(end, 4);
    writeVectorHead(view, offset, blobField, blobAt, this.#blob.length);
    this.#blob.copyTo(target, offset + blobAt + 4);
  }
}

/**
 * The messages of a frame, in the order they were added. Logs keep the data of entries long after the frame is gone:
 * it stays in the frame's memory when that is little more than the data, and is copied once for all otherwise.
 *
 * @param to the node that received the frame: one that is meant for another is a violation.
 * @param from the node that the handshake has established as the peer.
 * @throws ProtocolError
 */
export function readRaftBatch(payload: Uint8Array, from: NodeId, to: NodeId): Message[] {
  const view = viewOf(payload);
  const table = verifyTable(view, RAFT_BATCH);
  if (scalarU32(view, table, SLOT.from) !== from || scalarU32(view, table, SLOT.to) !== to) {
    throw new ProtocolError('unexpected', 'Raft messages between other nodes');
  }
  const heads = vectorAt(view, table, SLOT.heads);
  const entries = vectorAt(view, table, SLOT.entries);
  const blob = vectorAt(view, table, SLOT.blob);
  const count = view.getUint32(heads, true);
  if (count === 0 || count > RAFT_MESSAGES_MAX) throw new ProtocolError('limit', `${count} Raft messages`);
  verifyRaftBatch(view, heads, entries, blob);

  const dataBytes = view.getUint32(blob, true);
  const data = dataBytes === 0 ? EMPTY_BYTES : retainBytes(payload.subarray(blob + 4, blob + 4 + dataBytes));
  const messages: Message[] = [];
  let at = heads + 4;
  let entryAt = entries + 4;
  let dataAt = 0;
  for (let i = 0; i < count; i++, at += HEAD.bytes) {
    const index = getU53(view, at + HEAD.index);
    const snapshotLength = view.getUint32(at + HEAD.snapshotLength, true);
    let snapshot: SnapshotMeta | undefined;
    if (snapshotLength > 0) snapshot = readSnapshotMeta(view, blob + 4 + dataAt, snapshotLength);
    dataAt += snapshotLength;
    const entryCount = view.getUint32(at + HEAD.entryCount, true);
    const list: Entry[] = [];
    for (let j = 1; j <= entryCount; j++, entryAt += ENTRY.bytes) {
      const dataEnd = dataAt + view.getUint32(entryAt + ENTRY.dataLength, true);
      list.push({
        term: getU53(view, entryAt + ENTRY.term),
        index: index + j,
        kind: view.getUint8(entryAt + ENTRY.kind) as Entry['kind'],
        data: dataEnd - dataAt === dataBytes ? data : data.subarray(dataAt, dataEnd),
      });
      dataAt = dataEnd;
    }
    messages.push({
      kind: view.getUint8(at + HEAD.kind) as MessageKind,
      group: view.getUint32(at + HEAD.group, true) as RangeId,
      from,
      to,
      term: getU53(view, at + HEAD.term),
      index,
      logTerm: getU53(view, at + HEAD.logTerm),
      commit: getU53(view, at + HEAD.commit),
      reject: (view.getUint8(at + HEAD.flags) & REJECT) !== 0,
      rejectHint: getU53(view, at + HEAD.rejectHint),
      context: getU53(view, at + HEAD.context),
      clock: getU53(view, at + HEAD.clock),
      entries: list,
      snapshot,
    });
  }
  return messages;
}

/** Messages use up the entries, and snapshots and entries use up the blob, exactly. */
function verifyRaftBatch(view: DataView, heads: number, entries: number, blob: number): void {
  let entryCount = 0;
  let bytes = 0;
  const headsEnd = heads + 4 + view.getUint32(heads, true) * HEAD.bytes;
  for (let at = heads + 4; at < headsEnd; at += HEAD.bytes) {
    for (const field of HEAD_U53) {
      if (!isU53(view, at + field)) throw new ProtocolError('malformed', 'integer of 2^53 or more');
    }
    const kind = view.getUint8(at + HEAD.kind);
    if (kind === 0 || kind > KIND_MAX) throw new ProtocolError('malformed', `Raft message of kind ${kind}`);
    entryCount += view.getUint32(at + HEAD.entryCount, true);
    bytes += view.getUint32(at + HEAD.snapshotLength, true);
  }
  if (entryCount !== view.getUint32(entries, true)) throw new ProtocolError('malformed', 'count of entries');
  const entriesEnd = entries + 4 + entryCount * ENTRY.bytes;
  for (let at = entries + 4; at < entriesEnd; at += ENTRY.bytes) {
    if (!isU53(view, at + ENTRY.term)) throw new ProtocolError('malformed', 'integer of 2^53 or more');
    if (view.getUint8(at + ENTRY.kind) > ENTRY_KIND_MAX)
      throw new ProtocolError('malformed', 'kind of entry');
    bytes += view.getUint32(at + ENTRY.dataLength, true);
  }
  if (bytes !== view.getUint32(blob, true))
    throw new ProtocolError('malformed', 'entries and blob differ in length');
}
