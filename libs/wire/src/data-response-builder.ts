import { assert, EMPTY_BYTES, type Kernels, type NodeId, utf8 } from '@holdfast/io';
import { AnswerFlag, Consistency } from './data-ops.ts';
import { ERRORS, type ErrorCode, type Outcome, outcomeNumber } from './errors.ts';
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameType,
  type PayloadSource,
  TRACE_CONTEXT_BYTES,
} from './frame.ts';
import { DATA_RESPONSE, DATA_RESPONSE_SLOT as SLOT, RESPONSE_OP as OP } from './generated/layout.ts';
import { GrowableBytes } from './growable-bytes.ts';
import { BATCH_OPS_MAX, CONTENT_TYPE_BYTES_MAX, DETAIL_BYTES_MAX, KEY_BYTES_MAX } from './limits.ts';
import type { ScanRowsBuilder } from './scan-rows.ts';
import { TableTemplate, vectorStart, writeVector } from './table-template.ts';
import { putU53 } from './u53.ts';

/** What a refusal may say beside its code. */
export interface RefusalOptions {
  /** Default: the table's. */
  readonly outcome?: Outcome;
  readonly leaderHint?: NodeId | 0;
  readonly retryAfterMs?: number;
  /** A refused condition: the current revision, 0 when the key is absent. */
  readonly revision?: number;
  /** For people; cut at DETAIL_BYTES_MAX bytes. Never holds keys, values or tokens. */
  readonly detail?: string;
  /** {@link AnswerFlag}s. */
  readonly flags?: number;
}

export interface ScanAnswer {
  readonly served: Consistency;
  readonly stalenessMs: number;
  /** The revision that the rows are a snapshot of; 0 = unknown. */
  readonly revision: number;
  /** {@link AnswerFlag}s; `more` comes with `resumeKey`. */
  readonly flags: number;
  /** Where to go on: the next `start` (reverse: the next `end`). Empty = the scan is complete. */
  readonly resumeKey: Uint8Array;
  /** It was a deletion. */
  readonly applied?: boolean;
}

/** Time at which a value expires, behind it. */
const EXPIRY_BYTES = 8;
const NO_OPTIONS: RefusalOptions = {};
const TEMPLATE = new TableTemplate(DATA_RESPONSE);
/** Size of a frame of answers, in bytes, unless a single one is larger. */
const ANSWER_FRAME_BYTES_TARGET = 512 * 1024;
const OPS_AT = vectorStart(TEMPLATE.bytes, 8);

/**
 * Answers to ops of one request, in any order; each names its op. A slow range need not hold back the others:
 * send what is there with `more`, and the rest in later frames with the same request id. Every op of the request
 * is answered exactly once over all of them. Used again after each frame; nothing is allocated per answer.
 */
export class DataResponseBuilder implements PayloadSource {
  readonly #ops = new GrowableBytes(64 * OP.bytes);
  readonly #blob = new GrowableBytes(16 * 1024);
  #count = 0;
  #clock = 0;

  get count(): number {
    return this.#count;
  }

