import {
  type Change,
  ChangeKind,
  type Client,
  type Keyspace,
  text,
  type WatchHandle,
  type WatchSink,
} from '@holdfast/client';
import {
  EMPTY_BYTES,
  prefixEnd,
  type Random,
  randomChance,
  randomInteger,
  randomPick,
  utf8,
} from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';
import type { History } from '../checkers/history.ts';
import { Violation } from '../checkers/violation.ts';
import {
  type Followed,
  type ToldChange,
  type WatchedCall,
  type WatchedResult,
  watchProblems,
} from '../checkers/watch.ts';
import { RecordedWorkload } from './recorded-workload.ts';
import { Worker, type WorkerWorld } from './worker.ts';
import { LAST_LOOK_MS } from './workload.ts';

type WatchHistory = History<WatchedCall, WatchedResult>;

/** A few keys inside each range of the default keyspace, and what a follower may look at: one of them, or all. */
const PREFIXES = ['bee/', 'fly/', 'owl/', 'yak/'];
const KEYS_EACH = 3;

const decoder = new TextDecoder();

/**
 * Writes keys that others follow. Followers lose connections and leaders as everybody does, go away and come back where
 * they were, and take what comes or leave it for a while.
 */
export class WatchWorkload extends RecordedWorkload<WatchedCall, WatchedResult> {
  readonly name = 'watch';
  readonly #followers: Follower[] = [];

  worker(world: WorkerWorld): Worker {
    const follower = new Follower(`follower ${world.process}`, world.client, world.random.fork());
    this.#followers.push(follower);
    return new WatchWorker(world, this.history, follower);
  }

  /** Everybody hears of a last write in every range; then what they were told is held against the history. */
  async judge(client: Client): Promise<void> {
    const keyspace = client.keyspace('default', text);
    let last = 0;
    for (const prefix of PREFIXES) {
      const { revision } = await keyspace.set(`${prefix}end`, 'end', { deadlineMs: LAST_LOOK_MS });
      last = Math.max(last, revision);
    }
    await Promise.all(this.#followers.map((follower) => follower.reaches(last)));
    for (const follower of this.#followers) follower.stop();
    const [problem] = watchProblems(
      this.history.operations,
      this.#followers.flatMap((one) => one.followed()),
    );
    if (problem !== undefined) throw new Violation('watch', problem);
  }
}

class WatchWorker extends Worker {
  readonly #history: WatchHistory;
  readonly #follower: Follower;
  readonly #keyspace: Keyspace<string>;

  constructor(world: WorkerWorld, history: WatchHistory, follower: Follower) {
    super(world);
    this.#history = history;
    this.#follower = follower;
    this.#keyspace = this.client.keyspace('default', text);
  }

  protected async step(random: Random): Promise<void> {
    this.#follower.step(random);
    const key = `${randomPick(random, PREFIXES)}${randomInteger(random, 1, KEYS_EACH)}`;
    const isPut = randomChance(random, 0.8);
    const value = `${this.process}-${this.steps}`;
    const call = this.#history.invoke(this.process, key, isPut ? { kind: 'put', value } : { kind: 'delete' });
    const { deadlineMs } = this.pace;
    await this.record<WatchedCall, WatchedResult>(this.#history, call, false, async () => {
      const { revision } = isPut
        ? await this.#keyspace.set(key, value, { deadlineMs })
        : await this.#keyspace.delete(key, { deadlineMs });
      this.writes++;
      return { revision };
    });
  }
}

/** What a follower knows without a gap. */
interface Known {
  readonly after: number;
  upTo: number;
  told: ToldChange[];
}

/** One client that follows, with pauses. What it misses because it is no longer kept begins another history. */
class Follower implements WatchSink {
  readonly #name: string;
  readonly #client: Client;
  readonly #prefix: string;
  readonly #histories: Known[] = [];
  #known: Known | undefined;
  #handle: WatchHandle | undefined;
  /** Changes that were not taken yet, while it is busy with something else. */
  #untaken: Change[] = [];
  #isBusy = false;
  #goal: { readonly revision: number; readonly reached: () => void } | undefined;

  constructor(name: string, client: Client, random: Random) {
    this.#name = name;
    this.#client = client;
    this.#prefix = randomPick(random, ['', '', ...PREFIXES]);
  }

  /** Between two writes: goes away, comes back, or gets busy. */
  step(random: Random): void {
    if (this.#handle === undefined) this.#begin();
    else if (randomChance(random, 0.05)) this.#leave();
    else if (randomChance(random, 0.1)) this.#isBusy = !this.#isBusy;
    if (!this.#isBusy) this.#take();
  }

  reaches(revision: number): Promise<void> {
    this.#isBusy = false;
    return new Promise((reached) => {
      this.#goal = { revision, reached };
      if (this.#handle === undefined) this.#begin();
      this.#take();
      this.#look();
    });
  }

  stop(): void {
    this.#leave();
  }

  followed(): readonly Followed[] {
    return this.#histories.map((known, i) => ({
      ...known,
      name: `${this.#name}.${i}`,
      // Other workloads have keys of their own, and the last writes are nobody's.
      told: known.told.filter(({ key }) => isOurs(key)),
      follows: (key) => key.startsWith(this.#prefix),
    }));
  }

  change(change: Change): void {
    const { record, resume } = change;
    const known = this.#known;
    if (known === undefined)
      throw new Violation('watch', `${this.#name} is told of a change before it stands`);
    const value = record.kind === ChangeKind.put ? decoder.decode(record.value) : undefined;
    known.told.push({ key: decoder.decode(record.key), value, revision: record.revision });
    known.upTo = Math.max(known.upTo, resume);
    if (this.#isBusy) this.#untaken.push(change);
    else this.#handle?.taken(change);
    this.#look();
  }

  progress(revision: number): void {
    if (this.#known === undefined) {
      this.#known = { after: revision, upTo: revision, told: [] };
      this.#histories.push(this.#known);
    }
    this.#known.upTo = Math.max(this.#known.upTo, revision);
    this.#look();
  }

  ended(error: HoldfastError): void {
    this.#leave();
    if (error.code !== 'HF_COMPACTED') throw new Violation('watch', `${this.#name} ended: ${error.message}`);
    this.#known = undefined;
    if (this.#goal !== undefined) this.#begin();
  }

  #begin(): void {
    const start = utf8(this.#prefix);
    const end = this.#prefix === '' ? EMPTY_BYTES : (prefixEnd(start) ?? EMPTY_BYTES);
    const after = this.#known?.upTo ?? 0;
    this.#handle = this.#client.watch({ keyspace: 'default', start, end, after }, this);
  }

  #leave(): void {
    this.#handle?.cancel();
    this.#handle = undefined;
    this.#untaken = [];
    const known = this.#known;
    // What came of a transaction that is not complete comes again.
    if (known !== undefined) known.told = known.told.filter(({ revision }) => revision <= known.upTo);
  }

  #take(): void {
    for (const change of this.#untaken.splice(0)) this.#handle?.taken(change);
  }

  #look(): void {
    if (this.#goal !== undefined && (this.#known?.upTo ?? 0) >= this.#goal.revision) this.#goal.reached();
  }
}

function isOurs(key: string): boolean {
  return PREFIXES.some((prefix) => key.startsWith(prefix)) && !key.endsWith('end');
}
