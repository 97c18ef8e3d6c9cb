import { type Client, type Keyspace, text } from '@holdfast/client';
import { type Random, randomInteger, randomPick } from '@holdfast/io';
import type { History } from '../checkers/history.ts';
import { type SetCall, setProblems, type SetResult } from '../checkers/set.ts';
import { Violation } from '../checkers/violation.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

type SetHistory = History<SetCall, SetResult>;

/** One set inside each range of the default keyspace. */
const PREFIXES = ['box-', 'hat-', 'pot-', 'urn-'];

/** Adds keys that are never written again, and scans them now and then. Nothing is lost, nothing comes from nowhere. */
export class SetWorkload extends RecordedWorkload<SetCall, SetResult> {
  readonly name = 'set';
  readonly #prefixes: readonly string[];

  constructor(nowUs: () => number, random: Random) {
    super(nowUs);
    this.#prefixes = PREFIXES.slice(0, randomInteger(random, 1, PREFIXES.length));
  }

  worker(world: WorkerWorld): Worker {
    return new SetWorker(world, this.history, this.#prefixes);
  }

  async judge(client: Client): Promise<void> {
    const keyspace = client.keyspace('default', text);
    for (const prefix of this.#prefixes) {
      const final = await list(keyspace, prefix, LAST_LOOK_MS);
      const own = this.history.operations.filter(({ key }) => key === prefix);
      const [problem] = setProblems(own, final);
      if (problem !== undefined) throw new Violation('set', `${prefix} ${problem}`);
    }
  }
}

class SetWorker extends Worker {
  readonly #history: SetHistory;
  readonly #prefixes: readonly string[];
  readonly #keyspace: Keyspace<string>;

  constructor(world: WorkerWorld, history: SetHistory, prefixes: readonly string[]) {
    super(world);
    this.#history = history;
    this.#prefixes = prefixes;
    this.#keyspace = this.client.keyspace('default', text);
  }

  protected async step(random: Random): Promise<void> {
    const prefix = randomPick(random, this.#prefixes);
    const { deadlineMs } = this.pace;
    if (randomInteger(random, 0, 9) === 0) {
      const call = this.#history.invoke(this.process, prefix, { kind: 'list' });
      await this.record<SetCall, SetResult>(this.#history, call, true, async () => ({
        kind: 'keys',
        keys: await list(this.#keyspace, prefix, deadlineMs),
      }));
      return;
    }
    const key = `${prefix}${this.process}-${this.steps}`;
    const call = this.#history.invoke(this.process, prefix, { kind: 'add', key });
    await this.record<SetCall, SetResult>(this.#history, call, false, async () => {
      await this.#keyspace.set(key, contentOf(key), { deadlineMs });
      this.writes++;
      return { kind: 'added' };
    });
  }
}

/** What is written under a key: a reader knows what it must be. */
function contentOf(key: string): string {
  return `${key};`.repeat(1 + (key.length % 20));
}

/** @throws HoldfastError; Violation for a wrong value. */
async function list(
  keyspace: Keyspace<string>,
  prefix: string,
  deadlineMs: number,
): Promise<readonly string[]> {
  const keys: string[] = [];
  // Small pages, so that a scan goes on across changes of leaders.
  for await (const { key = '', value } of keyspace.scan({ prefix, deadlineMs, pageSize: 20 })) {
    if (value !== contentOf(key)) throw new Violation('set', `${key} holds ${JSON.stringify(value)}`);
    keys.push(key);
  }
  return keys;
}
