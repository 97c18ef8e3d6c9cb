import { type AtomicResult, type Client, json, type Keyspace, type StoredItem } from '@holdfast/client';
import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import type { History } from '../checkers/history.ts';
import { checkListAppend, type ListStep, type ListTransaction } from '../checkers/list-append.ts';
import { Violation } from '../checkers/violation.ts';
import { attempt, checkUnchanged, maybeOnce, readTogether } from './transaction.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

interface ListCall {
  /** Reads have no values yet. */
  readonly steps: readonly ListStep[];
}

interface ListResult {
  /** The same steps, with what the reads saw. */
  readonly steps: readonly ListStep[];
}

type ListHistory = History<ListCall, ListResult>;

/** One group of lists inside each range of the default keyspace. */
const PREFIXES = ['album-', 'essay-', 'novel-', 'verse-'];
const STEPS_MAX = 4;
/** A list that has got so many appends is left alone, and another begun. */
const APPENDS_MAX = 30;

/** The lists that are worked on at present, inside one range. */
class ListGroup {
  readonly prefix: string;
  readonly #names: string[];
  readonly #appends = new Map<string, number>();
  #serial = 0;
  #values = 0;

  constructor(prefix: string, count: number) {
    this.prefix = prefix;
    this.#names = Array.from({ length: count }, () => this.#newName());
  }

  /** Every list so far. */
  get all(): readonly string[] {
    return Array.from({ length: this.#serial }, (_, i) => `${this.prefix}${i + 1}`);
  }

  pick(random: Random): string {
    return randomPick(random, this.#names);
  }

  /** A value that is used once. */
  append(name: string): ListStep {
    const appends = (this.#appends.get(name) ?? 0) + 1;
    this.#appends.set(name, appends);
    if (appends >= APPENDS_MAX) {
      const at = this.#names.indexOf(name);
      if (at >= 0) this.#names[at] = this.#newName();
    }
    return { kind: 'append', key: name, value: ++this.#values };
  }

  #newName(): string {
    return `${this.prefix}${++this.#serial}`;
  }
}

/**
 * Transactions that read lists and append to them, all of one range (Elle's list-append). Judged for strict
 * serializability: the lists themselves tell in which order their transactions happened.
 */
export class ListWorkload extends RecordedWorkload<ListCall, ListResult> {
  readonly name = 'list-append';
  readonly #groups: readonly ListGroup[];

  constructor(nowUs: () => number, random: Random) {
    super(nowUs);
    const lists = randomInteger(random, 1, 4);
    this.#groups = PREFIXES.slice(0, randomInteger(random, 1, PREFIXES.length)).map(
      (prefix) => new ListGroup(prefix, lists),
    );
  }

  worker(world: WorkerWorld): Worker {
    return new ListWorker(world, this.history, this.#groups);
  }

  async judge(client: Client): Promise<void> {
    const lists = client.keyspace('default', json<number[]>());
    for (const group of this.#groups) {
      for (const key of group.all) {
        const call = this.history.invoke(-1, group.prefix, {
          steps: [{ kind: 'read', key, values: undefined }],
        });
        const values = (await lists.get(key, { deadlineMs: LAST_LOOK_MS }))?.value ?? [];
        this.history.ok(call, { steps: [{ kind: 'read', key, values }] });
      }
    }
    const transactions = this.history.operations.map(
      ({ process, call, result, outcome, invoked, completed }): ListTransaction => ({
        process,
        steps: (result ?? call).steps,
        outcome,
        invoked,
        completed,
      }),
    );
    const [anomaly] = checkListAppend(transactions);
    if (anomaly === undefined) return;
    const shown = (anomaly.detail.match(/\d+(?= )/g) ?? []).map(
      (index) => `${index}: ${JSON.stringify(transactions[Number(index)])}`,
    );
    throw new Violation('list-append', [`${anomaly.name} ${anomaly.detail}`, ...shown].join('\n'));
  }
}

class ListWorker extends Worker {
  readonly #history: ListHistory;
  readonly #groups: readonly ListGroup[];
  readonly #lists: Keyspace<number[]>;
  #serial = 0;

  constructor(world: WorkerWorld, history: ListHistory, groups: readonly ListGroup[]) {
    super(world);
    this.#history = history;
    this.#groups = groups;
    this.#lists = this.client.keyspace('default', json<number[]>());
  }

  protected async step(random: Random): Promise<void> {
    const group = randomPick(random, this.#groups);
    const readsOnly = randomChance(random, 0.3);
    const steps = Array.from({ length: randomInteger(random, 1, STEPS_MAX) }, (): ListStep => {
      const key = group.pick(random);
      if (readsOnly || randomChance(random, 0.4)) return { kind: 'read', key, values: undefined };
      return group.append(key);
    });
    const writes = steps.some(({ kind }) => kind === 'append');
    const call = this.#history.invoke(this.process, group.prefix, { steps });
    await this.record(this.#history, call, !writes, () =>
      writes ? this.#write(random, steps) : this.#read(steps),
    );
  }

  async #read(steps: readonly ListStep[]): Promise<ListResult> {
    const items = await readTogether(this.#lists, keysOf(steps), this.pace.deadlineMs);
    return { steps: steps.map((step) => seen(step, items.get(step.key))) };
  }

  async #write(random: Random, steps: readonly ListStep[]): Promise<ListResult | undefined> {
    const { deadlineMs } = this.pace;
    const propose = async (): Promise<AtomicResult> => {
      const items = await readTogether(this.#lists, keysOf(steps), deadlineMs);
      const transaction = this.#lists.atomic();
      checkUnchanged(transaction, items);
      const lists = new Map([...items].map(([key, item]) => [key, item?.value ?? []]));
      for (const step of steps) {
        if (step.kind === 'read') {
          transaction.get(step.key);
          continue;
        }
        const list = [...(lists.get(step.key) ?? []), step.value];
        lists.set(step.key, list);
        transaction.set(step.key, list);
      }
      const once = maybeOnce(random, `${this.process}-list-${++this.#serial}`);
      return transaction.commit({ deadlineMs, ...once });
    };
    const result = await attempt(propose, () => this.writes++);
    if (result === undefined) return undefined;
    return {
      steps: steps.map((step, i) => seen(step, result.results[i] as StoredItem<number[]> | undefined)),
    };
  }
}

function keysOf(steps: readonly ListStep[]): readonly string[] {
  return [...new Set(steps.map(({ key }) => key))];
}

function seen(step: ListStep, item: StoredItem<number[]> | undefined): ListStep {
  return step.kind === 'append' ? step : { ...step, values: item?.value ?? [] };
}
