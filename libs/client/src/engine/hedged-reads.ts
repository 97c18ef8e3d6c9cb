import { assert, type Cancel, type Clock, type NodeId } from '@holdfast/io';
import { Consistency, type HoldfastError, isWrite, OpKind } from '@holdfast/wire';
import { HEDGE_BUDGET, HEDGE_DELAY_MS } from '../limits.ts';
import type { ClientObserver } from '../observer.ts';
import type { Operation, OpResult, OpSink } from '../operation.ts';
import { LatencyQuantile } from '../retry/latency-quantile.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import type { Ticket, Transport } from '../transport.ts';
import type { WatchHandle, WatchQuery, WatchSink } from '../watch/watch-query.ts';
import type { PendingOp } from './pending-op.ts';

/** The engine, as far as hedging needs it. */
export interface HedgeTarget extends Transport {
  /** To one replica. @param avoid the node that must not answer; 0 = none. */
  submitTo(operation: Operation, sink: OpSink, tag: number, avoid?: NodeId | 0): PendingOp | undefined;
}

const FIRST = 0;
const SECOND = 1;

/**
 * Cuts the tail of weak reads: one that takes longer than 95 of 100 did is asked of a second replica as well, and the
 * first answer counts (Dean and Barroso, "The Tail at Scale", 2013). A budget keeps the extra load at a twentieth, so a
 * cluster that is slow as a whole is not asked twice as much. Strong reads have one place to go, and writes are never
 * sent twice: both pass through untouched.
 */
export class HedgedReads implements Transport {
  readonly clock: Clock;
  readonly #engine: HedgeTarget;
  readonly #observer: ClientObserver;
  readonly #deadlineMs: number;
  readonly #p95 = new LatencyQuantile(0.95);
  readonly #budget = new RetryBudget(HEDGE_BUDGET);
  /** Reads whose second try has not been decided on, oldest first. */
  readonly #waiting = new Set<HedgedRead>();
  #cancelTimer: Cancel | undefined;

  constructor(engine: HedgeTarget, clock: Clock, observer: ClientObserver, deadlineMs: number) {
    this.#engine = engine;
    this.clock = clock;
    this.#observer = observer;
    this.#deadlineMs = deadlineMs;
  }

  get pendingOps(): number {
    return this.#engine.pendingOps;
  }

  get lastTrouble(): HoldfastError | undefined {
    return this.#engine.lastTrouble;
  }

  whenReady(callback: (failure: HoldfastError | undefined) => void): Cancel {
    return this.#engine.whenReady(callback);
  }

  submit(operation: Operation, sink: OpSink, tag: number): Ticket | undefined {
    const weak = (operation.consistency ?? Consistency.strong) !== Consistency.strong;
    if (!weak || isWrite(operation.kind) || operation.kind === OpKind.lookup)
      return this.#engine.submit(operation, sink, tag);
    const read = new HedgedRead(this, operation, sink, tag);
    if (!read.send(this.#engine, FIRST, operation, 0)) return undefined;
    this.#waiting.add(read);
    if (this.#cancelTimer === undefined) this.#plan(this.delayMs);
    return read;
  }

  watch(query: WatchQuery, sink: WatchSink): WatchHandle {
    return this.#engine.watch(query, sink);
  }

  cancel(ticket: Ticket, serial: number, cause: unknown): void {
    if (ticket instanceof HedgedRead) ticket.cancel(this.#engine, cause);
    else this.#engine.cancel(ticket, serial, cause);
  }

  close(): void {
    this.#cancelTimer?.();
    this.#waiting.clear();
    this.#engine.close();
  }

  /** How long an answer is waited for before a second replica is asked, in milliseconds. */
  get delayMs(): number {
    const { initial, min, max } = HEDGE_DELAY_MS;
    return Math.min(max, Math.max(min, this.#p95.valueMs ?? initial));
  }

  /** The read has its answer, or has failed for good. */
  settled(read: HedgedRead, answered: boolean): void {
    this.#waiting.delete(read);
    if (answered) {
      // When the second try wins, the first would have taken longer than this: the estimate errs to the early side.
      this.#p95.record(this.clock.monotonicMs() - read.startedMs);
      this.#budget.succeeded();
    }
    read.cancel(this.#engine, undefined);
  }

  #plan(delayMs: number): void {
    this.#cancelTimer = this.clock.schedule(delayMs, this.#ring);
  }

  readonly #ring = (): void => {
    this.#cancelTimer = undefined;
    const { delayMs } = this;
    const nowMs = this.clock.monotonicMs();
    for (const read of this.#waiting) {
      const waitMs = read.startedMs + delayMs - nowMs;
      if (waitMs > 0) {
        this.#plan(waitMs);
        return;
      }
      this.#waiting.delete(read);
      this.#hedge(read, nowMs);
    }
  };

  #hedge(read: HedgedRead, nowMs: number): void {
    // What waits for a map, a connection or its turn in a queue is not helped by asking twice.
    const node = read.askedNode;
    if (node === 0) return;
    const { operation } = read;
    const leftMs = read.startedMs + (operation.deadlineMs ?? this.#deadlineMs) - nowMs;
    if (leftMs <= 0 || !this.#budget.spend()) return;
    if (read.send(this.#engine, SECOND, { ...operation, deadlineMs: leftMs }, node))
      this.#observer.hedged?.(node);
  }
}

interface Try {
  readonly op: PendingOp;
  readonly serial: number;
}

/** One weak read and its up to two tries. */
class HedgedRead implements OpSink, Ticket {
  readonly serial = 0;
  readonly operation: Operation;
  readonly startedMs: number;
  readonly #owner: HedgedReads;
  readonly #sink: OpSink;
  readonly #tag: number;
  readonly #tries: [Try | undefined, Try | undefined] = [undefined, undefined];
  #underWay = 0;
  #over = false;

  constructor(owner: HedgedReads, operation: Operation, sink: OpSink, tag: number) {
    this.#owner = owner;
    this.operation = operation;
    this.startedMs = owner.clock.monotonicMs();
    this.#sink = sink;
    this.#tag = tag;
  }

  /** The node that the first try was sent to and that has not answered; 0 = none. */
  get askedNode(): NodeId | 0 {
    const first = this.#tries[FIRST];
    if (first === undefined || first.op.serial !== first.serial) return 0;
    return first.op.batch?.link.nodeId ?? 0;
  }

  send(engine: HedgeTarget, which: 0 | 1, operation: Operation, avoid: NodeId | 0): boolean {
    this.#underWay++;
    const op = engine.submitTo(operation, this, which, avoid);
    if (op === undefined) return false;
    this.#tries[which] = { op, serial: op.serial };
    return true;
  }

  cancel(engine: HedgeTarget, cause: unknown): void {
    for (const one of this.#tries) if (one !== undefined) engine.cancel(one.op, one.serial, cause);
  }

  done(result: OpResult): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.settled(this, true);
    this.#sink.done(result, this.#tag);
  }

  /** A failure counts once nobody is left who may still answer. */
  failed(error: HoldfastError): void {
    this.#underWay--;
    assert(this.#underWay >= 0, 'each try ends once');
    if (this.#over || this.#underWay > 0) return;
    this.#over = true;
    this.#owner.settled(this, false);
    this.#sink.failed(error, this.#tag);
  }
}
