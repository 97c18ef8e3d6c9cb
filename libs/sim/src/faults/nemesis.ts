import { type Cancel, type Prng, type Random, randomInteger, randomPick } from '@holdfast/io';
import type { Coverage } from '../checkers/violation.ts';
import { KEEP_ALL, type Mask } from '../runs/mask.ts';
import { Phase, type Scheduler } from '../world/scheduler.ts';

/** One kind of trouble. A table of these is what a harness offers; the seed chooses from it. */
export interface Fault {
  /** Unique; its count in the coverage says how often it began. */
  readonly name: string;
  /** How long it lasts. 0 .. 0 for what has no end, such as a broken connection. */
  readonly durationMs: readonly [number, number];
  /** Relative frequency among the enabled faults. Default 1. */
  readonly weight?: number;
  /** Begins; gives what ends it, or undefined when there was nothing to do to now (then it does not count). */
  begin(random: Random): (() => void) | undefined;
}

/** Which faults a run has, and how often. */
export interface NemesisPlan {
  readonly enabled: readonly Fault[];
  /** Mean time between two beginnings. */
  readonly intervalMs: number;
}

/** Begins enabled faults at random times and ends each after its time. */
export class Nemesis {
  readonly #scheduler: Scheduler;
  readonly #random: Prng;
  readonly #mask: Mask;
  readonly #coverage: Coverage;
  readonly #plan: NemesisPlan;
  /** Ends of the faults that are on, in the order of their beginning. */
  readonly #active = new Set<() => void>();
  #cancel: Cancel | undefined;
  /** The last things it did, for the report of a failure. */
  readonly log: string[] = [];
  /** Faults that were due so far, those that the mask leaves out included. */
  due = 0;

  constructor(
    scheduler: Scheduler,
    random: Prng,
    coverage: Coverage,
    plan: NemesisPlan,
    mask: Mask = KEEP_ALL,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#coverage = coverage;
    this.#plan = plan;
    this.#mask = mask;
  }

  start(): void {
    if (this.#plan.enabled.length === 0) return;
    const delayUs = randomInteger(this.#random, 1, this.#plan.intervalMs * 2000);
    this.#cancel = this.#scheduler.schedule(delayUs, Phase.input, undefined, () => {
      // Each fault has a stream of its own: one that is left out changes nothing about the others.
      const random = this.#random.fork();
      const fault = pickWeighted(random, this.#plan.enabled);
      if (this.#mask.keepsFault(this.due++)) this.#begin(fault, random);
      this.start();
    });
  }

  /** No new faults, and every fault that is on ends now. */
  heal(): void {
    this.#cancel?.();
    this.#note('heal');
    for (const end of this.#active) end();
  }

  #begin(fault: Fault, random: Random): void {
    const end = fault.begin(random);
    if (end === undefined) return;
    this.#coverage.hit(`fault: ${fault.name}`);
    this.#note(fault.name);
    const [low, high] = fault.durationMs;
    let ended = false;
    const endOnce = (): void => {
      if (ended) return;
      ended = true;
      this.#active.delete(endOnce);
      this.#note(`${fault.name} ends`);
      end();
    };
    this.#active.add(endOnce);
    this.#scheduler.schedule(randomInteger(random, low * 1000, high * 1000), Phase.input, undefined, endOnce);
  }

  #note(what: string): void {
    this.log.push(`${(this.#scheduler.nowMs / 1000).toFixed(3)} s  ${what}`);
    if (this.log.length > LOG_LINES_MAX) this.log.shift();
  }
}

const LOG_LINES_MAX = 200;

function pickWeighted(random: Random, faults: readonly Fault[]): Fault {
  let total = 0;
  for (const { weight = 1 } of faults) total += weight;
  let at = (random.nextU32() / 2 ** 32) * total;
  for (const fault of faults) {
    at -= fault.weight ?? 1;
    if (at < 0) return fault;
  }
  return randomPick(random, faults);
}

/**
 * Swarm testing (Groce et al. 2012): each run has only some of the faults, so that none hides what others
 * would show. One run in eight has none at all, one in eight all of them.
 */
export function swarm(random: Random, faults: readonly Fault[]): NemesisPlan {
  const style = randomInteger(random, 0, 7);
  const enabled =
    style === 0 ? [] : style === 1 ? [...faults] : faults.filter(() => randomInteger(random, 0, 1) === 0);
  return { enabled, intervalMs: randomPick(random, [200, 500, 1_000, 3_000]) };
}