  /** Size of the payload, in bytes. */
  get byteLength(): number {
    return vectorStart(OPS_AT + 4 + this.#ops.length, 4) + 4 + this.#blob.length;
  }

  /**
   * Whether an answer with `bytes` of value and the rest should go into this frame; if not, it is sent with `more`
   * first. One answer always fits, and small ones travel together up to {@link ANSWER_FRAME_BYTES_TARGET}: the other
   * side gets to work on the first while the next are made, and no buffer grows beyond what it keeps.
   */
  fits(bytes: number): boolean {
    const length = FRAME_HEADER_BYTES + TRACE_CONTEXT_BYTES + this.byteLength + OP.bytes + bytes;
    return length <= ANSWER_FRAME_BYTES_TARGET || this.#count === 0;
  }

  /**
   * A read that found its key.
   * @param stalenessMs bound on the answer's age; 0 when `served` is strong.
   * @param expiresAtMs when the value expires, milliseconds since 1970; 0 = never.
   */
  value(
    index: number,
    revision: number,
    value: Uint8Array,
    contentType: Uint8Array = EMPTY_BYTES,
    served: Consistency = Consistency.strong,
    stalenessMs = 0,
    flags = 0,
    expiresAtMs = 0,
  ): void {
    assert(contentType.length <= CONTENT_TYPE_BYTES_MAX, 'content type longer than CONTENT_TYPE_BYTES_MAX');
    const at = this.#answer(index, 0, flags | AnswerFlag.found, revision, served, stalenessMs);
    const { view } = this.#ops;
    view.setUint32(at + OP.valueLength, value.length, true);
    view.setUint8(at + OP.contentTypeLength, contentType.length);
    if (contentType.length > 0) this.#blob.append(contentType);
    if (value.length > 0) this.#blob.append(value);
    if (expiresAtMs === 0) return;
    view.setUint32(at + OP.valueLength, value.length + EXPIRY_BYTES, true);
    view.setUint8(at + OP.flags, flags | AnswerFlag.found | AnswerFlag.expires);
    const blobAt = this.#blob.reserve(EXPIRY_BYTES);
    putU53(this.#blob.view, blobAt, expiresAtMs);
  }

  /** A read that found nothing: an answer, not an error. `revision`: of the tombstone if known, else 0. */
  absent(
    index: number,
    revision = 0,
    served: Consistency = Consistency.strong,
    stalenessMs = 0,
    flags = 0,
  ): void {
    this.#answer(index, 0, flags & ~AnswerFlag.found, revision, served, stalenessMs);
  }

  /**
   * A write that is durable on a majority (or as its keyspace promises).
   * @param flags `found` when the key had a value before; `replayed` when this is an earlier answer again.
   */
  written(index: number, revision: number, flags = 0): void {
    const at = this.#answer(index, 0, flags, revision, Consistency.strong, 0);
    this.#ops.view.setUint8(at + OP.outcome, 1);
  }

  /** An increment: as {@link written}, with the new value in 8 bytes, two's complement, little-endian. */
  incremented(index: number, revision: number, result: number, flags = 0): void {
    assert(Number.isSafeInteger(result), 'result is a safe integer');
    const at = this.#answer(index, 0, flags, revision, Consistency.strong, 0);
    this.#ops.view.setUint8(at + OP.outcome, 1);
    this.#ops.view.setUint32(at + OP.valueLength, 8, true);
    const blobAt = this.#blob.reserve(8);
    this.#blob.view.setBigInt64(blobAt, BigInt(result), true);
  }

  /** A number instead of rows: of a counting scan, or of keys that a deletion took. */
  counted(index: number, count: number, answer: ScanAnswer): void {
    const { resumeKey } = answer;
    assert(resumeKey.length <= KEY_BYTES_MAX + 1, 'resume key longer than KEY_BYTES_MAX + 1');
    const at = this.#answer(index, 0, answer.flags, answer.revision, answer.served, answer.stalenessMs);
    const { view } = this.#ops;
    view.setUint32(at + OP.valueLength, 8, true);
    view.setUint16(at + OP.resumeKeyLength, resumeKey.length, true);
    view.setUint8(at + OP.outcome, answer.applied === true ? 1 : 0);
    const blobAt = this.#blob.reserve(8);
    putU53(this.#blob.view, blobAt, count);
    this.#blob.append(resumeKey);
  }

  /** What a transaction made, as `encodeTransactionAnswer` wrote it. @param flags `succeeded` when its checks held */
  transacted(index: number, revision: number, answer: Uint8Array, flags: number): void {
    const at = this.#answer(index, 0, flags, revision, Consistency.strong, 0);
    this.#ops.view.setUint8(at + OP.outcome, 1);
    this.#ops.view.setUint32(at + OP.valueLength, answer.length, true);
    this.#blob.append(answer);
  }

  /** The rows of a scan, copied. */
  rows(index: number, rows: ScanRowsBuilder, answer: ScanAnswer): void {
    const { resumeKey } = answer;
    assert(resumeKey.length <= KEY_BYTES_MAX + 1, 'resume key longer than KEY_BYTES_MAX + 1');
    const at = this.#answer(index, 0, answer.flags, answer.revision, answer.served, answer.stalenessMs);
    const { view } = this.#ops;
    view.setUint32(at + OP.valueLength, rows.byteLength, true);
    view.setUint32(at + OP.rowCount, rows.count, true);
    view.setUint16(at + OP.resumeKeyLength, resumeKey.length, true);
    this.#blob.append(rows.bytes);
    this.#blob.append(resumeKey);
  }

  /** An op that failed, with a code of the table. */
  refused(index: number, code: ErrorCode, options: RefusalOptions = NO_OPTIONS): void {
    const info = ERRORS[code];
    const at = this.#answer(
      index,
      info.number,
      options.flags ?? 0,
      options.revision ?? 0,
      Consistency.strong,
      0,
    );
    const { view } = this.#ops;
    view.setUint8(at + OP.outcome, outcomeNumber(options.outcome ?? info.outcome));
    view.setUint32(at + OP.leaderHint, options.leaderHint ?? 0, true);
    view.setUint32(at + OP.retryAfterMs, Math.ceil(options.retryAfterMs ?? 0), true);
    if (options.detail !== undefined) {
      const detail = detailBytes(options.detail);
      view.setUint16(at + OP.detailLength, detail.length, true);
      this.#blob.append(detail);
    }
  }

  /**
   * The frame that carries the answers; the builder is empty afterwards.
   * @param clock high-water mark of the node's hybrid logical clock.
   * @param more answers to other ops of the request follow in later frames.
   */
  toFrame(
    kernels: Kernels,
    requestId: number,
    version: number,
    clock: number,
    more = false,
    trace?: Uint8Array,
  ): Uint8Array {
    this.#clock = clock;
    const frame = encodeFrame(
      kernels,
      { type: FrameType.dataResponse, requestId, version, more, trace },
      this,
    );
    this.reset();
    return frame;
  }

  reset(): void {
    this.#ops.reset();
    this.#blob.reset();
    this.#count = 0;
  }

  /** For {@link toFrame}, which sets the clock. */
  writeTo(target: Uint8Array, view: DataView, offset: number): void {
    assert(this.#count > 0, 'a response answers at least one op');
    TEMPLATE.write(target, offset);
    putU53(view, offset + TEMPLATE.position(SLOT.clock), this.#clock);
    const opsField = TEMPLATE.position(SLOT.ops);
    const blobField = TEMPLATE.position(SLOT.blob);
    const end = writeVector(target, view, offset, opsField, OPS_AT, this.#count, this.#ops);
    writeVector(target, view, offset, blobField, vectorStart(end, 4), this.#blob.length, this.#blob);
  }

  /** Appends an answer's struct, every byte of it written; gives its position. */
  #answer(
    index: number,
    status: number,
    flags: number,
    revision: number,
    served: Consistency,
    stalenessMs: number,
  ): number {
    assert(index >= 0 && index < BATCH_OPS_MAX && this.#count < BATCH_OPS_MAX, 'index of an op of one batch');
    const at = this.#ops.reserve(OP.bytes);
    const { view } = this.#ops;
    putU53(view, at + OP.revision, revision);
    view.setUint32(at + OP.blobOffset, this.#blob.length, true);
    view.setFloat64(at + OP.valueLength, 0); // and rowCount
    view.setUint32(at + OP.stalenessMs, Math.ceil(stalenessMs), true);
    view.setFloat64(at + OP.leaderHint, 0); // and retryAfterMs
    view.setUint32(at + OP.index, index | (status << 16), true);
    view.setUint32(at + OP.resumeKeyLength, 0, true); // and detailLength
    view.setUint32(at + OP.flags, flags | (served << 8), true); // and outcome, contentTypeLength
    view.setUint32(at + OP.reserved0, 0, true);
    this.#count++;
    return at;
  }
}

/** At most DETAIL_BYTES_MAX bytes of UTF-8, cut between characters. */
export function detailBytes(detail: string): Uint8Array {
  const bytes = utf8(detail);
  if (bytes.length <= DETAIL_BYTES_MAX) return bytes;
  let end = DETAIL_BYTES_MAX;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
