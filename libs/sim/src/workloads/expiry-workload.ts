import { type Client, type Keyspace, text } from '@holdfast/client';
import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import { type ExpiryCall, expiryProblems, type ExpiryResult } from '../checkers/expiry.ts';
import type { History } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';

type ExpiryHistory = History<ExpiryCall, ExpiryResult>;

/** Begins of keys, one in each range. */
const PREFIXES = ['bloom-', 'frost-', 'petal-', 'thaw-'];
/** The newest keys are read, the others have been due for long. */
const KEYS_READ = 6;
const TTL_MS: readonly [number, number] = [50, 4_000];

/** Keys that are written once, with a time to live, and read again and again. */
export class ExpiryWorkload extends RecordedWorkload<ExpiryCall, ExpiryResult> {
  readonly name = 'expiry';
  readonly #deaths: () => number;
  /** The newest keys, of all workers. */
  readonly #keys: string[] = [];

  /** @param deaths processes that have died so far */
  constructor(nowUs: () => number, deaths: () => number) {
    super(nowUs);
    this.#deaths = deaths;
  }

  worker(world: WorkerWorld): Worker {
    return new ExpiryWorker(world, this.history, this.#keys, this.#deaths);
  }

  judge(_client: Client): Promise<void> {
    const [problem] = expiryProblems(this.history.operations);
    if (problem !== undefined) throw new Violation('expiry', problem);
    return Promise.resolve();
  }
}

class ExpiryWorker extends Worker {
  readonly #history: ExpiryHistory;
  readonly #keys: string[];
  readonly #deaths: () => number;
  readonly #keyspace: Keyspace<string>;
  #serial = 0;

  constructor(world: WorkerWorld, history: ExpiryHistory, keys: string[], deaths: () => number) {
    super(world);
    this.#history = history;
    this.#keys = keys;
    this.#deaths = deaths;
    this.#keyspace = this.client.keyspace('default', text);
  }

  protected async step(random: Random): Promise<void> {
    if (this.#keys.length === 0 || randomChance(random, 0.2)) await this.#write(random);
    else await this.#read(randomPick(random, this.#keys));
  }

  async #write(random: Random): Promise<void> {
    const key = `${randomPick(random, PREFIXES)}${this.process}-${++this.#serial}`;
    const ttlMs = randomInteger(random, ...TTL_MS);
    this.#keys.push(key);
    if (this.#keys.length > KEYS_READ) this.#keys.shift();
    const call = this.#history.invoke(this.process, key, { kind: 'write', ttlMs });
    await this.record(this.#history, call, false, async () => {
      await this.#keyspace.set(key, key, { ttlMs, deadlineMs: this.pace.deadlineMs });
      this.writes++;
      return { seen: true, deaths: this.#deaths() };
    });
  }

  async #read(key: string): Promise<void> {
    const call = this.#history.invoke(this.process, key, { kind: 'read', deaths: this.#deaths() });
    await this.record(this.#history, call, true, async () => {
      const item = await this.#keyspace.get(key, { deadlineMs: this.pace.deadlineMs });
      return { seen: item !== undefined, deaths: this.#deaths() };
    });
  }
}
