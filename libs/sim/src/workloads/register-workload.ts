import type { Client, Operation, OpResult } from '@holdfast/client';
import { type Random, randomInteger, randomPick, utf8 } from '@holdfast/io';
import { Condition, type HoldfastError, OpKind } from '@holdfast/wire';
import type { History, Operation as Recorded, RegisterCall, RegisterResult } from '../checkers/history.ts';
import { checkRegisters } from '../checkers/linearizable.ts';
import { checkRevisions } from '../checkers/revisions.ts';
import { Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';

/** One in each range of the default keyspace, and one more. */
const KEYS = ['apple', 'banana', 'cherry', 'kiwi', 'lemon', 'strawberry'];

/**
 * Puts, gets, deletes and comparisons on a few keys. Every value is written once, so that a read tells which write
 * it saw. Judged for linearizability, key by key.
 */
export class RegisterWorkload extends RecordedWorkload {
  readonly name = 'register';
  readonly #keys: readonly string[];

  constructor(nowUs: () => number, random: Random) {
    super(nowUs);
    this.#keys = KEYS.slice(0, randomInteger(random, 1, KEYS.length));
  }

  worker(world: WorkerWorld): Worker {
    return new RegisterWorker(world, this.history, this.#keys);
  }

  judge(_client: Client): Promise<void> {
    const { operations } = this.history;
    checkRevisions(operations);
    const { verdict, key, stuckAt } = checkRegisters(operations);
    if (verdict === 'ok') return Promise.resolve();
    const invariant = verdict === 'violation' ? 'linearizable' : 'linearizable-unknown';
    throw new Violation(invariant, `key ${key}, no order explains ${JSON.stringify(stuckAt)}`);
  }
}

interface Known {
  readonly value: string | undefined;
  readonly revision: number;
}

const decoder = new TextDecoder();

class RegisterWorker extends Worker {
  readonly #history: History;
  readonly #keys: readonly string[];
  /** What this worker saw last of each key: the ground for its comparisons. */
  readonly #known = new Map<string, Known>();

  constructor(world: WorkerWorld, history: History, keys: readonly string[]) {
    super(world);
    this.#history = history;
    this.#keys = keys;
  }

  protected async step(random: Random): Promise<void> {
    const recorded = this.#choose(random, randomPick(random, this.#keys));
    const { key, call } = recorded;
    const { deadlineMs } = this.pace;
    const request = this.#request(recorded);
    const isRead = call.kind === 'get';
    await this.record(
      this.#history,
      recorded,
      isRead,
      async () =>
        this.#seen(
          recorded,
          await this.client.execute({ keyspace: 'default', key: utf8(key), deadlineMs, ...request }),
        ),
      (error) => this.#meant(recorded, error),
    );
  }

  #choose(random: Random, key: string): Recorded {
    const kind = randomInteger(random, 0, 9);
    const value = `${this.process}-${this.steps}`;
    const known = this.#known.get(key);
    let call: RegisterCall = { kind: 'put', value };
    if (kind < 4) call = { kind: 'get' };
    else if (kind === 4) call = { kind: 'delete' };
    else if (kind < 7 && known !== undefined) call = { kind: 'cas', expected: known.value, value };
    return this.#history.invoke(this.process, key, call);
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

  #seen({ key, call }: Recorded, result: OpResult): RegisterResult {
    const { revision } = result;
    if (call.kind === 'get') {
      const value = result.found ? decoder.decode(result.value) : undefined;
      this.#known.set(key, { value, revision });
      return { kind: 'value', value, revision };
    }
    this.writes++;
    this.#known.set(key, { value: call.kind === 'delete' ? undefined : call.value, revision });
    return { kind: 'done', revision };
  }

  /** Errors that are answers. */
  #meant({ key, call }: Recorded, { code, revision }: HoldfastError): RegisterResult | undefined {
    if (code === 'HF_PRECONDITION_FAILED' && call.kind === 'cas') {
      this.#known.delete(key);
      return { kind: 'mismatch', ...(revision !== undefined && { revision }) };
    }
    if (code === 'HF_KEY_NOT_FOUND' && call.kind === 'get') {
      this.#known.set(key, { value: undefined, revision: 0 });
      return { kind: 'value', value: undefined, revision: 0 };
    }
    return undefined;
  }
}
