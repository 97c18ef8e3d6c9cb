import { assert, EMPTY_BYTES, type Kernels, type KeyspaceId, type RangeId } from '@holdfast/io';
import { Condition, type Consistency, OpFlag, OpKind } from './data-ops.ts';
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameType,
  type PayloadSource,
  TRACE_CONTEXT_BYTES,
} from './frame.ts';
import { DATA_REQUEST, DATA_REQUEST_SLOT as SLOT, REQUEST_OP as OP } from './generated/layout.ts';
import { GrowableBytes } from './growable-bytes.ts';
import {
  BATCH_OPS_MAX,
  CONTENT_TYPE_BYTES_MAX,
  DEADLINE_MS_MAX,
  FRAME_BYTES_MAX,
  IDEMPOTENCY_KEY_BYTES_MAX,
  KEY_BYTES_MAX,
  TRANSACTION_BYTES_MAX,
  VALUE_BYTES_MAX,
} from './limits.ts';
import { TableTemplate, vectorStart, writeVector } from './table-template.ts';
import { putU53 } from './u53.ts';

/** What a write may say beside key and value. */
export interface WriteOptions {
  readonly condition?: Condition;
  /** For {@link Condition.revisionEquals}. */
  readonly revision?: number;
  /** Put: milliseconds to live; 0 = for ever. */
  readonly ttlMs?: number;
  /** Put: at most CONTENT_TYPE_BYTES_MAX bytes. */
  readonly contentType?: Uint8Array;
  /** At most IDEMPOTENCY_KEY_BYTES_MAX bytes; empty = none. */
  readonly idempotencyKey?: Uint8Array;
  /** Milliseconds from arrival; 0 = the batch's. */
  readonly deadlineMs?: number;
  /** Say whether the key had a value before. */
  readonly tellExisted?: boolean;
}

export interface DeleteRangeOptions {
  /** Keys at most; 0 = the server's limit. */
  readonly limit?: number;
  readonly idempotencyKey?: Uint8Array;
  readonly deadlineMs?: number;
}

export interface ScanOptions {
  /** Rows at most; 0 = the server's limit. */
  readonly limit?: number;
  /** Bytes of rows at most; 0 = the server's limit. */
  readonly limitBytes?: number;
  readonly reverse?: boolean;
  readonly keysOnly?: boolean;
  /** How many rows, without the rows; `limit` bounds the count. */
  readonly countOnly?: boolean;
  /** With no revision: the answer is a snapshot and names its revision. */
  readonly pinned?: boolean;
  /** Read at this revision; 0 = latest. */
  readonly revision?: number;
  readonly deadlineMs?: number;
}

/** What holds for the whole batch. */
export interface DataRequestHead {
  /** Milliseconds from arrival; 0 = the server's default. */
  readonly deadlineMs: number;
  readonly consistency: Consistency;
  /** For `bounded`. */
  readonly maxStalenessMs: number;
  /** Read-your-writes floor; 0 = none. */
  readonly minRevision: number;
}

const NO_WRITE_OPTIONS: WriteOptions = {};
const NO_SCAN_OPTIONS: ScanOptions = {};
const TEMPLATE = new TableTemplate(DATA_REQUEST);
const OPS_AT = vectorStart(TEMPLATE.bytes, 8);

/**
 * One batch of operations, for any ranges of one node. Used again after each frame; nothing is allocated per
 * operation. The caller has validated what comes from outside: here limits are
 * asserted. Each method gives the op's index, by which its answer will be known.
 */
export class DataRequestBuilder implements PayloadSource {
  readonly #ops = new GrowableBytes(64 * OP.bytes);
  readonly #blob = new GrowableBytes(16 * 1024);
  #count = 0;
  #head: DataRequestHead | undefined;

  /** Operations in the batch; at most BATCH_OPS_MAX. */
  get count(): number {
    return this.#count;
  }

