import type { ChangeRecord } from '@holdfast/client';
import { HoldfastError } from '@holdfast/wire';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../access/access-gate.ts';
import { deadlineMs, single } from '../request-options.ts';
import type { WatchClient } from '../store-client.ts';
import { EventStream } from './event-stream.ts';
import { changeText } from './event-text.ts';
import { readWatchRequest } from './watch-request.ts';

/** Watches of one gateway; the next one is refused with `HF_OVERLOADED`. */
export const WATCHES_MAX = 10_000;
/** How often streams look at the time, in milliseconds. */
const TICK_MS = 1000;

/** `/v1/keyspaces/{keyspace}/watch`: changes as server-sent events. */
export function addWatchRoute(fastify: FastifyInstance, client: WatchClient, watchesMax = WATCHES_MAX): void {
  const streams = new EventStreams(client, watchesMax);
  fastify.route({
    method: 'GET',
    url: '/v1/keyspaces/:keyspace/watch',
    exposeHeadRoute: false,
    handler: streams.open,
  });
  // Open answers would hold back the end of the server.
  fastify.addHook('preClose', (done) => {
    streams.drain();
    done();
  });
}

class EventStreams {
  readonly #client: WatchClient;
  readonly #watchesMax: number;
  readonly #open = new Set<EventStream>();
  /** Texts of changes, for as long as a watch is being told of them: with keys as text, and as base64url. */
  readonly #texts = [new WeakMap<ChangeRecord, string>(), new WeakMap<ChangeRecord, string>()] as const;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;

  constructor(client: WatchClient, watchesMax: number) {
    this.#client = client;
    this.#watchesMax = watchesMax;
  }

  readonly open = (request: FastifyRequest, reply: FastifyReply): void => {
    const { headers, raw } = request;
    const wanted = readWatchRequest(raw.url ?? '', single(headers['last-event-id'], 'Last-Event-ID'));
    const { keyspace, start, end, after, keysAsBase64 } = wanted;
    callerOf(request).permitWatch(keyspace, start, end);
    const standMs = deadlineMs(single(headers['holdfast-deadline-ms'], 'Holdfast-Deadline-Ms'));
    if (this.#draining) throw new HoldfastError('HF_UNAVAILABLE', { detail: 'draining' });
    if (this.#open.size >= this.#watchesMax) {
      throw new HoldfastError('HF_OVERLOADED', { retryAfterMs: TICK_MS, detail: 'too many watches' });
    }
    const textOf = (record: ChangeRecord): string => this.#textOf(record, keysAsBase64);
    const stream = new EventStream(reply, standMs, textOf, (closed) => this.#closed(closed));
    this.#open.add(stream);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    stream.follow(this.#client.watch({ keyspace, start, end, after }, stream));
  };

  /** Ends every stream: readers come back, to another gateway. */
  drain(): void {
    this.#draining = true;
    for (const stream of this.#open) stream.end(new HoldfastError('HF_UNAVAILABLE', { detail: 'draining' }));
  }

  /** The same change is one object for all watches that hear of it together: it is written out once. */
  #textOf(record: ChangeRecord, keysAsBase64: boolean): string {
    const texts = this.#texts[keysAsBase64 ? 1 : 0];
    const known = texts.get(record);
    if (known !== undefined) return known;
    const text = changeText(record, keysAsBase64);
    texts.set(record, text);
    return text;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const stream of this.#open) stream.tick(nowMs);
  }

  #closed(stream: EventStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
