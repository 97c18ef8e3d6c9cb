import { type Random, randomChance, randomInteger, randomPick, utf8 } from '@holdfast/io';
import type { Client, OpResult, Operation } from '@holdfast/client';
import { Condition, HoldfastError, OpKind } from '@holdfast/wire';
import type { History, Operation as Recorded, RegisterCall, RegisterResult } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import { Phase, type Scheduler } from '../world/scheduler.ts';

export interface RegisterWorkloadOptions {
  readonly keys: readonly string[];
  /** Pause between two operations of a worker, at most. */
  readonly thinkMs: number;
  readonly deadlineMs: number;
}

interface Known {
  readonly value: string | undefined;
  readonly revision: number;
}

const decoder = new TextDecoder();

/**
 * One worker: a sequence of puts, gets, deletes and comparisons on a few keys, through a client with its
 * retries. Every value is written once, so that a read tells which write it saw.
 */
export class RegisterWorker {
  readonly #process: number;
  readonly #client: Client;
  readonly #scheduler: Scheduler;
  readonly #history: History;
  readonly #random: Random;
  readonly #options: RegisterWorkloadOptions;
  /** What this worker saw last of each key: the ground for its comparisons. */
  readonly #known = new Map<string, Known>();
  #serial = 0;
  #stopped = false;
  /** An operation is under way. */
  busy = false;
  /** Writes that were acknowledged. */
  writes = 0;

  constructor(
    process: number,
    client: Client,
    scheduler: Scheduler,
    history: History,
    random: Random,
    options: RegisterWorkloadOptions,
  ) {
    this.#process = process;
    this.#client = client;
    this.#scheduler = scheduler;
    this.#history = history;
    this.#random = random;
    this.#options = options;
  }

  start(): void {
    this.busy = false;
    if (this.#stopped) return;
    const thinkUs = randomInteger(this.#random, 0, this.#options.thinkMs * 1000);
    this.#scheduler.schedule(thinkUs, Phase.input, undefined, () => {
      if (!this.#stopped) this.#run(this.#choose(randomPick(this.#random, this.#options.keys)));
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #choose(key: string): Recorded {
    const kind = randomInteger(this.#random, 0, 9);
    const value = `${this.#process}-${++this.#serial}`;
    const known = this.#known.get(key);
    let call: RegisterCall = { kind: 'put', value };
    if (kind < 4) call = { kind: 'get' };
    else if (kind === 4) call = { kind: 'delete' };
    else if (kind < 7 && known !== undefined) call = { kind: 'cas', expected: known.value, value };
    return this.#history.invoke(this.#process, key, call);
  }

  #run(recorded: Recorded): void {
    this.busy = true;
    const { deadlineMs } = this.#options;
    this.#client
      .execute({ keyspace: 'default', key: utf8(recorded.key), deadlineMs, ...this.#request(recorded) })
      .then(
        (result) => this.#succeeded(recorded, result),
        (error: unknown) => this.#failed(recorded, error),
      );
  }

  #request({ key, call }: Recorded): Pick<Operation, 'kind' | 'value' | 'condition' | 'revision'> {
    switch (call.kind) {
      case 'get':
        return { kind: OpKind.get };
      case 'put':
        return { kind: OpKind.put, value: utf8(call.value) };
      case 'delete':
        return { kind: OpKind.delete };
      case 'cas': {
        const value = utf8(call.value);
        if (call.expected === undefined) return { kind: OpKind.put, value, condition: Condition.absent };
        const revision = this.#known.get(key)?.revision;
        return { kind: OpKind.put, value, condition: Condition.revisionEquals, revision };
      }
    }
  }

  #succeeded(recorded: Recorded, result: OpResult): void {
    const { key, call } = recorded;
    const { revision } = result;
    if (call.kind === 'get') {
      const value = result.found ? decoder.decode(result.value) : undefined;
      this.#known.set(key, { value, revision });
      this.#settle(recorded, { kind: 'value', value, revision });
      return;
    }
    this.writes++;
    this.#known.set(key, { value: call.kind === 'delete' ? undefined : call.value, revision });
    this.#settle(recorded, { kind: 'done', revision });
  }

  #settle(recorded: Recorded, result: RegisterResult): void {
    this.#history.ok(recorded, result);
    this.start();
  }

  #failed(recorded: Recorded, error: unknown): void {
    if (!(error instanceof HoldfastError)) {
      this.#scheduler.fail(error);
      return;
    }
    const { call, key } = recorded;
    if (error.code === 'HF_PRECONDITION_FAILED' && call.kind === 'cas') {
      this.#known.delete(key);
      this.#settle(recorded, {
        kind: 'mismatch',
        ...(error.revision !== undefined && { revision: error.revision }),
      });
      return;
    }
    if (error.code === 'HF_KEY_NOT_FOUND' && call.kind === 'get') {
      this.#known.set(key, { value: undefined, revision: 0 });
      this.#settle(recorded, { kind: 'value', value: undefined, revision: 0 });
      return;
    }
    if (!error.retryable && error.outcome !== 'unknown' && error.code !== 'HF_CANCELLED') {
      this.#scheduler.fail(
        new Violation('unexpected-answer', `${JSON.stringify(recorded)} got ${error.message}`),
      );
      return;
    }
    if (call.kind === 'get' || error.outcome === 'not_applied') this.#history.fail(recorded);
    else this.#history.info(recorded);
    // A client that cannot reach anybody fails at once: nobody gains from a hot loop.
    if (randomChance(this.#random, 0.9)) this.start();
    else this.#scheduler.schedule(100_000, Phase.input, undefined, () => this.start());
  }
}