  /** Size of the payload, in bytes. */
  get byteLength(): number {
    return vectorStart(OPS_AT + 4 + this.#ops.length, 4) + 4 + this.#blob.length;
  }

  /** Whether one more op with `bytes` of key, value and the rest fits into the frame. */
  fits(bytes: number): boolean {
    return (
      this.#count < BATCH_OPS_MAX &&
      FRAME_HEADER_BYTES + TRACE_CONTEXT_BYTES + this.byteLength + OP.bytes + bytes <= FRAME_BYTES_MAX
    );
  }

  /** @param revision read at this revision; 0 = latest. */
  get(range: RangeId, keyspace: KeyspaceId, key: Uint8Array, revision = 0, deadlineMs = 0): number {
    return this.#read(OpKind.get, range, keyspace, key, revision, deadlineMs);
  }

  getRevision(range: RangeId, keyspace: KeyspaceId, key: Uint8Array, revision = 0, deadlineMs = 0): number {
    return this.#read(OpKind.getRevision, range, keyspace, key, revision, deadlineMs);
  }

  put(
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    value: Uint8Array,
    options: WriteOptions = NO_WRITE_OPTIONS,
  ): number {
    return this.#write(OpKind.put, range, keyspace, key, value, options);
  }

  delete(
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    options: WriteOptions = NO_WRITE_OPTIONS,
  ): number {
    return this.#write(OpKind.delete, range, keyspace, key, EMPTY_BYTES, options);
  }

  /** @param delta a safe integer; travels as 8 bytes, two's complement, little-endian. */
  increment(
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    delta: number,
    options: WriteOptions = NO_WRITE_OPTIONS,
  ): number {
    assert(Number.isSafeInteger(delta), 'delta is a safe integer');
    const value = new Uint8Array(8);
    new DataView(value.buffer).setBigInt64(0, BigInt(delta), true);
    return this.#write(OpKind.increment, range, keyspace, key, value, options);
  }

  /**
   * @param key of its first step: all keys are in the same range.
   * @param steps as `encodeTransaction` makes them.
   */
  transaction(
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    steps: Uint8Array,
    options: WriteOptions = NO_WRITE_OPTIONS,
  ): number {
    return this.#write(OpKind.transaction, range, keyspace, key, steps, options);
  }

  /** Deletes keys from `start` (included) to `end` (excluded; empty = to the last). */
  deleteRange(
    range: RangeId,
    keyspace: KeyspaceId,
    start: Uint8Array,
    end: Uint8Array,
    options: DeleteRangeOptions = NO_WRITE_OPTIONS,
  ): number {
    assert(start.length <= KEY_BYTES_MAX && end.length <= KEY_BYTES_MAX, 'key longer than KEY_BYTES_MAX');
    const { idempotencyKey = EMPTY_BYTES } = options;
    assert(idempotencyKey.length <= IDEMPOTENCY_KEY_BYTES_MAX, 'idempotency key too long');
    const at = this.#op(OpKind.deleteRange, 0, range, keyspace, start, 0, options.deadlineMs ?? 0);
    const { view } = this.#ops;
    view.setUint32(at + OP.limit, options.limit ?? 0, true);
    view.setUint16(at + OP.endKeyLength, end.length, true);
    view.setUint8(at + OP.idempotencyLength, idempotencyKey.length);
    this.#blob.append(end);
    if (idempotencyKey.length > 0) this.#blob.append(idempotencyKey);
    return this.#count++;
  }

  /** What became of the write with this idempotency key, if this range has a record of it. */
  lookup(range: RangeId, idempotencyKey: Uint8Array, deadlineMs = 0): number {
    return this.#read(OpKind.lookup, range, 0 as KeyspaceId, idempotencyKey, 0, deadlineMs);
  }

  /**
   * Rows of `range` from `start` (included; empty = from the first key) to `end` (excluded; empty = to the last).
   */
  scan(
    range: RangeId,
    keyspace: KeyspaceId,
    start: Uint8Array,
    end: Uint8Array,
    options: ScanOptions = NO_SCAN_OPTIONS,
  ): number {
    assert(start.length <= KEY_BYTES_MAX && end.length <= KEY_BYTES_MAX, 'key longer than KEY_BYTES_MAX');
    const flags =
      (options.reverse === true ? OpFlag.reverse : 0) |
      (options.keysOnly === true ? OpFlag.keysOnly : 0) |
      (options.countOnly === true ? OpFlag.countOnly : 0) |
      (options.pinned === true ? OpFlag.pinned : 0);
    const at = this.#op(
      OpKind.scan,
      flags,
      range,
      keyspace,
      start,
      options.revision ?? 0,
      options.deadlineMs ?? 0,
    );
    const { view } = this.#ops;
    view.setUint32(at + OP.limit, options.limit ?? 0, true);
    view.setUint32(at + OP.limitBytes, options.limitBytes ?? 0, true);
    view.setUint16(at + OP.endKeyLength, end.length, true);
    this.#blob.append(end);
    return this.#count++;
  }

  /**
   * The frame that carries the batch; the builder is empty afterwards.
   * @param version the protocol version of the connection.
   */
  toFrame(
    kernels: Kernels,
    requestId: number,
    version: number,
    head: DataRequestHead,
    trace?: Uint8Array,
  ): Uint8Array {
    this.#head = head;
    const frame = encodeFrame(kernels, { type: FrameType.dataRequest, requestId, version, trace }, this);
    this.reset();
    return frame;
  }

  /** Forgets the batch. */
  reset(): void {
    this.#ops.reset();
    this.#blob.reset();
    this.#count = 0;
    this.#head = undefined;
  }

