import { type Client, json, type Keyspace } from '@holdfast/client';
import { type Random, randomInteger } from '@holdfast/io';
import type { History } from '../checkers/history.ts';
import { type SessionCall, sessionProblems, type SessionResult } from '../checkers/session.ts';
import { Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';

type SessionHistory = History<SessionCall, SessionResult>;

/** Begins of keys, one in each range; each worker writes its own. */
const PREFIXES = ['day-', 'fog-', 'rain-', 'wind-'];

/** Each worker numbers the writes of its key, and reads everybody's from any replica above its revision floor. */
export class SessionWorkload extends RecordedWorkload<SessionCall, SessionResult> {
  readonly name = 'session';
  readonly #keys: string[] = [];

  worker(world: WorkerWorld): Worker {
    const own = `${PREFIXES[this.#keys.length % PREFIXES.length]}${world.process}`;
    this.#keys.push(own);
    return new SessionWorker(world, this.history, own, this.#keys);
  }

  judge(_client: Client): Promise<void> {
    const [problem] = sessionProblems(this.history.operations);
    if (problem !== undefined) throw new Violation('session', problem);
    return Promise.resolve();
  }
}

class SessionWorker extends Worker {
  readonly #history: SessionHistory;
  readonly #own: string;
  /** Of all workers; grows while they are made. */
  readonly #keys: readonly string[];
  readonly #keyspace: Keyspace<number>;
  #number = 0;
  /** Newest revision that this session has met. */
  #floor = 0;

  constructor(world: WorkerWorld, history: SessionHistory, own: string, keys: readonly string[]) {
    super(world);
    this.#history = history;
    this.#own = own;
    this.#keys = keys;
    this.#keyspace = this.client.keyspace('default', json<number>());
  }

  protected async step(random: Random): Promise<void> {
    const { deadlineMs } = this.pace;
    let result: SessionResult | undefined;
    if (randomInteger(random, 0, 2) === 0) {
      const number = ++this.#number;
      const call = this.#history.invoke(this.process, this.#own, { kind: 'write', number });
      result = await this.record(this.#history, call, false, async () => {
        const { revision } = await this.#keyspace.set(this.#own, number, { deadlineMs });
        this.writes++;
        return { number, revision };
      });
    } else {
      const key = this.#keys[randomInteger(random, 0, this.#keys.length - 1)]!;
      const call = this.#history.invoke(this.process, key, { kind: 'read' });
      const minRevision = this.#floor;
      result = await this.record(this.#history, call, true, async () => {
        const item = await this.#keyspace.get(key, { deadlineMs, consistency: 'eventual', minRevision });
        return { number: item?.value ?? 0, revision: item?.revision ?? 0 };
      });
    }
    this.#floor = Math.max(this.#floor, result?.revision ?? 0);
  }
}
