import { type Client, json, type Keyspace } from '@holdfast/client';
import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import type { History } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

interface OnceCall {
  readonly amount: number;
  /** Idempotency key. */
  readonly name: string;
}

interface OnceResult {
  readonly value: number;
}

type OnceHistory = History<OnceCall, OnceResult>;

const KEYS = ['bread', 'flour', 'salt', 'yeast'];

/**
 * Increments that carry idempotency keys, some of them sent a second time. At the end every unknown outcome is looked
 * up, and the counters equal what was acknowledged plus what was resolved: exactly, not at most.
 */
export class OnceWorkload extends RecordedWorkload<OnceCall, OnceResult> {
  readonly name = 'once';

  worker(world: WorkerWorld): Worker {
    return new OnceWorker(world, this.history);
  }

  async judge(client: Client): Promise<void> {
    const sums = new Map<string, number>();
    const { operations } = this.history;
    const records = await Promise.all(
      operations.map(({ call }) => client.operation(call.name, { deadlineMs: LAST_LOOK_MS })),
    );
    for (const [i, { key, call, outcome }] of operations.entries()) {
      const record = records[i];
      if (outcome === 'ok' && record === undefined)
        throw new Violation('once', `${call.name} was acknowledged and has no record`);
      if (outcome === 'fail' && record !== undefined)
        throw new Violation('once', `${call.name} was not applied, it was said, and has a record`);
      if (record !== undefined) sums.set(key, (sums.get(key) ?? 0) + call.amount);
    }
    const counters = client.keyspace('default', json<number>());
    for (const key of KEYS) {
      const final = (await counters.get(key, { deadlineMs: LAST_LOOK_MS }))?.value ?? 0;
      const sum = sums.get(key) ?? 0;
      if (final !== sum)
        throw new Violation('once', `${key} is ${final}, acknowledged and resolved are ${sum}`);
    }
  }
}

class OnceWorker extends Worker {
  readonly #history: OnceHistory;
  readonly #counters: Keyspace<number>;
  #serial = 0;

  constructor(world: WorkerWorld, history: OnceHistory) {
    super(world);
    this.#history = history;
    this.#counters = this.client.keyspace('default', json<number>());
  }

  protected async step(random: Random): Promise<void> {
    const key = randomPick(random, KEYS);
    const amount = randomInteger(random, 1, 9);
    const name = `once-${this.process}-${++this.#serial}`;
    const twice = randomChance(random, 0.3);
    const options = { idempotencyKey: name, deadlineMs: this.pace.deadlineMs };
    const call = this.#history.invoke(this.process, key, { amount, name });
    const first = await this.record(this.#history, call, false, async () => {
      const { value } = await this.#counters.increment(key, amount, options);
      this.writes++;
      return { value };
    });
    if (first === undefined || !twice) return;
    try {
      const again = await this.#counters.increment(key, amount, options);
      if (!again.replayed || again.value !== first.value)
        throw new Violation('once', `${name} was ${first.value} first and ${again.value} then`);
    } catch (error) {
      // What became of it is known: only a different answer would be news.
      if (error instanceof Violation) throw error;
    }
  }
}
