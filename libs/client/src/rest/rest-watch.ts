import { type Cancel, type Clock, equalBytes, type Random, type Revision } from '@holdfast/io';
import { ChangeKind, FRAME_BYTES_MAX, HoldfastError } from '@holdfast/wire';
import { RETRY_MS, STREAM_SILENCE_MS, STREAM_STAND_MS, WATCH_WINDOW_BYTES } from '../limits.ts';
import { equalJitterMs } from '../retry/backoff.ts';
import { RESUMABLE } from '../watch/resumable.ts';
import {
  type Change,
  recordBytes,
  type WatchHandle,
  type WatchQuery,
  type WatchSink,
} from '../watch/watch-query.ts';
import { base64Url } from './base64-url.ts';
import { EventParser, type ServerEvent } from './event-parser.ts';
import type {
  HttpAnswer,
  HttpExchange,
  HttpFailure,
  HttpHead,
  HttpRequest,
  HttpStream,
  HttpStreamReader,
} from './http-exchange.ts';
import { errorOfAnswer, errorOfProblem, jsonIn } from './rest-problem.ts';
import { keyspacePath } from './rest-request.ts';
import { readShownRow } from './rest-value.ts';

/** What a watch needs of its transport. */
export interface RestWatchWorld {
  readonly http: HttpExchange;
  readonly clock: Clock;
  readonly random: Random;
  readonly authorization: string;
  closed(watch: RestWatch): void;
}

const KINDS: ReadonlyMap<string, ChangeKind> = new Map([
  ['put', ChangeKind.put],
  ['delete', ChangeKind.delete],
  ['expire', ChangeKind.expire],
]);

/**
 * A watch over a gateway's stream of events: opens it, and goes on behind what was told when it ends. The changes of one
 * revision are told together, once the last of them is there: a stream that breaks between them tells all of them again.
 */
export class RestWatch implements WatchHandle, HttpStreamReader {
  readonly #world: RestWatchWorld;
  readonly #query: WatchQuery;
  readonly #sink: WatchSink;
  /** Everything up to here has been told; 0 = the watch has never stood. */
  #told: number;
  #hasStood = false;
  /** Of a revision that is not complete. */
  #waiting: Change[] = [];
  #waitingBytes = 0;
  /** Told and not taken, in bytes. */
  #owed = 0;
  #paused = false;
  #stream: HttpStream | undefined;
  #parser = new EventParser();
  #heardMs = 0;
  /** Why the stream ends, in its own words. */
  #reason: HoldfastError | undefined;
  #oldest: number | undefined;
  #failures = 0;
  #cancelRetry: Cancel | undefined;
  #cancelSilence: Cancel | undefined;
  #over = false;

  /** The sink is not told anything before this returns. */
  constructor(world: RestWatchWorld, query: WatchQuery, sink: WatchSink) {
    this.#world = world;
    this.#query = query;
    this.#sink = sink;
    this.#told = query.after;
    this.#open();
  }

  // WatchHandle

