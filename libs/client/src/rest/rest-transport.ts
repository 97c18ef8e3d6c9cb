import { type Cancel, type Clock, type Random, utf8 } from '@holdfast/io';
import { DEADLINE_MS_MAX, HoldfastError, isWrite, OpKind } from '@holdfast/wire';
import { closedError, FATAL } from '../engine/judgement.ts';
import { Readiness, type ReadyCallback } from '../engine/readiness.ts';
import { overload, refusalOf } from '../engine/refusal.ts';
import { ATTEMPTS_MAX, MAP_RETRY_MS, RETRY_BUDGET, RETRY_MS, STREAMS_MAX } from '../limits.ts';
import type { ClientObserver } from '../observer.ts';
import type { Operation, OpSink } from '../operation.ts';
import { equalJitterMs, fullJitterMs } from '../retry/backoff.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { chooseRetry } from '../retry/retry-policy.ts';
import type { Ticket, Transport } from '../transport.ts';
import type { WatchHandle, WatchQuery, WatchSink } from '../watch/watch-query.ts';
import type { HttpAnswer, HttpExchange, HttpFailure, HttpRequest } from './http-exchange.ts';
import { readRestAnswer } from './rest-answer.ts';
import { restRequest, unsupportedOverRest } from './rest-request.ts';
import { RestWatch } from './rest-watch.ts';

export interface RestTransportOptions {
  readonly http: HttpExchange;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: ClientObserver;
  readonly token: string;
  readonly deadlineMs: number;
}

const READY_PROBE: Operation = { kind: OpKind.get, keyspace: 'readyz', key: utf8('-') };

/**
 * Operations as requests to a gateway, one each: the gateway batches, routes and knows leaders. What stays here is what
 * only the caller's side can do: deadlines, retries that never apply a write twice, limits, honest outcomes.
 */
export class RestTransport implements Transport {
  readonly #options: RestTransportOptions;
  readonly #authorization: string;
  readonly #budget = new RetryBudget(RETRY_BUDGET);
  readonly #calls = new Set<RestCall>();
  readonly #watches = new Set<RestWatch>();
  readonly #readiness = new Readiness();
  #pendingBytes = 0;
  #probing: Cancel | undefined;
  #probes = 0;
  #closed = false;
  #lastTrouble: HoldfastError | undefined;

  constructor(options: RestTransportOptions) {
    this.#options = options;
    this.#authorization = options.token === '' ? '' : `Bearer ${options.token}`;
  }

  get pendingOps(): number {
    return this.#calls.size;
  }

  get lastTrouble(): HoldfastError | undefined {
    return this.#lastTrouble;
  }

