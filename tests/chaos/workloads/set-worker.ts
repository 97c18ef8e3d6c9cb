import { type Client, type Keyspace, text } from '@holdfast/client';
import { type Random, randomInteger } from '@holdfast/io';
import type { History } from '../../../libs/sim/src/checkers/history.ts';
import type { SetCall, SetResult } from '../../../libs/sim/src/checkers/set.ts';
import { accessError } from './client-access.ts';
import { Worker, type WorkerWorld } from './worker.ts';

/** One prefix in each range. */
const PREFIXES = ['box', 'hat', 'pot', 'urn'] as const;
/** Additions between two scans. */
const ADDS_PER_SCAN = 40;

/** The sets of an epoch, as prefixes of keys. */
export function setPrefixes(epoch: number): readonly string[] {
  return PREFIXES.map((prefix) => `${prefix}-${epoch}-`);
}

/** What is written under a key of the set: a reader knows what it must be. */
export function contentOf(key: string): string {
  const repeats = 1 + ((key.length * 7 + Number(key.split('-').at(-1))) % 40);
  return `${key};`.repeat(repeats);
}

/** Adds keys that are never written again, and now and then lists them. */
export class SetWorker extends Worker<SetCall, SetResult> {
  readonly #keyspace: Keyspace<string>;
  readonly #deadlineMs: number;
  #serial = 0;

  constructor(
    id: number,
    workers: number,
    client: Client,
    deadlineMs: number,
    world: WorkerWorld,
    history: History<SetCall, SetResult>,
    random: Random,
  ) {
    super(id, workers, world, history, random);
    this.#keyspace = client.keyspace('default', text);
    this.#deadlineMs = deadlineMs;
  }

  protected async step(): Promise<void> {
    const prefix = setPrefixes(this.epoch)[randomInteger(this.random, 0, PREFIXES.length - 1)] ?? '';
    this.#serial++;
    if (this.#serial % ADDS_PER_SCAN === 0) {
      await this.record(prefix, { kind: 'list' }, true, async () => ({
        kind: 'keys',
        keys: await listSet(this.#keyspace, prefix, this.#deadlineMs),
      }));
      return;
    }
    const key = `${prefix}${this.id}-${this.#serial}`;
    await this.record(prefix, { kind: 'add', key }, false, async () => {
      try {
        await this.#keyspace.set(key, contentOf(key), { deadlineMs: this.#deadlineMs });
      } catch (error) {
        throw accessError(error);
      }
      return { kind: 'added' };
    });
  }
}

/**
 * The keys under a prefix, by a strong scan, each with the content that belongs to it.
 *
 * @throws AccessError; Error for a wrong value.
 */
export async function listSet(
  keyspace: Keyspace<string>,
  prefix: string,
  deadlineMs: number,
): Promise<readonly string[]> {
  const keys: string[] = [];
  try {
    for await (const { key = '', value } of keyspace.scan({ prefix, deadlineMs })) {
      if (value !== contentOf(key))
        throw new WrongValue(`${key} holds ${JSON.stringify(value.slice(0, 100))}`);
      keys.push(key);
    }
  } catch (error) {
    throw accessError(error);
  }
  return keys;
}

/** A value that nobody wrote there. */
export class WrongValue extends Error {
  override readonly name = 'WrongValue';
}