  taken({ record }: Change): void {
    if (this.#over) return;
    this.#owed -= recordBytes(record);
    if (!this.#paused || this.#owed > WATCH_WINDOW_BYTES / 2) return;
    this.#paused = false;
    this.#heardMs = this.#world.clock.monotonicMs();
    if (this.#stream !== undefined) this.#stream.resume();
    else if (this.#cancelRetry === undefined) this.#open();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelRetry?.();
    this.#drop();
    this.#world.closed(this);
  }

  /** The watch cannot go on, or the client closes. */
  end(error: HoldfastError): void {
    if (this.#over) return;
    this.cancel();
    this.#sink.ended(error);
  }

  // HttpStreamReader

  opened(head: HttpHead): boolean {
    this.#heardMs = this.#world.clock.monotonicMs();
    return head.status === 200 && (head.header('content-type') ?? '').startsWith('text/event-stream');
  }

  piece(bytes: Uint8Array): void {
    this.#heardMs = this.#world.clock.monotonicMs();
    let events: readonly ServerEvent[];
    try {
      events = this.#parser.push(bytes);
    } catch (error) {
      this.end(error instanceof HoldfastError ? error : misunderstood(error));
      return;
    }
    for (const event of events) {
      if (this.#over) return;
      this.#hear(event);
    }
    if (this.#over || this.#paused || this.#owed < WATCH_WINDOW_BYTES) return;
    this.#paused = true;
    this.#stream?.pause();
  }

  closed(outcome: HttpAnswer | HttpFailure | undefined): void {
    const error =
      outcome?.kind === 'answer'
        ? errorOfAnswer(outcome, false)
        : (this.#reason ?? lost(outcome?.reason.message ?? 'the stream ended'));
    this.#stream = undefined;
    this.#again(error);
  }

  #open(): void {
    const { http, clock } = this.#world;
    this.#cancelRetry = undefined;
    this.#parser = new EventParser();
    this.#heardMs = clock.monotonicMs();
    this.#stream = http.stream(this.#request(), this);
    this.#listen(STREAM_SILENCE_MS);
  }

  #request(): HttpRequest {
    const { authorization } = this.#world;
    const headers: Record<string, string> = {
      accept: 'text/event-stream',
      'holdfast-deadline-ms': String(STREAM_STAND_MS),
    };
    if (authorization !== '') headers['authorization'] = authorization;
    return { method: 'GET', target: watchTarget(this.#query, this.#told), headers, body: undefined };
  }

  /** A gateway that lives says so every few seconds, whatever happens behind it. */
  #listen(delayMs: number): void {
    const { clock } = this.#world;
    this.#cancelSilence = clock.schedule(delayMs, () => {
      const quietMs = this.#paused ? 0 : clock.monotonicMs() - this.#heardMs;
      if (quietMs < STREAM_SILENCE_MS) this.#listen(STREAM_SILENCE_MS - quietMs);
      else this.#again(lost(`the gateway was silent for ${STREAM_SILENCE_MS} ms`));
    });
  }

  #hear({ type, data, id }: ServerEvent): void {
    const kind = KINDS.get(type);
    if (kind !== undefined) this.#change(kind, data, revisionIn(id));
    else if (type === 'progress') this.#progress(revisionIn(id));
    else if (type === 'compacted') this.#oldest = Number(jsonIn(data)?.['oldest']);
    else if (type === 'end') this.#reason = this.#reasonOf(data);
  }

  #change(kind: ChangeKind, data: string, resume: number): void {
    const change = changeOf(kind, data, resume);
    if (change === undefined) {
      this.end(misunderstood());
      return;
    }
    const { record } = change;
    this.#failures = 0;
    // Told before: the revision that a stream begins behind does not come again, unless something on the way repeats it.
    if (record.revision <= this.#told) return;
    this.#waiting.push(change);
    this.#waitingBytes += recordBytes(record);
    if (resume === record.revision) this.#release(resume);
    else if (this.#waitingBytes > FRAME_BYTES_MAX) this.end(misunderstood());
  }

  #progress(revision: number): void {
    if (Number.isNaN(revision)) {
      this.end(misunderstood());
      return;
    }
    this.#failures = 0;
    if (this.#hasStood && revision <= this.#told) return;
    this.#release(revision);
    if (this.#over) return;
    this.#hasStood = true;
    this.#sink.progress(this.#told);
  }

  /** Tells what waits: everything up to `revision` is there. */
  #release(revision: number): void {
    const changes = this.#waiting;
    this.#forgetWaiting();
    this.#told = Math.max(this.#told, revision);
    for (const change of changes) {
      this.#owed += recordBytes(change.record);
      this.#sink.change(change);
      if (this.#over) return;
    }
  }

  #reasonOf(data: string): HoldfastError {
    const error = errorOfProblem(jsonIn(data), 0) ?? misunderstood();
    if (error.code !== 'HF_COMPACTED' || this.#oldest === undefined) return error;
    return new HoldfastError('HF_COMPACTED', {
      revision: this.#oldest as Revision,
      ...(error.detail !== undefined && { detail: error.detail }),
    });
  }

  #again(error: HoldfastError): void {
    if (this.#over) return;
    this.#drop();
    if (!RESUMABLE.has(error.code) && error.code !== 'HF_QUOTA_EXCEEDED') {
      this.end(error);
      return;
    }
    const { clock, random } = this.#world;
    const delayMs = equalJitterMs(RETRY_MS, this.#failures++, random) + (error.retryAfterMs ?? 0);
    this.#cancelRetry = clock.schedule(delayMs, () => {
      this.#cancelRetry = undefined;
      // What was told is to be taken first: a stream that nobody reads would be cut off again.
      if (!this.#paused) this.#open();
    });
  }

  /** What is left of the stream. A revision that is not complete comes again. */
  #drop(): void {
    this.#cancelSilence?.();
    this.#stream?.cancel();
    this.#stream = undefined;
    this.#reason = undefined;
    this.#oldest = undefined;
    this.#forgetWaiting();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

/** Where the changes of an interval behind a revision are streamed; 0 = from now on. */
function watchTarget({ keyspace, start, end }: WatchQuery, after: number): string {
  const query = ['key_encoding=base64url'];
  // The end of the longest key alone would be longer than keys can be.
  if (end.length === start.length + 1 && end.at(-1) === 0 && equalBytes(end.subarray(0, -1), start)) {
    query.push(`key=${base64Url(start)}`);
  } else {
    if (start.length > 0) query.push(`start=${base64Url(start)}`);
    if (end.length > 0) query.push(`end=${base64Url(end)}`);
  }
  if (after > 0) query.push(`from=${after}`);
  return `${keyspacePath(String(keyspace))}/watch?${query.join('&')}`;
}

/** @returns undefined for what no gateway says. */
function changeOf(kind: ChangeKind, data: string, resume: number): Change | undefined {
  try {
    const row = readShownRow(data, 0);
    if (row === undefined || data.slice(row.end) !== '}' || !(resume <= row.revision)) return undefined;
    const { key, revision, contentType, value } = row;
    return { record: { kind, revision, key, contentType, value }, resume };
  } catch {
    return undefined;
  }
}

function revisionIn(id: string | undefined): number {
  return id !== undefined && /^\d{1,16}$/.test(id) ? Number(id) : Number.NaN;
}

function lost(reason: string): HoldfastError {
  return new HoldfastError('HF_CONNECTION_LOST', {
    outcome: 'not_applied',
    detail: `the stream of the gateway broke off: ${reason}`,
  });
}

function misunderstood(cause?: unknown): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', {
    outcome: 'not_applied',
    detail: 'the stream is not that of a gateway',
    cause,
  });
}