  whenReady(callback: ReadyCallback): Cancel {
    const forget = this.#readiness.add(callback);
    if (this.#closed) this.#readiness.tell(closedError());
    else if (this.#probing === undefined) this.#probe();
    return forget;
  }

  submit(operation: Operation, sink: OpSink, tag: number): Ticket | undefined {
    const { clock } = this.#options;
    const refusal = this.#closed
      ? closedError()
      : (refusalOf(operation) ??
        unsupportedOverRest(operation) ??
        overload(this.#calls.size, this.#pendingBytes));
    if (refusal !== undefined) {
      clock.defer(() => sink.failed(refusal, tag));
      return undefined;
    }
    const call = new RestCall(operation, sink, tag);
    const deadlineMs = Math.min(
      Math.max(0, operation.deadlineMs ?? this.#options.deadlineMs),
      DEADLINE_MS_MAX,
    );
    call.deadlineAtMs = clock.monotonicMs() + deadlineMs;
    call.cancelDeadline = clock.schedule(deadlineMs, () => this.#expire(call));
    this.#calls.add(call);
    this.#pendingBytes += call.bytes;
    this.#send(call);
    return call;
  }

  watch(query: WatchQuery, sink: WatchSink): WatchHandle {
    const { http, clock, random } = this.#options;
    const refusal = this.#closed ? closedError() : watchRefusal(query, this.#watches.size);
    if (refusal !== undefined) {
      const cancel = clock.schedule(0, () => sink.ended(refusal));
      return { taken: () => undefined, cancel };
    }
    const authorization = this.#authorization;
    const closed = (watch: RestWatch): void => void this.#watches.delete(watch);
    const watch = new RestWatch({ http, clock, random, authorization, closed }, query, sink);
    this.#watches.add(watch);
    return watch;
  }

  cancel(ticket: Ticket, _serial: number, cause: unknown): void {
    const call = ticket as RestCall;
    if (!this.#calls.has(call)) return;
    const outcome =
      call.isWrite && (call.underWay !== undefined || call.maybeApplied) ? 'unknown' : 'not_applied';
    this.#fail(call, new HoldfastError('HF_CANCELLED', { outcome, cause }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#probing?.();
    for (const call of this.#calls) this.cancel(call, call.serial, undefined);
    for (const watch of this.#watches) watch.end(closedError());
    this.#options.http.close();
    this.#readiness.tell(closedError());
  }

  #send(call: RestCall): void {
    const { http, clock } = this.#options;
    const leftMs = call.deadlineAtMs - clock.monotonicMs();
    const request = restRequest(call.operation, leftMs, this.#authorization);
    call.cancelRetry = undefined;
    call.underWay = http.send(request, (outcome) => this.#answered(call, outcome));
  }

  #answered(call: RestCall, outcome: HttpAnswer | HttpFailure): void {
    call.underWay = undefined;
    if (!this.#calls.has(call)) return;
    const result = outcome.kind === 'answer' ? readRestAnswer(call.operation, outcome) : lost(call, outcome);
    if (!(result instanceof HoldfastError)) {
      this.#budget.succeeded();
      const { sink, tag } = call;
      this.#finish(call);
      sink.done(result, tag);
      return;
    }
    const { clock, random, observer } = this.#options;
    if (call.isWrite && result.outcome !== 'not_applied') call.maybeApplied = true;
    const choice = chooseRetry({
      code: result.code,
      outcome: call.isWrite ? result.outcome : 'not_applied',
      write: call.isWrite,
      idempotent: (call.operation.idempotencyKey?.length ?? 0) > 0,
      attempts: ++call.attempts,
      attemptsMax: ATTEMPTS_MAX,
      remainingMs: call.deadlineAtMs - clock.monotonicMs(),
      backoffMs: fullJitterMs(RETRY_MS, call.attempts - 1, random),
      retryAfterMs: result.retryAfterMs ?? 0,
    });
    if (choice.kind === 'give-up' || !this.#budget.spend()) {
      this.#fail(call, result);
      return;
    }
    call.lastTrouble = result.message;
    observer.retried?.(result.code, choice.delayMs);
    call.cancelRetry = clock.schedule(choice.delayMs, () => this.#send(call));
  }

  #expire(call: RestCall): void {
    const before = call.lastTrouble === '' ? '' : `; before: ${call.lastTrouble}`;
    const sent = call.underWay !== undefined || call.maybeApplied;
    const error = sent
      ? new HoldfastError('HF_TIMEOUT', {
          outcome: call.isWrite ? 'unknown' : 'not_applied',
          detail: `no answer from the gateway in time${before}`,
        })
      : new HoldfastError('HF_DEADLINE_EXCEEDED', { detail: `the request was not sent in time${before}` });
    this.#fail(call, error);
  }

  #fail(call: RestCall, error: HoldfastError): void {
    const { sink, tag, underWay } = call;
    this.#finish(call);
    underWay?.();
    sink.failed(error, tag);
  }

  #finish(call: RestCall): void {
    call.cancelDeadline?.();
    call.cancelRetry?.();
    this.#calls.delete(call);
    this.#pendingBytes -= call.bytes;
  }

  /** Asks the gateway whether requests make sense, until it says so. */
  #probe(): void {
    const { http, clock, random } = this.#options;
    const headers: Record<string, string> = {};
    if (this.#authorization !== '') headers['authorization'] = this.#authorization;
    const request: HttpRequest = { method: 'GET', target: '/readyz', headers, body: undefined };
    this.#probing = http.send(request, (outcome) => {
      if (this.#closed) return;
      this.#probing = undefined;
      if (outcome.kind === 'answer' && outcome.status === 200) {
        this.#probes = 0;
        this.#lastTrouble = undefined;
        this.#readiness.tell(undefined);
        return;
      }
      const trouble =
        outcome.kind === 'answer'
          ? (readRestAnswer(READY_PROBE, outcome) as HoldfastError)
          : new HoldfastError('HF_UNAVAILABLE', { detail: outcome.reason.message, cause: outcome.reason });
      this.#lastTrouble = trouble;
      if (FATAL.has(trouble.code)) this.#readiness.tell(trouble);
      else
        this.#probing = clock.schedule(equalJitterMs(MAP_RETRY_MS, this.#probes++, random), () =>
          this.#probe(),
        );
    });
  }
}

/** One operation on its way through a gateway. */
class RestCall implements Ticket {
  readonly serial = 0;
  readonly operation: Operation;
  readonly sink: OpSink;
  readonly tag: number;
  readonly isWrite: boolean;
  /** What it counts in the client's accounts. */
  readonly bytes: number;
  deadlineAtMs = 0;
  attempts = 0;
  /** A try ended without a verdict. */
  maybeApplied = false;
  lastTrouble = '';
  /** Gives up the request that is out. */
  underWay: Cancel | undefined = undefined;
  cancelRetry: Cancel | undefined = undefined;
  cancelDeadline: Cancel | undefined = undefined;

  constructor(operation: Operation, sink: OpSink, tag: number) {
    this.operation = operation;
    this.sink = sink;
    this.tag = tag;
    this.isWrite = isWrite(operation.kind);
    this.bytes = 64 + operation.key.length + (operation.value?.length ?? 0);
  }
}

function watchRefusal({ keyspace }: WatchQuery, watches: number): HoldfastError | undefined {
  if (typeof keyspace !== 'string') {
    return new HoldfastError('HF_UNSUPPORTED', { detail: 'REST does not offer keyspaces by number' });
  }
  if (watches < STREAMS_MAX) return undefined;
  return new HoldfastError('HF_OVERLOADED', { detail: `this client has ${STREAMS_MAX} watches` });
}

/** A request without an answer. One that never left did nothing; of another one nobody knows. */
function lost(call: RestCall, { sent, reason }: HttpFailure): HoldfastError {
  if (!sent) {
    return new HoldfastError('HF_UNAVAILABLE', {
      outcome: 'not_applied',
      detail: `the gateway cannot be reached: ${reason.message}`,
      cause: reason,
    });
  }
  return new HoldfastError('HF_CONNECTION_LOST', {
    outcome: call.isWrite ? 'unknown' : 'not_applied',
    detail: `the connection to the gateway ended: ${reason.message}`,
    cause: reason,
  });
}
