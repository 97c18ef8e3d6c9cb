import { decodeUtf8, type NodeId, type Revision, viewOf } from '@holdfast/io';
import { AnswerFlag, type Consistency } from './data-ops.ts';
import { type ErrorCode, errorCode, type Outcome, outcomeOf } from './errors.ts';
import { DATA_RESPONSE, DATA_RESPONSE_SLOT as SLOT, RESPONSE_OP as OP } from './generated/layout.ts';
import { toldError, type HoldfastError, ProtocolError } from './holdfast-error.ts';
import { BATCH_OPS_MAX } from './limits.ts';
import { ScanRowsReader, verifyScanRows } from './scan-rows.ts';
import { getU53, isU53 } from './u53.ts';
import { scalarU53, vectorAt, verifyTable } from './verifier.ts';

/**
 * Verified answers, read in place. `i` counts the answers of this frame; {@link opIndex} says which op of the
 * request each one answers. Byte accessors give views of the payload: copy what outlives the frame.
 */
export class DataResponseReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #ops: number;
  readonly #blob: number;

  /** Answers in this frame; 1 .. BATCH_OPS_MAX. */
  readonly count: number;
  /** High-water mark of the answering node's clock. */
  readonly clock: Revision;

  /**
   * @param opsCount operations of the request: an answer to another one is a violation.
   * @throws ProtocolError
   */
  static read(payload: Uint8Array, opsCount: number = BATCH_OPS_MAX): DataResponseReader {
    return new DataResponseReader(payload, opsCount);
  }

  private constructor(payload: Uint8Array, opsCount: number) {
    const view = viewOf(payload);
    const table = verifyTable(view, DATA_RESPONSE);
    const ops = vectorAt(view, table, SLOT.ops);
    const blob = vectorAt(view, table, SLOT.blob);
    this.#bytes = payload;
    this.#view = view;
    this.#ops = ops + 4;
    this.#blob = blob + 4;
    this.count = view.getUint32(ops, true);
    this.clock = scalarU53(view, table, SLOT.clock) as Revision;
    this.#verifyOps(view.getUint32(blob, true), opsCount);
  }

  #verifyOps(blobLength: number, opsCount: number): void {
    const { count } = this;
    if (count === 0 || count > opsCount)
      throw new ProtocolError('limit', `${count} answers to ${opsCount} ops`);
    const view = this.#view;
    let end = 0;
    let at = this.#ops;
    for (let i = 0; i < count; i++, at += OP.bytes) {
      if (view.getUint32(at + OP.blobOffset, true) !== end)
        throw new ProtocolError('malformed', 'answer out of place');
      if (!isU53(view, at + OP.revision)) throw new ProtocolError('malformed', 'integer of 2^53 or more');
      if (view.getUint16(at + OP.index, true) >= opsCount)
        throw new ProtocolError('malformed', 'answer to no op');
      if (view.getUint8(at + OP.served) > 2) throw new ProtocolError('malformed', 'consistency level');
      const value = end + view.getUint8(at + OP.contentTypeLength);
      const valueEnd = value + view.getUint32(at + OP.valueLength, true);
      end =
        valueEnd + view.getUint16(at + OP.resumeKeyLength, true) + view.getUint16(at + OP.detailLength, true);
      if (end > blobLength) throw new ProtocolError('malformed', 'answer longer than the blob');
      if ((view.getUint8(at + OP.flags) & AnswerFlag.expires) !== 0) {
        if (valueEnd - value < 8 || !isU53(view, this.#blob + valueEnd - 8))
          throw new ProtocolError('malformed', 'expiry of a value');
      }
      const rowCount = view.getUint32(at + OP.rowCount, true);
      if (rowCount > 0) verifyScanRows(view, this.#blob + value, this.#blob + valueEnd, rowCount);
    }
    if (end !== blobLength) throw new ProtocolError('malformed', 'answers and blob differ in length');
  }

  /** Position of the op in the request. */
  opIndex(i: number): number {
    return this.#view.getUint16(this.#at(i) + OP.index, true);
  }

  ok(i: number): boolean {
    return this.#view.getUint16(this.#at(i) + OP.status, true) === 0;
  }

  /** The code of an answer that is not {@link ok}. */
  code(i: number): ErrorCode {
    return errorCode(this.#view.getUint16(this.#at(i) + OP.status, true));
  }

  flags(i: number): number {
    return this.#view.getUint8(this.#at(i) + OP.flags);
  }

  found(i: number): boolean {
    return (this.flags(i) & AnswerFlag.found) !== 0;
  }

  /** The replica that answered leads its range; told with reads. */
  leader(i: number): boolean {
    return (this.flags(i) & AnswerFlag.leader) !== 0;
  }

  replayed(i: number): boolean {
    return (this.flags(i) & AnswerFlag.replayed) !== 0;
  }

  outcome(i: number): Outcome {
    return outcomeOf(this.#view.getUint8(this.#at(i) + OP.outcome));
  }

  revision(i: number): Revision {
    return getU53(this.#view, this.#at(i) + OP.revision) as Revision;
  }

  /** Level the answer was served at. */
  served(i: number): Consistency {
    return this.#view.getUint8(this.#at(i) + OP.served) as Consistency;
  }

  stalenessMs(i: number): number {
    return this.#view.getUint32(this.#at(i) + OP.stalenessMs, true);
  }

  /** 0 = unknown. */
  leaderHint(i: number): NodeId | 0 {
    return this.#view.getUint32(this.#at(i) + OP.leaderHint, true) as NodeId | 0;
  }

  retryAfterMs(i: number): number {
    return this.#view.getUint32(this.#at(i) + OP.retryAfterMs, true);
  }

  contentType(i: number): Uint8Array {
    const start = this.#start(i);
    return this.#bytes.subarray(start, start + this.#view.getUint8(this.#at(i) + OP.contentTypeLength));
  }

  value(i: number): Uint8Array {
    const start = this.#valueStart(i);
    const length = this.#view.getUint32(this.#at(i) + OP.valueLength, true);
    return this.#bytes.subarray(start, start + length - (this.#expires(i) ? 8 : 0));
  }

  /** When the value expires, milliseconds since 1970; 0 = never. */
  expiresAtMs(i: number): number {
    if (!this.#expires(i)) return 0;
    const length = this.#view.getUint32(this.#at(i) + OP.valueLength, true);
    return getU53(this.#view, this.#valueStart(i) + length - 8);
  }

  /** Transaction: the checks held. */
  succeeded(i: number): boolean {
    return (this.flags(i) & AnswerFlag.succeeded) !== 0;
  }

  #expires(i: number): boolean {
    return (this.flags(i) & AnswerFlag.expires) !== 0;
  }

  /** The new value of an increment that is {@link ok}, NaN when the answer holds none. */
  result(i: number): number {
    if (this.#view.getUint32(this.#at(i) + OP.valueLength, true) !== 8) return Number.NaN;
    const result = Number(this.#view.getBigInt64(this.#valueStart(i), true));
    return Number.isSafeInteger(result) ? result : Number.NaN;
  }

  /** Rows of a scan. */
  rowCount(i: number): number {
    return this.#view.getUint32(this.#at(i) + OP.rowCount, true);
  }

  /** A cursor before the first row. */
  rows(i: number): ScanRowsReader {
    const count = this.rowCount(i);
    return new ScanRowsReader(this.value(i), count);
  }

  /** Scan: where to go on; empty = complete. */
  resumeKey(i: number): Uint8Array {
    const start = this.#valueStart(i) + this.#view.getUint32(this.#at(i) + OP.valueLength, true);
    return this.#bytes.subarray(start, start + this.#view.getUint16(this.#at(i) + OP.resumeKeyLength, true));
  }

  /** The sentence that explains an error, empty when there is none. */
  detail(i: number): string {
    const at = this.#at(i);
    const end = this.#blob + this.#view.getUint32(at + OP.blobOffset, true) + this.#blobBytes(at);
    const bytes = this.#bytes.subarray(end - this.#view.getUint16(at + OP.detailLength, true), end);
    return decodeUtf8(bytes) ?? '';
  }

  /** An answer that is not {@link ok} as an error. */
  error(i: number): HoldfastError {
    const detail = this.detail(i);
    const leaderHint = this.leaderHint(i);
    const code = this.code(i);
    const revision = this.revision(i);
    // Only of a refused condition does 0 say something: the key is absent.
    const told = revision !== 0 || code === 'HF_PRECONDITION_FAILED';
    return toldError(code, {
      outcome: this.outcome(i),
      ...(told ? { revision } : {}),
      retryAfterMs: this.retryAfterMs(i),
      ...(detail === '' ? {} : { detail }),
      ...(leaderHint === 0 ? {} : { leaderHint }),
    });
  }

  #at(i: number): number {
    return this.#ops + i * OP.bytes;
  }

  #start(i: number): number {
    return this.#blob + this.#view.getUint32(this.#at(i) + OP.blobOffset, true);
  }

  #valueStart(i: number): number {
    return this.#start(i) + this.#view.getUint8(this.#at(i) + OP.contentTypeLength);
  }

  #blobBytes(at: number): number {
    const view = this.#view;
    return (
      view.getUint8(at + OP.contentTypeLength) +
      view.getUint32(at + OP.valueLength, true) +
      view.getUint16(at + OP.resumeKeyLength, true) +
      view.getUint16(at + OP.detailLength, true)
    );
  }
}
