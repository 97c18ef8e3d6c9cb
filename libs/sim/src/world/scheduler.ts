import { assert, type Cancel } from '@holdfast/io';
import { type Drain, engineDrain, hop } from './drain-microtasks.ts';

/** Microseconds of virtual time: integers, so that equal runs have equal times. */
export type Microseconds = number;

/** Order of events at one instant, as in a real event loop: timers, then input, then the end of the turn. */
export const Phase = { timer: 0, input: 1, deferred: 2 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Whose event it is: decides whether it may run now. */
export interface EventOwner {
  /** Part of the event hash. */
  readonly id: number;
  /** `run` it, `drop` it for ever (the process is dead), `hold` it (the owner keeps it), or `delay` it. */
  admit(event: SimEvent): 'run' | 'drop' | 'hold';
}

export interface SimEvent {
  at: Microseconds;
  readonly phase: Phase;
  sequence: number;
  readonly owner: EventOwner | undefined;
  /** Undefined once cancelled. */
  task: (() => void) | undefined;
}

/** Events that run between two turns of the host's loop, so that the host stays responsive. */
const SLICE_EVENTS = 2_000;

/**
 * The one loop of a simulation: a heap of events by (time, phase, sequence), and nothing else that could
 * decide an order. Between two events every queued promise callback runs.
 */
export class Scheduler {
  readonly #heap: SimEvent[] = [];
  readonly #drain: Drain | undefined;
  #now: Microseconds = 0;
  #sequence = 0;
  #eventsRun = 0;
  #hash = 0x811c9dc5;
  #running = false;
  #failure: { readonly error: unknown } | undefined;
  /** Called after every event and its promise callbacks: the place for invariants. */
  afterEvent: (() => void) | undefined;

  /** @param drain `host` forces the slow portable way; for the test that compares both. */
  constructor(drain: 'engine' | 'host' = 'engine') {
    this.#drain = drain === 'engine' ? engineDrain() : undefined;
  }

  get nowUs(): Microseconds {
    return this.#now;
  }

  get nowMs(): number {
    return this.#now / 1000;
  }

  get eventsRun(): number {
    return this.#eventsRun;
  }

  /** Digest of every event so far and of all that was {@link fold}ed in: equal seeds, equal digests. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Mixes a number into the digest. */
  fold(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value | 0), 0x01000193) ^ (this.#hash >>> 15);
  }

  schedule(delayUs: Microseconds, phase: Phase, owner: EventOwner | undefined, task: () => void): Cancel {
    const event: SimEvent = {
      at: this.#now + Math.max(0, Math.round(delayUs)),
      phase,
      sequence: ++this.#sequence,
      owner,
      task,
    };
    this.#push(event);
    return () => {
      event.task = undefined;
    };
  }

  /** Puts an event back that its owner held. It runs at `delayUs` from now, behind what is already there. */
  again(event: SimEvent, delayUs: Microseconds): void {
    event.at = this.#now + Math.max(0, Math.round(delayUs));
    event.sequence = ++this.#sequence;
    this.#push(event);
  }

  /** Ends {@link runUntil} with this error once the current event is over. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Runs events until `untilUs` (time then stands there), or until `done` says so after an event.
   *
   * @throws what an event threw, or what was given to {@link fail}.
   */
  runUntil(untilUs: Microseconds, done?: () => boolean): Promise<void> {
    assert(!this.#running, 'the scheduler runs already');
    this.#running = true;
    return new Promise<void>((resolve, reject) => {
      let ran = false;
      const turn = (): void => {
        try {
          for (let i = 0; i < SLICE_EVENTS; i++) {
            if (ran) this.#check();
            if ((ran && done?.() === true) || !this.#step(untilUs)) {
              this.#running = false;
              resolve();
              return;
            }
            ran = true;
            if (this.#drain === undefined) break;
            this.#drain();
          }
          hop(turn);
        } catch (error) {
          this.#running = false;
          reject(error);
        }
      };
      hop(turn);
    });
  }

  #check(): void {
    this.afterEvent?.();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Runs one event; false when none is left before `untilUs`. */
  #step(untilUs: Microseconds): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.at > untilUs) {
        this.#now = Math.max(this.#now, untilUs);
        return false;
      }
      this.#pop();
      const { task, owner } = event;
      if (task === undefined) continue;
      this.#now = event.at;
      if (owner !== undefined && owner.admit(event) !== 'run') continue;
      event.task = undefined;
      this.#eventsRun++;
      this.fold(event.at);
      this.fold((owner?.id ?? 0) * 4 + event.phase);
      task();
      return true;
    }
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && comesFirst(a, b));
}

/** Of two events of one instant. */
function comesFirst(a: SimEvent, b: SimEvent): boolean {
  return a.phase < b.phase || (a.phase === b.phase && a.sequence < b.sequence);
}
