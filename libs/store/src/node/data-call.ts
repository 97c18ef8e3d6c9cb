import type { Kernels } from '@holdfast/io';
import {
  type Consistency,
  DataRequestReader,
  type DataResponseBuilder,
  DEADLINE_MS_DEFAULT,
  type ErrorCode,
  isWrite,
  type RefusalOptions,
} from '@holdfast/wire';
import type { StoredValue } from '../range/stored-value.ts';

/** Where the answers of a call go. */
export interface ReplyPort {
  /** False when nobody listens any more: answers are dropped. */
  readonly open: boolean;
  /** Answers that the other side has not taken yet, in bytes. */
  readonly bytesQueued: number;
  reply(frame: Uint8Array): void;
}

/** Answers queued for one connection; beyond it reads are refused. In bytes. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** What a call needs of its node. */
export interface CallHost {
  readonly kernels: Kernels;
  /** High-water mark of the node's clock, for the answers. */
  clockMark(): number;
  /** The call has answers to send: `flush` is owed at the end of this turn. */
  answered(call: DataCall): void;
  /** Every op of the call is answered. */
  finished(call: DataCall): void;
}

/**
 * One batch of operations between its frame and its last answer. Every op is answered exactly once; answers
 * that are there at the end of a turn leave in one frame, and a slow range does not hold back the others.
 */
export class DataCall {
  readonly reader: DataRequestReader;
  /** Bytes that the call keeps in memory until it is finished. */
  readonly bytes: number;
  /** When it arrived, monotonic milliseconds: deadlines count from here. */
  sinceMs = 0;
  readonly #host: CallHost;
  readonly #port: ReplyPort;
  readonly #requestId: number;
  readonly #version: number;
  readonly #answers: DataResponseBuilder;
  /** 1 for each op that has its answer. */
  readonly #done: Uint8Array;
  #remaining: number;
  #flushOwed = false;

  /** @throws ProtocolError when the payload is not a correct batch. */
  constructor(
    host: CallHost,
    port: ReplyPort,
    frame: { readonly requestId: number; readonly version: number; readonly payload: Uint8Array },
    answers: DataResponseBuilder,
  ) {
    this.reader = DataRequestReader.read(frame.payload);
    this.bytes = frame.payload.length;
    this.#host = host;
    this.#port = port;
    this.#requestId = frame.requestId;
    this.#version = frame.version;
    this.#answers = answers;
    this.#done = new Uint8Array(this.reader.count);
    this.#remaining = this.reader.count;
  }

  /** Nobody waits for the answers any more. */
  get abandoned(): boolean {
    return !this.#port.open;
  }

  get finished(): boolean {
    return this.#remaining === 0;
  }

