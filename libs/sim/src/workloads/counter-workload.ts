import { type Client, json, type Keyspace } from '@holdfast/client';
import { type Random, randomInteger, randomPick } from '@holdfast/io';
import { type CounterCall, counterProblems, type CounterResult } from '../checkers/counter.ts';
import type { History } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

type CounterHistory = History<CounterCall, CounterResult>;

const KEYS = ['ants', 'gnats', 'moths', 'wasps'];

/** Increments and reads. What is acknowledged counted once, what failed never, what is unknown at most once. */
export class CounterWorkload extends RecordedWorkload<CounterCall, CounterResult> {
  readonly name = 'counter';
  readonly #keys: readonly string[];

  constructor(nowUs: () => number, random: Random) {
    super(nowUs);
    this.#keys = KEYS.slice(0, randomInteger(random, 1, KEYS.length));
  }

  worker(world: WorkerWorld): Worker {
    return new CounterWorker(world, this.history, this.#keys);
  }

  async judge(client: Client): Promise<void> {
    const keyspace = client.keyspace('default', json<number>());
    for (const key of this.#keys) {
      const final = await keyspace.get(key, { deadlineMs: LAST_LOOK_MS });
      const own = this.history.operations.filter((operation) => operation.key === key);
      const [problem] = counterProblems(own, final?.value ?? 0);
      if (problem !== undefined) throw new Violation('counter', `${key}: ${problem}`);
    }
  }
}

class CounterWorker extends Worker {
  readonly #history: CounterHistory;
  readonly #keys: readonly string[];
  readonly #keyspace: Keyspace<number>;

  constructor(world: WorkerWorld, history: CounterHistory, keys: readonly string[]) {
    super(world);
    this.#history = history;
    this.#keys = keys;
    this.#keyspace = this.client.keyspace('default', json<number>());
  }

  protected async step(random: Random): Promise<void> {
    const key = randomPick(random, this.#keys);
    const { deadlineMs } = this.pace;
    if (randomInteger(random, 0, 3) === 0) {
      const call = this.#history.invoke(this.process, key, { kind: 'read' });
      await this.record(this.#history, call, true, async () => ({
        value: (await this.#keyspace.get(key, { deadlineMs }))?.value ?? 0,
      }));
      return;
    }
    const amount = randomInteger(random, 1, 9);
    const call = this.#history.invoke(this.process, key, { kind: 'add', amount });
    await this.record(this.#history, call, false, async () => {
      const { value } = await this.#keyspace.increment(key, amount, { deadlineMs });
      this.writes++;
      return { value };
    });
  }
}
