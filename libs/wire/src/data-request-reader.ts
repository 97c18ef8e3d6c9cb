import { type KeyspaceId, type RangeId, type Revision, viewOf } from '@holdfast/io';
import { Condition, type Consistency, isWrite, OP_KIND_MAX, OpFlag, OpKind } from './data-ops.ts';
import type { ErrorCode } from './errors.ts';
import { DATA_REQUEST, DATA_REQUEST_SLOT as SLOT, REQUEST_OP as OP } from './generated/layout.ts';
import { ProtocolError } from './holdfast-error.ts';
import {
  BATCH_OPS_MAX,
  DEADLINE_MS_MAX,
  IDEMPOTENCY_KEY_BYTES_MAX,
  KEY_BYTES_MAX,
  TRANSACTION_BYTES_MAX,
  VALUE_BYTES_MAX,
} from './limits.ts';
import { getU53, isU53 } from './u53.ts';
import { scalarU32, scalarU53, scalarU8, vectorAt, verifyTable } from './verifier.ts';

/**
 * A verified batch of operations, read in place: no object per operation. An index is below `count`, which the
 * caller keeps to. Byte accessors give views of the payload: copy what outlives the request.
 *
 * What is structurally sound can still ask for nonsense: see {@link refusal}, per op.
 */
export class DataRequestReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Position of the first struct. */
  readonly #ops: number;
  /** Position of the first byte of the blob. */
  readonly #blob: number;

  /** Operations; 1 .. BATCH_OPS_MAX. */
  readonly count: number;
  /** Milliseconds from arrival; 0 = the server's default. */
  readonly deadlineMs: number;
  readonly consistency: Consistency;
  readonly maxStalenessMs: number;
  readonly minRevision: Revision;

  /** @throws ProtocolError when any length, offset or number is not what a correct peer sends. */
  static read(payload: Uint8Array): DataRequestReader {
    return new DataRequestReader(payload);
  }

  private constructor(payload: Uint8Array) {
    const view = viewOf(payload);
    const table = verifyTable(view, DATA_REQUEST);
    const ops = vectorAt(view, table, SLOT.ops);
    const blob = vectorAt(view, table, SLOT.blob);
    this.#bytes = payload;
    this.#view = view;
    this.#ops = ops + 4;
    this.#blob = blob + 4;
    this.count = view.getUint32(ops, true);
    this.deadlineMs = Math.min(scalarU32(view, table, SLOT.deadlineMs), DEADLINE_MS_MAX);
    const consistency = scalarU8(view, table, SLOT.consistency);
    if (consistency > 2) throw new ProtocolError('malformed', 'consistency level');
    this.consistency = consistency as Consistency;
    this.maxStalenessMs = scalarU32(view, table, SLOT.maxStalenessMs);
    this.minRevision = scalarU53(view, table, SLOT.minRevision) as Revision;
    this.#verifyOps(view.getUint32(blob, true));
  }

  /** The ops tile the blob: each begins where the one before it ends, and the last ends with it. */
  #verifyOps(blobLength: number): void {
    const { count } = this;
    if (count === 0 || count > BATCH_OPS_MAX)
      throw new ProtocolError('limit', `batch of ${count} operations`);
    const view = this.#view;
    let end = 0;
    let at = this.#ops;
    for (let i = 0; i < count; i++, at += OP.bytes) {
      if (view.getUint32(at + OP.blobOffset, true) !== end)
        throw new ProtocolError('malformed', 'op out of place');
      if (!isU53(view, at + OP.revision) || !isU53(view, at + OP.ttlMs)) {
        throw new ProtocolError('malformed', 'integer of 2^53 or more');
      }
      end +=
        view.getUint16(at + OP.keyLength, true) +
        view.getUint16(at + OP.endKeyLength, true) +
        view.getUint8(at + OP.contentTypeLength) +
        view.getUint32(at + OP.valueLength, true) +
        view.getUint8(at + OP.idempotencyLength);
    }
    if (end !== blobLength) throw new ProtocolError('malformed', 'ops and blob differ in length');
  }

  /**
   * Why the op cannot be executed as it stands, or undefined. To be answered per op; the connection is fine.
   */
  refusal(index: number): ErrorCode | undefined {
    const at = this.#at(index);
    const view = this.#view;
    const kind = view.getUint8(at + OP.kind);
    const keyLength = view.getUint16(at + OP.keyLength, true);
    if (keyLength > KEY_BYTES_MAX || view.getUint16(at + OP.endKeyLength, true) > KEY_BYTES_MAX) {
      return 'HF_KEY_TOO_LARGE';
    }
    const valueLength = view.getUint32(at + OP.valueLength, true);
    if (valueLength > VALUE_BYTES_MAX) {
      if (kind !== OpKind.transaction) return 'HF_VALUE_TOO_LARGE';
      if (valueLength > TRANSACTION_BYTES_MAX) return 'HF_BATCH_TOO_LARGE';
    }
    if (kind === 0 || kind > OP_KIND_MAX) return 'HF_UNSUPPORTED';
    if (keyLength === 0 && kind !== OpKind.scan && kind !== OpKind.deleteRange) return 'HF_KEY_INVALID';
    if (view.getUint8(at + OP.condition) > Condition.revisionEquals) return 'HF_UNSUPPORTED';
    if (kind === OpKind.increment && (valueLength !== 8 || Number.isNaN(this.delta(index)))) {
      return 'HF_BAD_REQUEST';
    }
    const writeParts =
      view.getUint8(at + OP.condition) |
      view.getUint8(at + OP.idempotencyLength) |
      view.getUint8(at + OP.contentTypeLength);
    if (kind === OpKind.deleteRange && view.getUint8(at + OP.condition) !== 0) return 'HF_BAD_REQUEST';
    if (kind === OpKind.lookup && keyLength > IDEMPOTENCY_KEY_BYTES_MAX) return 'HF_IDEMPOTENCY_KEY_INVALID';
    if (!isWrite(kind) && (writeParts !== 0 || valueLength !== 0)) return 'HF_BAD_REQUEST';
    return undefined;
  }

  kind(index: number): OpKind {
    return this.#view.getUint8(this.#at(index) + OP.kind) as OpKind;
  }

  rangeId(index: number): RangeId {
    return this.#view.getUint32(this.#at(index) + OP.rangeId, true) as RangeId;
  }

  keyspaceId(index: number): KeyspaceId {
    return this.#view.getUint32(this.#at(index) + OP.keyspaceId, true) as KeyspaceId;
  }

  condition(index: number): Condition {
    return this.#view.getUint8(this.#at(index) + OP.condition) as Condition;
  }

  /** Write: what the condition compares with. Read: where to read, 0 = latest. */
  revision(index: number): Revision {
    return getU53(this.#view, this.#at(index) + OP.revision) as Revision;
  }

  /** 0 = for ever. */
  ttlMs(index: number): number {
    return getU53(this.#view, this.#at(index) + OP.ttlMs);
  }

  /** Milliseconds from arrival: the op's own, else the batch's; 0 = the server's default. */
  opDeadlineMs(index: number): number {
    const own = this.#view.getUint32(this.#at(index) + OP.deadlineMs, true);
    return own === 0 ? this.deadlineMs : Math.min(own, DEADLINE_MS_MAX);
  }

  limit(index: number): number {
    return this.#view.getUint32(this.#at(index) + OP.limit, true);
  }

  limitBytes(index: number): number {
    return this.#view.getUint32(this.#at(index) + OP.limitBytes, true);
  }

  reverse(index: number): boolean {
    return (this.#view.getUint8(this.#at(index) + OP.flags) & OpFlag.reverse) !== 0;
  }

  keysOnly(index: number): boolean {
    return (this.#view.getUint8(this.#at(index) + OP.flags) & OpFlag.keysOnly) !== 0;
  }

  /** Scan: only how many. */
  countOnly(index: number): boolean {
    return (this.#view.getUint8(this.#at(index) + OP.flags) & OpFlag.countOnly) !== 0;
  }

  /** Scan: a snapshot whose revision is told. */
  pinned(index: number): boolean {
    return (this.#view.getUint8(this.#at(index) + OP.flags) & OpFlag.pinned) !== 0;
  }

  /** Write: say whether the key had a value before. */
  tellExisted(index: number): boolean {
    return (this.#view.getUint8(this.#at(index) + OP.flags) & OpFlag.tellExisted) !== 0;
  }

  keyLength(index: number): number {
    return this.#view.getUint16(this.#at(index) + OP.keyLength, true);
  }

  valueLength(index: number): number {
    return this.#view.getUint32(this.#at(index) + OP.valueLength, true);
  }

  /** The key; of a scan: the first key. */
  key(index: number): Uint8Array {
    const start = this.#start(index);
    return this.#bytes.subarray(start, start + this.keyLength(index));
  }

  /** Scan: the key after the last; empty = to the end. */
  endKey(index: number): Uint8Array {
    const start = this.#start(index) + this.keyLength(index);
    return this.#bytes.subarray(start, start + this.#view.getUint16(this.#at(index) + OP.endKeyLength, true));
  }

  contentType(index: number): Uint8Array {
    const start = this.#contentTypeStart(index);
    return this.#bytes.subarray(start, start + this.#view.getUint8(this.#at(index) + OP.contentTypeLength));
  }

  value(index: number): Uint8Array {
    const start = this.#valueStart(index);
    return this.#bytes.subarray(start, start + this.valueLength(index));
  }

  idempotencyLength(index: number): number {
    return this.#view.getUint8(this.#at(index) + OP.idempotencyLength);
  }

  /** Empty = none. */
  idempotencyKey(index: number): Uint8Array {
    const start = this.#valueStart(index) + this.valueLength(index);
    return this.#bytes.subarray(start, start + this.#view.getUint8(this.#at(index) + OP.idempotencyLength));
  }

  /** Increment: what to add. An integer outside the safe range comes back as NaN. */
  delta(index: number): number {
    const delta = Number(this.#view.getBigInt64(this.#valueStart(index), true));
    return Number.isSafeInteger(delta) ? delta : Number.NaN;
  }

  #at(index: number): number {
    return this.#ops + index * OP.bytes;
  }

  #start(index: number): number {
    return this.#blob + this.#view.getUint32(this.#at(index) + OP.blobOffset, true);
  }

  #contentTypeStart(index: number): number {
    const at = this.#at(index);
    return (
      this.#start(index) +
      this.#view.getUint16(at + OP.keyLength, true) +
      this.#view.getUint16(at + OP.endKeyLength, true)
    );
  }

  #valueStart(index: number): number {
    return this.#contentTypeStart(index) + this.#view.getUint8(this.#at(index) + OP.contentTypeLength);
  }
}
