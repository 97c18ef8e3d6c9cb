import { type Random, randomInteger } from '@holdfast/io';
import type { History, Operation } from '../../../libs/sim/src/checkers/history.ts';
import { pause } from '../deadline.ts';
import { AccessError, isExpected } from './key-access.ts';

/** What all workers of a run share. */
export interface WorkerWorld {
  /** Milliseconds since the run began. */
  nowMs(): number;
  /** Something that no fault explains. */
  report(trouble: Error): void;
  /** Pause between two operations of a worker, at most. */
  readonly thinkMs: number;
  /** The keys change this often, so that no key's history grows too long to be judged. */
  readonly epochMs: number;
}

/** Pause after a failure: nobody gains from a hot loop against a cluster that is down. */
const FAILURE_PAUSE_MS = 50;

/** A sequence of operations, one at a time, until it is stopped. */
export abstract class Worker<Call, Result> {
  protected readonly world: WorkerWorld;
  protected readonly history: History<Call, Result>;
  protected readonly random: Random;
  /** Unique among all workers of a run. */
  readonly id: number;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  /** Writes that were acknowledged. */
  writes = 0;
  /** Names this process in the history. Each unknown outcome ends a process: one that goes on would not be sequential. */
  #process: number;
  readonly #processStep: number;

  constructor(
    id: number,
    workers: number,
    world: WorkerWorld,
    history: History<Call, Result>,
    random: Random,
  ) {
    this.id = id;
    this.#process = id;
    this.#processStep = workers;
    this.world = world;
    this.history = history;
    this.random = random;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves after the operation that is under way. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#running;
  }

  protected get epoch(): number {
    return Math.floor(this.world.nowMs() / this.world.epochMs);
  }

  /** One operation, or a few that belong together. */
  protected abstract step(): Promise<void>;

  /**
   * Does and records one operation. Undefined when it failed.
   *
   * @param isRead an unanswered read has done nothing.
   */
  protected async record(
    key: string,
    call: Call,
    isRead: boolean,
    work: (recorded: Operation<Call, Result>) => Promise<Result>,
  ): Promise<Result | undefined> {
    const recorded = this.history.invoke(this.#process, key, call);
    try {
      const result = await work(recorded);
      this.history.ok(recorded, result);
      if (!isRead) this.writes++;
      return result;
    } catch (error) {
      if (isRead || (error instanceof AccessError && error.notApplied)) {
        this.history.fail(recorded);
      } else {
        this.history.info(recorded);
        this.#process += this.#processStep;
      }
      if (!(error instanceof AccessError) || !isExpected(error)) {
        const what = `${JSON.stringify(call)} on ${key}`;
        this.world.report(new Error(`unexpected answer to ${what}: ${String(error)}`, { cause: error }));
      }
      await pause(FAILURE_PAUSE_MS);
      return undefined;
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await pause(randomInteger(this.random, 0, this.world.thinkMs));
      try {
        await this.step();
      } catch (error) {
        this.world.report(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
  }
}
