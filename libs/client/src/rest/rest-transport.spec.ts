import { Prng, utf8 } from '@holdfast/io';
import { Consistency, type HoldfastError, OpKind } from '@holdfast/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { get, put } from '../../testing/ops.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Client } from '../api/client.ts';
import { STREAMS_MAX } from '../limits.ts';
import type { Operation } from '../operation.ts';
import type { HttpAnswer, HttpExchange, HttpFailure, HttpRequest, HttpStream } from './http-exchange.ts';
import { RestTransport } from './rest-transport.ts';

type Outcome = HttpAnswer | HttpFailure;

const answer = (status: number, headers: Record<string, string>, body: string): HttpAnswer => ({
  kind: 'answer',
  status,
  header: (name) => headers[name],
  body: utf8(body),
});
const written = (revision: number): HttpAnswer =>
  answer(200, { 'holdfast-revision': String(revision) }, '{}');
const problem = (code: string, outcome: string, more: object = {}, headers = {}): HttpAnswer =>
  answer(503, headers, JSON.stringify({ code, outcome, ...more }));
const failure = (sent: boolean): HttpFailure => ({ kind: 'failure', sent, reason: new Error('ECONNRESET') });

/** Answers with what the test has laid out; undefined = never. */
class FakeHttp implements HttpExchange {
  readonly seen: HttpRequest[] = [];
  readonly #clock: VirtualClock;
  answers: (Outcome | undefined)[] = [];
  cancelled = 0;
  closed = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  send(request: HttpRequest, done: (outcome: Outcome) => void): () => void {
    this.seen.push(request);
    const next = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (next !== undefined) this.#clock.schedule(1, () => done(next));
    return () => this.cancelled++;
  }

  stream(request: HttpRequest): HttpStream {
    this.seen.push(request);
    return { pause: () => undefined, resume: () => undefined, cancel: () => this.cancelled++ };
  }

  close(): void {
    this.closed = true;
  }
}

let clock: VirtualClock;
let http: FakeHttp;
let client: Client;

beforeEach(() => {
  clock = new VirtualClock();
  http = new FakeHttp(clock);
  const random = new Prng(1);
  const transport = new RestTransport({
    http,
    clock,
    random,
    observer: {},
    token: 'secret',
    deadlineMs: 5000,
  });
  client = new Client({ transport, clock, random });
});

const failing = (promise: Promise<unknown>): Promise<HoldfastError> =>
  clock.failure(promise) as Promise<HoldfastError>;

it('keeps a deadline that is longer than any timer', async () => {
  http.answers = [undefined];
  const users = client.keyspace('users');
  let over = false;
  users.get('a', { deadlineMs: Number.POSITIVE_INFINITY }).catch(() => (over = true));
  await clock.run(59 * 60_000);
  expect(over).toBe(false);
  await clock.run(2 * 60_000);
  expect(over).toBe(true);
});

