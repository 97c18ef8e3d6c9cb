import type { Cancel, Clock, Prng } from '@holdfast/io';
import { type EventOwner, Phase, type Scheduler, type SimEvent } from './scheduler.ts';

/** What a machine's clocks do differently from true time. Mutable: wall clocks jump. */
export interface ClockError {
  /** Added to the wall clock, milliseconds. */
  wallOffsetMs: number;
  /** Both clocks run faster by this factor minus one: 1e-4 is 100 ppm. */
  readonly drift: number;
  /** Where this machine's monotonic clock started, milliseconds. */
  readonly monotonicStartMs: number;
}

/** Wall time at the start of every simulation: 2026-06-01 00:00 UTC. */
const WALL_START_MS = 1_780_272_000_000;

/**
 * One life of a process, and its clock. What it planned never runs after it was killed, waits while it is
 * paused, and comes late while it is slow.
 */
export class Incarnation implements EventOwner, Clock {
  readonly id: number;
  readonly host: string;
  readonly random: Prng;
  readonly #scheduler: Scheduler;
  readonly #clock: ClockError;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: SimEvent[] = [];
  #costUs = 0;
  #busyUntilUs = 0;

  constructor(scheduler: Scheduler, id: number, host: string, clock: ClockError, random: Prng) {
    this.#scheduler = scheduler;
    this.id = id;
    this.host = host;
    this.#clock = clock;
    this.random = random;
  }

  /** True virtual time, which no clock of this machine shows. */
  get nowUs(): number {
    return this.#scheduler.nowUs;
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  /** Called by the scheduler for every event of this process when it is due. */
  admit(event: SimEvent): 'run' | 'drop' | 'hold' {
    if (this.#state === 'dead') return 'drop';
    if (this.#state === 'paused') {
      this.#held.push(event);
      return 'hold';
    }
    if (this.#costUs > 0) {
      const now = this.#scheduler.nowUs;
      if (now < this.#busyUntilUs) {
        this.#scheduler.again(event, this.#busyUntilUs - now);
        return 'hold';
      }
      this.#busyUntilUs = now + this.#costUs;
    }
    return 'run';
  }

  /** SIGKILL. */
  die(): void {
    this.#state = 'dead';
    this.#held = [];
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** SIGCONT: what was due meanwhile runs now, late timers before waiting input, as in a real event loop. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#scheduler.again(event, 0);
  }

  /** Every event of this process takes `costUs` of its only thread; 0 is infinitely fast. */
  slow(costUs: number): void {
    this.#costUs = costUs;
  }

  /** Plans something that happens to this process, in true time. */
  plan(delayUs: number, phase: Phase, task: () => void): Cancel {
    return this.#scheduler.schedule(delayUs, phase, this, task);
  }

  wallMs(): number {
    return Math.floor(
      WALL_START_MS + this.#clock.wallOffsetMs + this.#scheduler.nowMs * (1 + this.#clock.drift),
    );
  }

  monotonicMs(): number {
    return this.#clock.monotonicStartMs + this.#scheduler.nowMs * (1 + this.#clock.drift);
  }

  schedule(delayMs: number, task: () => void): Cancel {
    return this.plan(Math.ceil((delayMs * 1000) / (1 + this.#clock.drift)), Phase.timer, task);
  }

  defer(task: () => void): void {
    this.plan(0, Phase.deferred, task);
  }
}
