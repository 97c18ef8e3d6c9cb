import {
  type AtomicResult,
  type Client,
  type Counted,
  json,
  type Keyspace,
  type StoredItem,
} from '@holdfast/client';
import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import { type CycleCall, cycleProblems, type CycleResult, type Ring } from '../checkers/cycle.ts';
import type { History } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import { attempt, checkUnchanged, maybeOnce, readTogether } from './transaction.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

type CycleHistory = History<CycleCall, CycleResult>;
type Node = StoredItem<number>;

/** Beginnings of the nodes' names, each inside one range of the default keyspace. */
const PREFIXES = ['bend-', 'hoop-', 'lace-', 'wheel-'];

/** Names of a ring's keys: every node holds the number of its successor, one more key counts the swaps. */
class RingKeys {
  readonly prefix: string;
  readonly nodes: readonly string[];
  readonly swaps: string;

  constructor(prefix: string, size: number) {
    this.prefix = prefix;
    this.nodes = Array.from({ length: size }, (_, i) => `${prefix}${i}`);
    this.swaps = `${prefix}swaps`;
  }

  /** The ring and its count in one moment. */
  async read(
    keyspace: Keyspace<number>,
    deadlineMs: number,
  ): Promise<{ readonly next: Ring; readonly swaps: number }> {
    const items = await readTogether(keyspace, [...this.nodes, this.swaps], deadlineMs);
    return {
      next: this.nodes.map((key) => items.get(key)?.value),
      swaps: items.get(this.swaps)?.value ?? 0,
    };
  }
}

/** A ring of keys, in which transactions exchange neighbours (FoundationDB's Cycle). It stays one ring. */
export class CycleWorkload extends RecordedWorkload<CycleCall, CycleResult> {
  readonly name = 'cycle';
  readonly #keys: RingKeys;

  constructor(nowUs: () => number, random: Random) {
    super(nowUs);
    this.#keys = new RingKeys(randomPick(random, PREFIXES), randomInteger(random, 4, 9));
  }

  worker(world: WorkerWorld): Worker {
    return new CycleWorker(world, this.history, this.#keys);
  }

  async judge(client: Client): Promise<void> {
    const final = await this.#keys.read(client.keyspace('default', json<number>()), LAST_LOOK_MS);
    const [problem] = cycleProblems(this.history.operations, final);
    if (problem !== undefined) throw new Violation('cycle', problem);
  }
}

class CycleWorker extends Worker {
  readonly #history: CycleHistory;
  readonly #keys: RingKeys;
  readonly #ring: Keyspace<number>;
  #opened = false;
  #serial = 0;

  constructor(world: WorkerWorld, history: CycleHistory, keys: RingKeys) {
    super(world);
    this.#history = history;
    this.#keys = keys;
    this.#ring = this.client.keyspace('default', json<number>());
  }

  protected async step(random: Random): Promise<void> {
    const { prefix, nodes } = this.#keys;
    const { deadlineMs } = this.pace;
    if (!this.#opened && randomChance(random, 0.7)) {
      const call = this.#history.invoke(this.process, prefix, { kind: 'open' });
      await this.record<CycleCall, CycleResult>(this.#history, call, false, () => this.#open());
      return;
    }
    if (randomChance(random, 0.2)) {
      const call = this.#history.invoke(this.process, prefix, { kind: 'read' });
      await this.record<CycleCall, CycleResult>(this.#history, call, true, async () => ({
        kind: 'ring',
        ...(await this.#keys.read(this.#ring, deadlineMs)),
      }));
      return;
    }
    const node = randomInteger(random, 0, nodes.length - 1);
    const call = this.#history.invoke(this.process, prefix, { kind: 'swap', node });
    await this.record<CycleCall, CycleResult>(this.#history, call, false, async () => {
      const result = await attempt(
        () => this.#swap(random, node),
        () => this.writes++,
      );
      if (result === undefined) return undefined;
      return { kind: 'swapped', swaps: (result.results.at(-1) as Counted).value };
    });
  }

  /** The ring exists behind it, whoever made it. */
  async #open(): Promise<CycleResult> {
    const { nodes, swaps } = this.#keys;
    const opening = this.#ring.atomic().check(swaps, { exists: false }).set(swaps, 0);
    for (const [i, key] of nodes.entries()) opening.set(key, (i + 1) % nodes.length);
    await opening.commit({ deadlineMs: this.pace.deadlineMs });
    this.#opened = true;
    return { kind: 'done' };
  }

  /**
   * Of a -> b -> c -> d makes a -> c -> b -> d. Each node is read by itself: only the checks of the transaction make
   * the three of them one moment. Undefined when what was read is no ring, so that it could not have held.
   */
  async #swap(random: Random, start: number): Promise<AtomicResult | undefined> {
    const { nodes, swaps } = this.#keys;
    const { deadlineMs } = this.pace;
    const items = new Map<string, Node>();
    const path = [start];
    for (let i = 0; i < 3; i++) {
      const key = nodes[path[i]!]!;
      const item = await this.#ring.get(key, { deadlineMs });
      if (item === undefined) return undefined;
      items.set(key, item);
      path.push(item.value);
    }
    if (items.size < 3) return undefined;
    const [a, b, c, d] = path as [number, number, number, number];
    const transaction = this.#ring.atomic();
    checkUnchanged(transaction, items);
    transaction.set(nodes[a]!, c).set(nodes[c]!, b).set(nodes[b]!, d).increment(swaps);
    const once = maybeOnce(random, `${this.process}-cycle-${++this.#serial}`);
    return transaction.commit({ deadlineMs, ...once });
  }
}