describe('answers of a gateway', () => {
  it('become results', async () => {
    http.answers = [
      answer(
        200,
        {
          'holdfast-revision': '12',
          'content-type': 'application/json',
          'holdfast-consistency': 'asked=eventual, served=eventual, staleness-ms=40',
        },
        '{"name":"Ada"}',
      ),
    ];
    const users = client.keyspace<{ name: string }>('users');
    const item = await clock.settle(users.get('42', { consistency: 'eventual' }));
    expect(item).toEqual({
      value: { name: 'Ada' },
      revision: 12,
      contentType: 'application/json',
      servedLevel: 'eventual',
      stalenessMs: 40,
    });
    http.answers = [written(13)];
    expect(await clock.settle(users.set('42', { name: 'Bob' }))).toEqual({
      revision: 13,
      replayed: false,
    });
    expect(http.seen.at(-1)!.headers).toMatchObject({ authorization: 'Bearer secret' });
  });

  it('say that a key is absent, and never claim more than was said', async () => {
    http.answers = [
      answer(
        404,
        { 'holdfast-consistency': 'asked=strong, served=strong, staleness-ms=0' },
        '{"code":"HF_KEY_NOT_FOUND"}',
      ),
    ];
    expect(await clock.settle(client.keyspace('users').get('a'))).toBeUndefined();
    http.answers = [answer(200, { 'holdfast-revision': '1' }, 'x')];
    const result = await clock.settle(client.execute(get('a')));
    expect(result).toMatchObject({ servedLevel: Consistency.eventual, stalenessMs: 0xffff_ffff });
  });

  it('map a refused condition to a result, and problems to errors with their outcome', async () => {
    const users = client.keyspace('users');
    http.answers = [
      answer(
        412,
        {},
        JSON.stringify({ code: 'HF_PRECONDITION_FAILED', outcome: 'not_applied', revision: 9 }),
      ),
    ];
    expect(await clock.settle(users.compareAndSet('a', 1, { ifRevision: 8 }))).toEqual({
      swapped: false,
      revision: 9,
    });
    http.answers = [problem('HF_TIMEOUT', 'unknown', { detail: 'slow' })];
    const error = await failing(users.set('a', 1));
    expect(error).toMatchObject({ code: 'HF_TIMEOUT', outcome: 'unknown', detail: 'slow' });
    http.answers = [problem('HF_OF_TOMORROW', 'not_applied')];
    expect((await failing(users.set('a', 1))).outcome).toBe('unknown');
    http.answers = [answer(502, {}, '<html>')];
    expect(await failing(client.execute({ ...put('a'), deadlineMs: 50 }))).toMatchObject({
      outcome: 'unknown',
    });
    http.answers = [answer(200, {}, 'welcome to this hotel')];
    expect(await failing(client.execute(put('a')))).toMatchObject({
      code: 'HF_PROTOCOL',
      outcome: 'unknown',
    });
    expect(await failing(client.execute(get('a')))).toMatchObject({
      code: 'HF_PROTOCOL',
      outcome: 'not_applied',
    });
  });
});

describe('retries', () => {
  it('send again what certainly did nothing, after the time that the gateway asks for', async () => {
    http.answers = [
      failure(false),
      problem('HF_OVERLOADED', 'not_applied', {}, { 'retry-after': '1' }),
      written(5),
    ];
    const startedMs = clock.monotonicMs();
    expect((await clock.settle(client.execute(put('a')))).revision).toBe(5);
    expect(http.seen).toHaveLength(3);
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(1000);
    expect(Number(http.seen[2].headers['holdfast-deadline-ms'])).toBeLessThanOrEqual(4000);
  });

  it('never send a write again that may have been applied; a read they do', async () => {
    http.answers = [failure(true), written(5)];
    expect(await failing(client.execute(put('a')))).toMatchObject({
      code: 'HF_CONNECTION_LOST',
      outcome: 'unknown',
    });
    expect(http.seen).toHaveLength(1);
    http.answers = [failure(true), answer(200, { 'holdfast-revision': '1' }, 'x')];
    expect((await clock.settle(client.execute(get('a')))).found).toBe(true);
  });

  it('end with the budget', async () => {
    http.answers = [problem('HF_UNAVAILABLE', 'not_applied')];
    const calls = Array.from({ length: 400 }, () => client.execute({ ...put('a'), deadlineMs: 60_000 }));
    await clock.settle(Promise.allSettled(calls), 100_000);
    expect(http.seen.length).toBeLessThanOrEqual(400 + 256);
  });
});

