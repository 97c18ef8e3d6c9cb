import type { Client } from '@holdfast/client';
import { type Prng, type Random, randomChance, randomInteger } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import type { History, Operation } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import type { Mask } from '../runs/mask.ts';
import { Phase, type Scheduler } from '../world/scheduler.ts';

/** How busy workers are. */
export interface Pace {
  /** Pause between two operations of a worker, at most. */
  readonly thinkMs: number;
  readonly deadlineMs: number;
}

/** What a worker works with. */
export interface WorkerWorld {
  /** Unique among all workers of a run. */
  readonly process: number;
  readonly client: Client;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly pace: Pace;
  readonly mask: Mask;
}

/** A client that fails at once, since it reaches nobody, waits this long now and then: no hot loop. */
const PAUSE_US = 100_000;

/** One sequence of operations: the next begins a while after the one before has ended. */
export abstract class Worker {
  readonly process: number;
  protected readonly client: Client;
  protected readonly pace: Pace;
  readonly #scheduler: Scheduler;
  readonly #random: Prng;
  readonly #mask: Mask;
  #stopped = false;
  #paused = false;
  /** Steps begun, those that the mask leaves out included. */
  steps = 0;
  /** An operation is under way. */
  busy = false;
  /** Writes that were acknowledged, or judged by the log. */
  writes = 0;

  constructor({ process, client, scheduler, random, pace, mask }: WorkerWorld) {
    this.process = process;
    this.client = client;
    this.pace = pace;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#mask = mask;
  }

  /** No further step will do anything. */
  get ended(): boolean {
    return this.#stopped || this.steps >= this.#mask.stepsOf(this.process);
  }

  start(): void {
    const thinkUs = randomInteger(this.#random, 0, this.pace.thinkMs * 1000);
    this.#scheduler.schedule(this.#paused ? PAUSE_US : thinkUs, Phase.input, undefined, () => this.#begin());
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Chooses and performs one operation; what it draws comes from `random` alone. */
  protected abstract step(random: Random): Promise<void>;

  /**
   * Performs and records one operation.
   * @param perform undefined for one that certainly did nothing
   * @param expected the result that an error stands for, where it is an answer
   */
  protected async record<Call, Result>(
    history: History<Call, Result>,
    operation: Operation<Call, Result>,
    isRead: boolean,
    perform: () => Promise<Result | undefined>,
    expected: (error: HoldfastError) => Result | undefined = () => undefined,
  ): Promise<Result | undefined> {
    try {
      const result = await perform();
      if (result === undefined) history.fail(operation);
      else history.ok(operation, result);
      return result;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const result = expected(error);
      if (result !== undefined) {
        history.ok(operation, result);
        return result;
      }
      if (!isExplained(error))
        throw new Violation('unexpected-answer', `${JSON.stringify(operation)} got ${error.message}`);
      if (isRead || error.outcome === 'not_applied') history.fail(operation);
      else history.info(operation);
      this.#paused = randomChance(this.#random, 0.1);
      return undefined;
    }
  }

  #begin(): void {
    if (this.ended) return;
    // Each step has a stream of its own: a step that is left out changes nothing about the others.
    const random = this.#random.fork();
    this.#paused = false;
    if (!this.#mask.keepsStep(this.process, this.steps++)) {
      this.start();
      return;
    }
    this.busy = true;
    this.step(random).then(
      () => {
        this.busy = false;
        this.start();
      },
      (error: unknown) => this.#scheduler.fail(error),
    );
  }
}

/** A fault may be the reason of this error. */
function isExplained(error: HoldfastError): boolean {
  return error.retryable || error.outcome === 'unknown' || error.code === 'HF_CANCELLED';
}
