import { type Random, randomChance, randomPick } from '@holdfast/io';
import type { History } from '../../../libs/sim/src/checkers/history.ts';
import type { AppendCall, AppendResult } from '../checks/append-check.ts';
import type { KeyAccess } from './key-access.ts';
import { Worker, type WorkerWorld } from './worker.ts';

/** Two ranges; one key would be in the way of itself. */
const NAMES = ['berries', 'plums'] as const;
const READ_ONLY_SHARE = 0.2;

/** The counters of an epoch. */
export function appendKeys(epoch: number): readonly string[] {
  return NAMES.map((name) => `${name}-${epoch}`);
}

/** What a counter holds as its list of marks. */
export function marksOf(value: string | undefined): readonly string[] {
  return value === undefined || value === '' ? [] : value.split(' ');
}

/** Counts by appending a mark of its own to the value, under the condition that nobody else did: read, then compare-and-set. */
export class AppendWorker extends Worker<AppendCall, AppendResult> {
  readonly #access: KeyAccess;
  #serial = 0;

  constructor(
    id: number,
    workers: number,
    access: KeyAccess,
    world: WorkerWorld,
    history: History<AppendCall, AppendResult>,
    random: Random,
  ) {
    super(id, workers, world, history, random);
    this.#access = access;
  }

  protected async step(): Promise<void> {
    const key = randomPick(this.random, appendKeys(this.epoch));
    let revision = 0;
    let value: string | undefined;
    const read = await this.record(key, { kind: 'read' }, true, async () => {
      const answer = await this.#access.get(key);
      if (answer.kind === 'value') ({ value, revision } = answer);
      return { kind: 'marks', marks: marksOf(value) };
    });
    if (read === undefined || randomChance(this.random, READ_ONLY_SHARE)) return;
    const mark = `${this.id}.${++this.#serial}`;
    const longer = value === undefined ? mark : `${value} ${mark}`;
    await this.record(key, { kind: 'append', mark, behind: marksOf(value).length }, false, async () => {
      const { kind } = await this.#access.putIf(key, longer, revision);
      return { kind: kind === 'done' ? 'appended' : 'refused' };
    });
  }
}