describe('every call', () => {
  it('ends at its deadline, with an honest outcome', async () => {
    http.answers = [undefined];
    const startedMs = clock.monotonicMs();
    expect(await failing(client.execute({ ...put('a'), deadlineMs: 70 }))).toMatchObject({
      code: 'HF_TIMEOUT',
      outcome: 'unknown',
    });
    expect(clock.monotonicMs() - startedMs).toBe(70);
    expect(http.cancelled).toBe(1);
    http.answers = [failure(false)];
    const never = await failing(client.execute({ ...put('a'), deadlineMs: 5 }));
    expect(never).toMatchObject({ outcome: 'not_applied' });
    expect(client.pendingOps).toBe(0);
  });

  it('can be given up, and ends with the client', async () => {
    http.answers = [undefined];
    const controller = new AbortController();
    const aborted = failing(client.execute(put('a'), controller.signal));
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'HF_CANCELLED', outcome: 'unknown' });
    const cut = failing(client.execute(get('a')));
    await client.close();
    expect(await cut).toMatchObject({ code: 'HF_CANCELLED', outcome: 'not_applied' });
    expect(http.closed).toBe(true);
    expect(await failing(client.execute(get('a')))).toMatchObject({ code: 'HF_CANCELLED' });
  });

  it('that has an idempotency key is sent again under it when its answer is lost', async () => {
    http.answers = [failure(true), problem('HF_TIMEOUT', 'unknown'), written(9)];
    const users = client.keyspace<number>('users');
    const { revision } = await clock.settle(users.set('a', 1, { idempotencyKey: 'once' }));
    expect(revision).toBe(9);
    expect(http.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['once', 'once', 'once']);
    http.answers = [failure(true), written(9)];
    expect(await failing(users.set('a', 1))).toMatchObject({ outcome: 'unknown' });
  });

  it('that asks for what REST does not offer is refused', async () => {
    const users = client.keyspace('users');
    const odd = { idempotencyKey: 'not ascii: é' };
    expect(await failing(users.set('a', 1, odd))).toMatchObject({ code: 'HF_UNSUPPORTED' });
    expect(http.seen).toHaveLength(0);
  });
});

describe('a lookup', () => {
  const told = (more: object): HttpAnswer =>
    answer(
      200,
      { 'holdfast-consistency': 'asked=strong, served=strong, staleness-ms=0, role=leader' },
      JSON.stringify({
        operation: 'increment',
        revision: 7,
        expires_at: '2027-01-15T08:00:00.000Z',
        ...more,
      }),
    );

  it('says what became of a write, or that there is no record of it', async () => {
    http.answers = [told({ outcome: 'applied', status: 200, value: 5 })];
    const record = await clock.settle(client.operation('order/7 é'));
    expect(http.seen[0]).toMatchObject({ method: 'GET', target: '/v1/operations/order%2F7%20%C3%A9' });
    expect(record).toMatchObject({
      kind: OpKind.increment,
      refusal: undefined,
      revision: 7,
      counter: 5,
      expiresAtMs: Date.UTC(2027, 0, 15, 8),
    });
    http.answers = [told({ operation: 'put', outcome: 'not_applied', code: 'HF_PRECONDITION_FAILED' })];
    expect(await clock.settle(client.operation('k'))).toMatchObject({ refusal: 'HF_PRECONDITION_FAILED' });
    http.answers = [answer(404, {}, '{"code":"HF_NOT_FOUND","outcome":"not_applied"}')];
    expect(await clock.settle(client.operation('k'))).toBeUndefined();
  });

  it.each([{ operation: 'dance' }, { revision: 'x' }, { expires_at: 'soon' }, { code: 'HF_OF_TOMORROW' }])(
    'is not answered by %j',
    async (odd) => {
      http.answers = [told(odd)];
      expect(await failing(client.operation('k'))).toMatchObject({ code: 'HF_PROTOCOL' });
    },
  );
});

