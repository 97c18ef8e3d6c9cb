import { type Random, randomInteger, randomPick } from '@holdfast/io';
import type { History, RegisterCall, RegisterResult } from '../../../libs/sim/src/checkers/history.ts';
import type { Answer, KeyAccess } from './key-access.ts';
import { Worker, type WorkerWorld } from './worker.ts';

/** One in each range of the default keyspace. */
const NAMES = ['apple', 'grape', 'lemon', 'tomato'] as const;

interface Known {
  readonly value: string | undefined;
  readonly revision: number;
}

/** The register keys of an epoch. */
export function registerKeys(epoch: number): readonly string[] {
  return NAMES.map((name) => `${name}-${epoch}`);
}

/** Puts, gets, deletes and comparisons on few keys. Every value is written once, so a read tells which write it saw. */
export class RegisterWorker extends Worker<RegisterCall, RegisterResult> {
  readonly #access: KeyAccess;
  /** What this worker saw last of each key: the ground for its comparisons. */
  readonly #known = new Map<string, Known>();
  #serial = 0;

  constructor(
    id: number,
    workers: number,
    access: KeyAccess,
    world: WorkerWorld,
    history: History,
    random: Random,
  ) {
    super(id, workers, world, history, random);
    this.#access = access;
  }

  protected async step(): Promise<void> {
    const key = randomPick(this.random, registerKeys(this.epoch));
    const known = this.#known.get(key);
    const call = this.#choose(known);
    const result = await this.record(key, call, call.kind === 'get', () => this.#perform(key, call, known));
    if (result === undefined) return;
    if (result.kind === 'mismatch') this.#known.delete(key);
    else this.#known.set(key, { value: valueAfter(call, result), revision: result.revision ?? 0 });
  }

  #choose(known: Known | undefined): RegisterCall {
    const kind = randomInteger(this.random, 0, 9);
    const value = `${this.id}-${++this.#serial}`;
    if (kind < 4) return { kind: 'get' };
    if (kind === 4) return { kind: 'delete' };
    if (kind < 7 && known !== undefined) return { kind: 'cas', expected: known.value, value };
    return { kind: 'put', value };
  }

  #perform(key: string, call: RegisterCall, known: Known | undefined): Promise<Answer> {
    switch (call.kind) {
      case 'get':
        return this.#access.get(key);
      case 'put':
        return this.#access.put(key, call.value);
      case 'delete':
        return this.#access.delete(key);
      case 'cas':
        return this.#access.putIf(key, call.value, call.expected === undefined ? 0 : (known?.revision ?? 0));
    }
  }
}

function valueAfter(call: RegisterCall, result: RegisterResult): string | undefined {
  switch (call.kind) {
    case 'get':
      return result.kind === 'value' ? result.value : undefined;
    case 'delete':
      return undefined;
    default:
      return call.value;
  }
}
