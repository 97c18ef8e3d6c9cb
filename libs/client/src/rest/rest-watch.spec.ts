import { Prng, utf8 } from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { STREAM_SILENCE_MS, WATCH_WINDOW_BYTES } from '../limits.ts';
import type { Change, WatchSink } from '../watch/watch-query.ts';
import type {
  HttpAnswer,
  HttpExchange,
  HttpFailure,
  HttpRequest,
  HttpStream,
  HttpStreamReader,
} from './http-exchange.ts';
import { RestWatch } from './rest-watch.ts';

/** One stream, played by hand. */
class FakeStream implements HttpStream {
  readonly request: HttpRequest;
  readonly #reader: HttpStreamReader;
  isPaused = false;
  isCancelled = false;

  constructor(request: HttpRequest, reader: HttpStreamReader) {
    this.request = request;
    this.#reader = reader;
  }

  get from(): string | undefined {
    return /[?&]from=(\d+)/.exec(this.request.target)?.[1];
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  tell(...texts: readonly string[]): void {
    for (const text of texts) this.tellBytes(utf8(text));
  }

  tellBytes(bytes: Uint8Array): void {
    if (!this.isCancelled) this.#reader.piece(bytes);
  }

  open(): this {
    expect(this.#reader.opened(head(200, { 'content-type': 'text/event-stream' }))).toBe(true);
    return this;
  }

  refuse(status: number, body: string, headers: Record<string, string> = {}): void {
    expect(this.#reader.opened(head(status, headers))).toBe(false);
    this.#reader.closed({ kind: 'answer', ...head(status, headers), body: utf8(body) });
  }

  close(outcome?: HttpAnswer | HttpFailure): void {
    this.#reader.closed(outcome);
  }
}

const head = (status: number, headers: Record<string, string>) => ({
  status,
  header: (name: string) => headers[name],
});
const put = (key: string, revision: number, resume = revision, value = '1'): string =>
  `event: put\ndata: {"key_base64url":"${Buffer.from(key).toString('base64url')}","revision":${revision},` +
  `"content_type":"application/json","value":${value}}\nid: ${resume}\n\n`;
const progress = (revision: number): string =>
  `event: progress\ndata: {"revision":${revision}}\nid: ${revision}\n\n`;
const end = (code: string): string =>
  `event: end\ndata: ${JSON.stringify({ code, outcome: 'not_applied' })}\n\n`;
const reset: HttpFailure = { kind: 'failure', sent: true, reason: new Error('ECONNRESET') };

let clock: VirtualClock;
let streams: FakeStream[];
let told: string[];
let changes: Change[];
let closed: number;
let error: HoldfastError | undefined;
let onChange: () => void;

const sink: WatchSink = {
  change: (change) => {
    changes.push(change);
    told.push(`${Buffer.from(change.record.key).toString()}@${change.record.revision}>${change.resume}`);
    onChange();
  },
  progress: (revision) => told.push(`progress ${revision}`),
  ended: (reason) => {
    error = reason;
    told.push(`ended ${reason.code}`);
  },
};

function watch(after = 0, start = '', stop = ''): RestWatch {
  const http: HttpExchange = {
    send: () => () => undefined,
    stream: (request, reader) => {
      const stream = new FakeStream(request, reader);
      streams.push(stream);
      return stream;
    },
    close: () => undefined,
  };
  const world = { http, clock, random: new Prng(1), authorization: '', closed: () => closed++ };
  return new RestWatch(world, { keyspace: 'users', start: utf8(start), end: utf8(stop), after }, sink);
}

/** The stream that is asked for next. */
async function next(limitMs = 1000): Promise<FakeStream> {
  const count = streams.length;
  await clock.runUntil(() => streams.length > count, limitMs);
  expect(streams.length, 'streams').toBe(count + 1);
  return streams[count].open();
}

beforeEach(() => {
  clock = new VirtualClock();
  streams = [];
  told = [];
  changes = [];
  closed = 0;
  error = undefined;
  onChange = () => undefined;
});

describe('RestWatch', () => {
  it('asks for an interval by its bytes, and for a single key by its own', () => {
    watch(0, 'a', 'b');
    watch(7, 'x'.repeat(4096), `${'x'.repeat(4096)}\0`);
    watch();
    const base = '/v1/keyspaces/users/watch?key_encoding=base64url';
    const key = Buffer.from('x'.repeat(4096)).toString('base64url');
    expect(streams.map(({ request }) => request.target)).toEqual([
      `${base}&start=YQ&end=Yg`,
      `${base}&key=${key}&from=7`,
      base,
    ]);
  });

  it('tells changes and progress in order', () => {
    watch();
    streams[0].open().tell('retry: 1000\n\n', progress(4), put('a', 5), ':\n\n');
    streams[0].tell(
      'event: delete\ndata: {"key_base64url":"YQ","revision":6}\nid: 6\n\n',
      'event: expire\ndata: {"key_base64url":"_w","revision":7}\nid: 7\n\n',
      'event: of-tomorrow\ndata: 1\nid: 8\n\n',
      progress(9),
    );
    expect(told).toEqual(['progress 4', 'a@5>5', 'a@6>6', '\ufffd@7>7', 'progress 9']);
    expect(changes[0].record).toMatchObject({ value: utf8('1'), contentType: utf8('application/json') });
    expect(changes[2].record.key).toEqual(Uint8Array.of(0xff));
  });

  it('goes on behind what it told, wherever the stream breaks, without loss or repetition', async () => {
    const history = ['a@2>2', 'b@3>2', 'c@3>2', 'd@3>3', 'e@4>4', 'f@6>4', 'g@6>6'].map((line) => {
      const [, key, revision, resume] = /^(.)@(\d)>(\d)$/.exec(line)!;
      return { line, revision: Number(revision), text: put(key, Number(revision), Number(resume)) };
    });
    for (let cut = 0; cut <= history.length; cut++) {
      streams = [];
      told = [];
      const handle = watch(1);
      streams[0].open().tell(progress(1), ...history.slice(0, cut).map(({ text }) => text));
      streams[0].tell('event: put\ndata: {"key_ba');
      streams[0].close(reset);
      const second = await next();
      const from = Number(second.from);
      second.tell(
        progress(from),
        ...history.filter(({ revision }) => revision > from).map(({ text }) => text),
      );
      expect(
        told.filter((line) => !line.startsWith('progress')),
        `cut at ${cut}`,
      ).toEqual(history.map(({ line }) => line));
      handle.cancel();
    }
  });

  it('leaves out what is told again', () => {
    watch(4);
    streams[0].open().tell(progress(4), put('old', 4), put('a', 5), put('a', 5), progress(5), progress(5));
    expect(told).toEqual(['progress 4', 'a@5>5']);
  });

  it('begins where it stood when a watch from now on breaks off', async () => {
    watch();
    streams[0].close(reset);
    const second = await next();
    expect(second.from).toBeUndefined();
    second.tell(progress(9));
    second.close();
    expect((await next()).from).toBe('9');
    expect(told).toEqual(['progress 9']);
  });

  it.each([
    'HF_UNAVAILABLE',
    'HF_NO_QUORUM',
    'HF_WATCH_OVERRUN',
    'HF_OVERLOADED',
    'HF_CONNECTION_LOST',
    'HF_QUOTA_EXCEEDED',
  ])('goes on after %s', async (code) => {
    watch(3);
    streams[0].open().tell(progress(3), end(code));
    streams[0].close();
    expect((await next()).from).toBe('3');
    expect(error).toBeUndefined();
  });

  it('waits as long as the gateway asks, and longer from failure to failure', async () => {
    watch(3);
    const body = '{"code":"HF_OVERLOADED","outcome":"not_applied"}';
    streams[0].refuse(429, body, { 'retry-after': '2' });
    await clock.run(2000);
    expect(streams).toHaveLength(1);
    await next(20);
    for (let i = 0; i < 12; i++) {
      streams.at(-1)!.close(reset);
      await next();
    }
    const startedMs = clock.monotonicMs();
    streams.at(-1)!.close(reset);
    (await next()).tell(progress(4));
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(250);
    streams.at(-1)!.close(reset);
    await next(11);
  });

  it('ends with what cannot be asked again', () => {
    watch();
    streams[0].refuse(404, '{"code":"HF_KEYSPACE_NOT_FOUND","outcome":"not_applied","detail":"none"}');
    expect(error).toMatchObject({ code: 'HF_KEYSPACE_NOT_FOUND', detail: 'none' });
    expect(closed).toBe(1);
    watch();
    streams[1].refuse(401, '');
    expect(error?.code).toBe('HF_UNAUTHENTICATED');
    watch();
    streams[2].refuse(200, '<html>', { 'content-type': 'text/html' });
    expect(error?.code).toBe('HF_PROTOCOL');
  });

  it('says from where it could begin when what it asks for is no longer kept', () => {
    watch(2);
    streams[0].open().tell('event: compacted\ndata: {"oldest":40}\nid: 40\n\n', end('HF_COMPACTED'));
    streams[0].close();
    expect(error).toMatchObject({ code: 'HF_COMPACTED', revision: 40 });
  });

  it.each([
    ['data that is no row', 'event: put\ndata: hello\nid: 5\n\n'],
    ['a cut row', 'event: put\ndata: {"key_base64url":"YQ","revision":5,"text":"x"\nid: 5\n\n'],
    [
      'a string that is none',
      'event: put\ndata: {"key_base64url":"YQ","revision":5,"text":"\\x"}\nid: 5\n\n',
    ],
    ['no id', 'event: delete\ndata: {"key_base64url":"YQ","revision":5}\n\n'],
    ['an id ahead of its change', put('a', 5, 6)],
    ['progress without a number', 'event: progress\ndata: {}\nid: x\n\n'],
  ])('ends when it is told %s', (_what, text) => {
    watch();
    streams[0].open().tell(progress(4), text);
    expect(error?.code).toBe('HF_PROTOCOL');
    expect(told.filter((line) => line.includes('@'))).toEqual([]);
  });

  it('ends when it is told bytes that are no text', () => {
    watch();
    streams[0].open().tellBytes(Uint8Array.of(0x64, 0xff, 0x0a));
    expect(error?.code).toBe('HF_PROTOCOL');
  });

  it('ends when one revision has no end', () => {
    watch();
    const value = `"${'x'.repeat(1024 * 1024 - 2)}"`;
    streams[0].open().tell(progress(4));
    for (let i = 0; i < 20 && error === undefined; i++) streams[0].tell(put('a', 5, 4, value));
    expect(error?.code).toBe('HF_PROTOCOL');
    expect(changes).toEqual([]);
  });

  it('notices a gateway that is silent, and only then', async () => {
    watch(3);
    streams[0].open().tell(progress(3));
    for (let i = 0; i < 10; i++) {
      await clock.run(STREAM_SILENCE_MS - 1);
      streams[0].tell(':\n\n');
    }
    expect(streams).toHaveLength(1);
    const startedMs = clock.monotonicMs();
    const second = await next(STREAM_SILENCE_MS + 20);
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(STREAM_SILENCE_MS);
    expect(streams[0].isCancelled).toBe(true);
    expect(second.from).toBe('3');
  });

  it('holds back what is not taken, for as long as it takes, and loses nothing when it is cut off meanwhile', async () => {
    const handle = watch(3);
    const value = `"${'x'.repeat(300_000)}"`;
    streams[0].open().tell(progress(3));
    for (let revision = 4; !streams[0].isPaused; revision++)
      streams[0].tell(put('a', revision, revision, value));
    expect(changes).toHaveLength(Math.ceil(WATCH_WINDOW_BYTES / 300_000));
    await clock.run(10 * STREAM_SILENCE_MS);
    expect(streams).toHaveLength(1);
    for (const change of changes.slice(0, 3)) handle.taken(change);
    expect(streams[0].isPaused).toBe(false);
    streams[0].tell(...[8, 9, 10].map((revision) => put('a', revision, revision, value)));
    expect(streams[0].isPaused).toBe(true);
    streams[0].close(reset);
    await clock.run(60_000);
    expect(streams).toHaveLength(1);
    for (const change of changes.slice(3, 6)) handle.taken(change);
    expect(streams).toHaveLength(2);
    expect(streams[1].from).toBe('10');
    handle.cancel();
  });

  it('is silent once it was cancelled, even between two changes', async () => {
    const handle = watch(3);
    onChange = () => handle.cancel();
    streams[0].open().tell(progress(3), put('a', 4, 3) + put('b', 4) + put('c', 5));
    expect(told).toEqual(['progress 3', 'a@4>3']);
    expect(streams[0].isCancelled).toBe(true);
    expect(closed).toBe(1);
    await clock.run(100_000);
    expect(streams).toHaveLength(1);
    const waiting = watch(3);
    streams[1].close(reset);
    waiting.cancel();
    await clock.run(100_000);
    expect(streams).toHaveLength(2);
  });
});