describe('a transaction', () => {
  const commit = (): Promise<unknown> =>
    client
      .keyspace<{ n: number }>('users')
      .atomic()
      .check('a', { exists: true })
      .get('a')
      .increment('c')
      .get('b')
      .commit();
  const told = (body: string): HttpAnswer => answer(200, { 'holdfast-revision': '9' }, body);

  it('gives what it read, byte for byte', async () => {
    http.answers = [
      told(
        '{"succeeded":true,"revision":9,"results":[{"found":true,"revision":4,' +
          '"expires_at":"2027-01-15T08:00:00.000Z","content_type":"application/json","value":{ "n": 1.0 ,"s":"]}\\""}},' +
          '{"revision":9,"value":3},{"found":false}]}',
      ),
    ];
    const request: Operation = {
      ...get('a'),
      kind: OpKind.transaction,
      transaction: { checks: [], success: [{ kind: OpKind.get, key: utf8('a') }], failure: [] },
    };
    expect(await clock.settle(commit())).toMatchObject({
      committed: true,
      revision: 9,
      results: [
        { value: { n: 1, s: ']}"' }, revision: 4, expiresAtMs: Date.UTC(2027, 0, 15, 8) },
        { value: 3 },
        undefined,
      ],
    });
    http.answers = [
      told('{"succeeded":true,"revision":9,"results":[{"found":true,"revision":4,"value":{ "n": 1.0 }}]}'),
    ];
    const [read] = (await clock.settle(client.execute(request))).transaction().results;
    expect(read.value).toEqual(utf8('{ "n": 1.0 }'));
    http.answers = [
      told('{"succeeded":true,"revision":9,"results":[{"found":true,"revision":4,"base64":"+/8="}]}'),
    ];
    const [raw] = (await clock.settle(client.execute(request))).transaction().results;
    expect(raw.value).toEqual(Uint8Array.of(0xfb, 0xff));
  });

  it.each([
    'welcome to this hotel',
    '{"succeeded":true,"revision":9,"results":[]}',
    '{"succeeded":true,"revision":9,"results":[{"found":true},{"revision":9,"value":3},{"found":false}]}',
    '{"succeeded":true,"revision":9,"results":[{"found":false},{"revision":9},{"found":false}]}',
    '{"succeeded":true,"revision":9,"results":[{"found":true,"revision":4,"text":"a\\x"},{"revision":9,"value":3},{"found":false}]}',
    '{"succeeded":true,"revision":9,"results":[{"found":false},{"revision":9,"value":3},{"found":false}]',
  ])('is not answered by %s', async (body) => {
    http.answers = [told(body)];
    expect(await failing(commit())).toMatchObject({ code: 'HF_PROTOCOL', outcome: 'unknown' });
  });
});

it('says when a value goes', async () => {
  const headers = { 'holdfast-revision': '1', 'holdfast-expires-at': '2027-01-15T08:00:00.000Z' };
  http.answers = [answer(200, headers, '1')];
  const item = await clock.settle(client.keyspace('users').get('a'));
  expect(item?.expiresAtMs).toBe(Date.UTC(2027, 0, 15, 8));
});

describe('a watch', () => {
  it('ends with the client, and is refused beyond the limit', async () => {
    const ends: string[] = [];
    const sink = {
      change: () => undefined,
      progress: () => undefined,
      ended: ({ code }: HoldfastError) => ends.push(code),
    };
    const query = { keyspace: 'users', start: utf8('a'), end: utf8('b'), after: 4 };
    const watches = Array.from({ length: STREAMS_MAX }, () => client.watch(query, sink));
    expect(http.seen[0]).toMatchObject({
      target: '/v1/keyspaces/users/watch?key_encoding=base64url&start=YQ&end=Yg&from=4',
      headers: { authorization: 'Bearer secret', accept: 'text/event-stream' },
    });
    client.watch(query, sink);
    client.watch(query, sink).cancel();
    await clock.run(1);
    expect(ends).toEqual(['HF_OVERLOADED']);
    watches[0].cancel();
    client.watch({ ...query, keyspace: 1 as never }, sink);
    client.watch(query, sink);
    await clock.run(1);
    expect(ends).toEqual(['HF_OVERLOADED', 'HF_UNSUPPORTED']);
    await client.close();
    expect(ends).toHaveLength(2 + STREAMS_MAX);
    expect(ends.at(-1)).toBe('HF_CANCELLED');
    expect(http.cancelled).toBe(STREAMS_MAX + 1);
  });
});

describe('ready', () => {
  it('waits until the gateway says so', async () => {
    http.answers = [failure(false), problem('HF_UNAVAILABLE', 'not_applied'), answer(200, {}, '{}')];
    await clock.settle(client.ready());
    expect(http.seen.map(({ target }) => target)).toEqual(['/readyz', '/readyz', '/readyz']);
  });

  it('fails at once for a token that is refused, and in time when nobody answers', async () => {
    http.answers = [answer(401, {}, '')];
    expect(await failing(client.ready())).toMatchObject({ code: 'HF_UNAUTHENTICATED' });
    http.answers = [failure(false)];
    expect(await failing(client.ready(300))).toMatchObject({
      code: 'HF_UNAVAILABLE',
      detail: expect.stringContaining('ECONNRESET'),
    });
  });
});
