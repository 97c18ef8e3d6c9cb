import type { Cancel, Clock } from '@holdfast/io';
import type { PendingOp } from './pending-op.ts';
import { TimerWheel } from './timer-wheel.ts';

/** Wakes each operation at one moment: its deadline, or its next try. One timer of the clock serves them all. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onWake: (op: PendingOp, nowMs: number) => void;
  readonly #wheel = new TimerWheel<PendingOp>();
  #cancel: Cancel | undefined;
  /** When the timer rings, in milliseconds. */
  #ringsAtMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(clock: Clock, onWake: (op: PendingOp, nowMs: number) => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  /** The operation has no alarm yet. */
  set(op: PendingOp, atMs: number, nowMs: number): void {
    const dueMs = this.#wheel.add(op, atMs, nowMs);
    if (dueMs < this.#ringsAtMs) this.#plan(dueMs, nowMs);
  }

  clear(op: PendingOp): void {
    this.#wheel.remove(op);
  }

  /** Stops for good and hands over every operation that has an alarm. */
  drain(each: (op: PendingOp) => void): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#wheel.drain(each);
  }

  #plan(atMs: number, nowMs: number): void {
    this.#cancel?.();
    this.#ringsAtMs = atMs;
    this.#cancel = this.#clock.schedule(Math.max(0, atMs - nowMs), this.#ring);
  }

  readonly #ring = (): void => {
    this.#ringsAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    this.#wheel.advance(nowMs, (op) => this.#onWake(op, nowMs));
    const nextMs = this.#wheel.nextMs();
    if (nextMs !== undefined && nextMs < this.#ringsAtMs && !this.#stopped) this.#plan(nextMs, nowMs);
  };
}