  written(op: number, revision: number, flags: number): void {
    if (this.#take(op)) this.#answers.written(op, revision, flags);
  }

  incremented(op: number, revision: number, counter: number, flags: number): void {
    if (this.#take(op)) this.#answers.incremented(op, revision, counter, flags);
  }

  /** @param answer as the transaction's entry made it */
  transacted(op: number, revision: number, answer: Uint8Array, flags: number): void {
    this.#makeRoom(answer.length);
    if (this.#take(op)) this.#answers.transacted(op, revision, answer, flags);
  }

  counted(op: number, ...answer: DropFirst<Parameters<DataResponseBuilder['counted']>>): void {
    this.#makeRoom(answer[1].resumeKey.length);
    if (this.#take(op)) this.#answers.counted(op, ...answer);
  }

  /**
   * False when the op was refused because the other side does not take its answers: a small question can have
   * a large answer, and a peer that does not read must not fill memory.
   */
  takesAnswer(op: number): boolean {
    if (this.#port.bytesQueued + this.#answers.byteLength <= ANSWER_BYTES_MAX) return true;
    this.refuse(op, 'HF_OVERLOADED', { detail: 'answers are not being read' });
    return false;
  }

  /** @param flags {@link AnswerFlag}s */
  found(
    op: number,
    revision: number,
    stored: StoredValue,
    served: Consistency,
    stalenessMs: number,
    flags: number,
  ): void {
    this.#makeRoom(stored.value.length + stored.contentType.length);
    if (!this.#take(op)) return;
    const { value, contentType, expiresAtMs } = stored;
    this.#answers.value(op, revision, value, contentType, served, stalenessMs, flags, expiresAtMs);
  }

  absent(op: number, served: Consistency, stalenessMs: number, flags: number): void {
    if (this.#take(op)) this.#answers.absent(op, 0, served, stalenessMs, flags);
  }

  rows(op: number, ...answer: DropFirst<Parameters<DataResponseBuilder['rows']>>): void {
    this.#makeRoom(answer[0].byteLength + answer[1].resumeKey.length);
    if (this.#take(op)) this.#answers.rows(op, ...answer);
  }

  refuse(op: number, code: ErrorCode, options?: RefusalOptions): void {
    if (this.#take(op)) this.#answers.refused(op, code, options);
  }

  refuseAll(code: ErrorCode, options?: RefusalOptions): void {
    for (let op = 0; op < this.reader.count; op++) this.refuse(op, code, options);
  }

  /** Whether somebody waits for the op, as far as is known. */
  waitsFor(op: number): boolean {
    return this.#done[op] === 0 && this.#port.open;
  }

  /**
   * Whether the op is worth the work: it has no answer yet, its deadline has not passed, and its connection stands.
   * Given up otherwise.
   */
  stillWants(op: number, nowMs: number): boolean {
    if (this.#done[op] === 1) return false;
    if (this.#port.open && nowMs - this.sinceMs < deadlineOf(this.reader, op)) return true;
    this.#giveUp(op);
    return false;
  }

  /**
   * Gives up the ops whose deadline has passed: reads failed without effect; writes that are in the log may still be
   * applied, and nobody can say (D7).
   * @param elapsedMs since the call arrived
   * @returns the next deadline, in milliseconds since the call arrived; infinite when every op is answered
   */
  expire(elapsedMs: number): number {
    const { reader } = this;
    let next = Number.POSITIVE_INFINITY;
    for (let op = 0; op < reader.count; op++) {
      if (this.#done[op] === 1) continue;
      const deadlineMs = deadlineOf(reader, op);
      if (deadlineMs > elapsedMs) next = Math.min(next, deadlineMs);
      else this.#giveUp(op);
    }
    return next;
  }

  /** Sends the answers of this turn. */
  flush(): void {
    this.#flushOwed = false;
    if (this.#answers.count === 0) return;
    if (!this.#port.open) {
      this.#answers.reset();
      return;
    }
    const { kernels } = this.#host;
    const more = this.#remaining > 0;
    this.#port.reply(
      this.#answers.toFrame(kernels, this.#requestId, this.#version, this.#host.clockMark(), more),
    );
  }

  /** The builder, for the next call. Only after the last flush. */
  release(): DataResponseBuilder {
    return this.#answers;
  }

  #giveUp(op: number): void {
    if (isWrite(this.reader.kind(op))) this.refuse(op, 'HF_TIMEOUT', { outcome: 'unknown' });
    else this.refuse(op, 'HF_NO_QUORUM', { outcome: 'not_applied' });
  }

  #take(op: number): boolean {
    if (this.#done[op] === 1) return false;
    this.#done[op] = 1;
    this.#remaining--;
    if (!this.#flushOwed) {
      this.#flushOwed = true;
      this.#host.answered(this);
    }
    if (this.#remaining === 0) this.#host.finished(this);
    return true;
  }

  /** Answers that do not fit into one frame leave in two. */
  #makeRoom(bytes: number): void {
    if (this.#answers.count === 0 || this.#answers.fits(bytes)) return;
    this.flush();
    // It had answers, so it stands in the host's list already.
    this.#flushOwed = true;
  }
}

/** Milliseconds from arrival. */
export function deadlineOf(reader: DataRequestReader, op: number): number {
  const deadlineMs = reader.opDeadlineMs(op);
  return deadlineMs === 0 ? DEADLINE_MS_DEFAULT : deadlineMs;
}

type DropFirst<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never;
