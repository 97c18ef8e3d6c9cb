import type { ServerResponse } from 'node:http';
import type { Change, ChangeRecord, WatchHandle, WatchSink } from '@holdfast/client';
import { replyProblem } from '@holdfast/service';
import { HoldfastError } from '@holdfast/wire';
import type { FastifyReply } from 'fastify';
import { compactedText, endText, HEARTBEAT_TEXT, idText, progressText, RETRY_TEXT } from './event-text.ts';

/** A reader that takes nothing for this long is told so and dropped, in milliseconds. */
export const READER_STALL_MS_MAX = 10_000;
/** How often progress is told, at most, in milliseconds. */
const PROGRESS_MS = 1000;
/** Without anything else, a comment is sent this often, give or take a tick, in milliseconds: readers count on it. */
const HEARTBEAT_MS = 2000;

/**
 * One watch as server-sent events (HTML Living Standard, section 9.2). What the reader does not take stays with the
 * client's watch, whose window bounds it: nothing is written while the socket is full.
 */
export class EventStream implements WatchSink {
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #textOf: (record: ChangeRecord) => string;
  readonly #onClosed: (stream: EventStream) => void;
  readonly #waiting: Change[] = [];
  readonly #openedMs: number;
  readonly #standMs: number;
  #handle: WatchHandle | undefined;
  /** The head is out. */
  #stands = false;
  #closed = false;
  /** Since when the socket has been full. */
  #fullMs: number | undefined;
  #writtenMs: number;
  #progress = 0;
  #progressToldMs = 0;

  /** @param standMs longest wait for the watch to stand. */
  constructor(
    reply: FastifyReply,
    standMs: number,
    textOf: (record: ChangeRecord) => string,
    onClosed: (stream: EventStream) => void,
  ) {
    this.#reply = reply;
    this.#response = reply.raw;
    this.#textOf = textOf;
    this.#onClosed = onClosed;
    this.#standMs = standMs;
    this.#openedMs = performance.now();
    this.#writtenMs = this.#openedMs;
    this.#response.on('drain', () => this.#drained());
    this.#response.on('close', () => this.#close());
  }

  follow(handle: WatchHandle): void {
    this.#handle = handle;
    if (this.#closed) handle.cancel();
  }

  // WatchSink

  change(change: Change): void {
    if (this.#closed) return;
    if (this.#fullMs === undefined) this.#tell(change);
    else this.#waiting.push(change);
  }

  progress(revision: number): void {
    if (this.#closed) return;
    this.#progress = revision;
    if (!this.#stands) this.#stand();
    this.#tellProgress(performance.now());
  }

  ended(error: HoldfastError): void {
    this.end(error);
  }

  /** Looks at what time has brought. */
  tick(nowMs: number): void {
    if (!this.#stands) {
      if (nowMs - this.#openedMs > this.#standMs) {
        this.end(new HoldfastError('HF_NO_QUORUM', { detail: 'the watch did not stand in time' }));
      }
    } else if (this.#fullMs !== undefined) {
      if (nowMs - this.#fullMs > READER_STALL_MS_MAX) this.end(new HoldfastError('HF_WATCH_OVERRUN'));
    } else {
      this.#tellProgress(nowMs);
      if (nowMs - this.#writtenMs >= HEARTBEAT_MS) this.#write(HEARTBEAT_TEXT);
    }
  }

  /** Ends the stream and says why. */
  end(error: HoldfastError): void {
    if (this.#closed) return;
    const isCompacted = error.code === 'HF_COMPACTED';
    if (!this.#stands && !isCompacted) {
      this.#close();
      replyProblem(this.#reply, error);
      return;
    }
    if (!this.#stands) this.#stand();
    if (isCompacted && error.revision !== undefined) this.#write(compactedText(error.revision));
    const isStalled = this.#fullMs !== undefined;
    const response = this.#response;
    response.end(endText(error, this.#reply.request.id));
    // Nobody takes the rest: the connection goes, and what is queued with it.
    if (isStalled) response.destroy();
    this.#close();
  }

  /** From here on there is no status to change. */
  #stand(): void {
    this.#stands = true;
    const reply = this.#reply;
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Proxies that buffer answers would hold events back.
      'x-accel-buffering': 'no',
    });
    this.#write(RETRY_TEXT);
  }

  #tell(change: Change): void {
    this.#write(`${this.#textOf(change.record)}${idText(change.resume)}`);
    this.#handle?.taken(change);
  }

  #tellProgress(nowMs: number): void {
    if (this.#progress === 0 || this.#fullMs !== undefined || nowMs - this.#progressToldMs < PROGRESS_MS)
      return;
    this.#progressToldMs = nowMs;
    this.#write(progressText(this.#progress));
    this.#progress = 0;
  }

  #write(text: string): void {
    this.#writtenMs = performance.now();
    if (!this.#response.write(text)) this.#fullMs ??= this.#writtenMs;
  }

  #drained(): void {
    this.#fullMs = undefined;
    let told = 0;
    while (told < this.#waiting.length && this.#fullMs === undefined) this.#tell(this.#waiting[told++]);
    this.#waiting.splice(0, told);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle?.cancel();
    this.#onClosed(this);
  }
}