  /** For {@link toFrame}, which sets the head. */
  writeTo(target: Uint8Array, view: DataView, offset: number): void {
    const head = this.#head;
    assert(head !== undefined && this.#count > 0, 'a batch has a head and at least one op');
    TEMPLATE.write(target, offset);
    view.setUint32(offset + TEMPLATE.position(SLOT.deadlineMs), head.deadlineMs, true);
    view.setUint8(offset + TEMPLATE.position(SLOT.consistency), head.consistency);
    view.setUint32(offset + TEMPLATE.position(SLOT.maxStalenessMs), head.maxStalenessMs, true);
    putU53(view, offset + TEMPLATE.position(SLOT.minRevision), head.minRevision);
    const opsField = TEMPLATE.position(SLOT.ops);
    const blobField = TEMPLATE.position(SLOT.blob);
    const end = writeVector(target, view, offset, opsField, OPS_AT, this.#count, this.#ops);
    writeVector(target, view, offset, blobField, vectorStart(end, 4), this.#blob.length, this.#blob);
  }

  #read(
    kind: OpKind,
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    revision: number,
    deadlineMs: number,
  ): number {
    assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'key of 1 to KEY_BYTES_MAX bytes');
    this.#op(kind, 0, range, keyspace, key, revision, deadlineMs);
    return this.#count++;
  }

  #write(
    kind: OpKind,
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    value: Uint8Array,
    options: WriteOptions,
  ): number {
    assert(key.length > 0 && key.length <= KEY_BYTES_MAX, 'key of 1 to KEY_BYTES_MAX bytes');
    if (kind === OpKind.transaction)
      assert(value.length <= TRANSACTION_BYTES_MAX, 'steps longer than TRANSACTION_BYTES_MAX');
    else assert(value.length <= VALUE_BYTES_MAX, 'value longer than VALUE_BYTES_MAX');
    const { ttlMs = 0, contentType = EMPTY_BYTES, idempotencyKey = EMPTY_BYTES } = options;
    assert(contentType.length <= CONTENT_TYPE_BYTES_MAX, 'content type longer than CONTENT_TYPE_BYTES_MAX');
    assert(idempotencyKey.length <= IDEMPOTENCY_KEY_BYTES_MAX, 'idempotency key too long');
    const flags = options.tellExisted === true ? OpFlag.tellExisted : 0;
    const at = this.#op(kind, flags, range, keyspace, key, options.revision ?? 0, options.deadlineMs ?? 0);
    const { view } = this.#ops;
    if (ttlMs !== 0) putU53(view, at + OP.ttlMs, ttlMs);
    view.setUint32(at + OP.valueLength, value.length, true);
    view.setUint8(at + OP.condition, options.condition ?? Condition.none);
    view.setUint8(at + OP.contentTypeLength, contentType.length);
    view.setUint8(at + OP.idempotencyLength, idempotencyKey.length);
    const blob = this.#blob;
    if (contentType.length > 0) blob.append(contentType);
    if (value.length > 0) blob.append(value);
    if (idempotencyKey.length > 0) blob.append(idempotencyKey);
    return this.#count++;
  }

  /** Appends an op's struct, every byte of it written, and its key; gives the position of the struct. */
  #op(
    kind: OpKind,
    flags: number,
    range: RangeId,
    keyspace: KeyspaceId,
    key: Uint8Array,
    revision: number,
    deadlineMs: number,
  ): number {
    assert(this.#count < BATCH_OPS_MAX, 'batch of more than BATCH_OPS_MAX ops');
    assert(deadlineMs >= 0 && deadlineMs <= DEADLINE_MS_MAX, 'deadline above DEADLINE_MS_MAX');
    const at = this.#ops.reserve(OP.bytes);
    const { view } = this.#ops;
    if (revision === 0) view.setFloat64(at + OP.revision, 0);
    else putU53(view, at + OP.revision, revision);
    view.setFloat64(at + OP.ttlMs, 0);
    view.setUint32(at + OP.rangeId, range, true);
    view.setUint32(at + OP.keyspaceId, keyspace, true);
    view.setUint32(at + OP.blobOffset, this.#blob.length, true);
    view.setFloat64(at + OP.valueLength, 0); // and limit
    view.setUint32(at + OP.limitBytes, 0, true);
    view.setUint32(at + OP.deadlineMs, deadlineMs, true);
    view.setUint32(at + OP.keyLength, key.length, true); // and endKeyLength
    view.setUint32(at + OP.kind, kind | (flags << 8), true); // and flags, condition, contentTypeLength
    view.setUint32(at + OP.idempotencyLength, 0, true); // and the reserved bytes
    this.#blob.append(key);
    return at;
  }
}
