import type { Cancel, Clock } from '@holdfast/io';

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  task: (() => void) | undefined;
}

/** Time that passes only when a test lets it pass; promise callbacks run between any two events. */
export class VirtualClock implements Clock {
  #nowMs = 1000;
  #sequence = 0;
  #events: Event[] = [];

  wallMs(): number {
    return 1_800_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, task };
    let at = this.#events.length;
    while (at > 0 && this.#events[at - 1].atMs > event.atMs) at--;
    this.#events.splice(at, 0, event);
    return () => {
      event.task = undefined;
    };
  }

  defer(task: () => void): void {
    this.schedule(0, task);
  }

  /** Lets `ms` milliseconds pass. */
  async run(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /** Lets time pass until `done` says so, at most `limitMs` milliseconds; gives how long it took. */
  async runUntil(done: () => boolean, limitMs: number): Promise<number> {
    const startMs = this.#nowMs;
    const endMs = startMs + limitMs;
    await drainMicrotasks();
    while (!done()) {
      const event = this.#events[0];
      if (event === undefined || event.atMs > endMs) {
        this.#nowMs = endMs;
        break;
      }
      this.#events.shift();
      this.#nowMs = event.atMs;
      const { task } = event;
      event.task = undefined;
      if (task === undefined) continue;
      task();
      await drainMicrotasks();
    }
    return this.#nowMs - startMs;
  }

  /** Lets time pass until the promise settles; fails the test when it does not within `limitMs` milliseconds. */
  async settle<T>(promise: Promise<T>, limitMs = 20_000): Promise<T> {
    let settled = false;
    promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    await this.runUntil(() => settled, limitMs);
    if (!settled) throw new Error(`still pending after ${limitMs} ms of virtual time`);
    return promise;
  }

  /** The error with which the promise fails. */
  async failure(promise: Promise<unknown>, limitMs = 20_000): Promise<unknown> {
    try {
      await this.settle(promise, limitMs);
    } catch (error) {
      return error;
    }
    throw new Error('did not fail');
  }
}

async function drainMicrotasks(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve();
}
