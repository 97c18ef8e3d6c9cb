import { type Random, randomChance, randomInteger, randomPick } from '@holdfast/io';
import type { History } from '../checkers/history.ts';
import { Phase } from '../world/scheduler.ts';
import type { RaftCluster } from './raft-cluster.ts';

export interface RegisterClientParts {
  readonly process: number;
  readonly cluster: RaftCluster;
  readonly history: History;
  readonly random: Random;
  readonly keys: readonly string[];
  readonly timeoutMs: number;
}

/** Reads and writes registers through whichever toy node it meets, one operation at a time. */
export class RegisterClient {
  readonly #parts: RegisterClientParts;
  #value = 0;
  /** Writes that were acknowledged. */
  writes = 0;

  constructor(parts: RegisterClientParts) {
    this.#parts = parts;
  }

  start(): void {
    const { cluster, random } = this.#parts;
    const thinkUs = randomInteger(random, 1_000, 100_000);
    cluster.scheduler.schedule(thinkUs, Phase.input, undefined, () => this.#act());
  }

  #act(): void {
    const { cluster, random } = this.#parts;
    // Mostly a node that says it leads: there may be several, and the wrong ones are the interesting ones.
    const leaders = cluster.running.filter((node) => node.raft.isLeader);
    const choices = leaders.length > 0 && randomChance(random, 0.8) ? leaders : cluster.running;
    if (choices.length === 0) this.start();
    else if (randomChance(random, 0.5)) this.#write(randomPick(random, choices));
    else this.#read(randomPick(random, choices));
  }

  #write(node: RaftCluster['running'][number]): void {
    const { process, history, random, keys } = this.#parts;
    const key = randomPick(random, keys);
    const value = `${process}-${++this.#value}`;
    const operation = history.invoke(process, key, { kind: 'put', value });
    const finish = this.#once(() => history.info(operation));
    const accepted = node.write(key, value, (outcome) =>
      finish(() => {
        if (outcome === 'lost') return history.fail(operation);
        this.writes++;
        history.ok(operation, { kind: 'done' });
      }),
    );
    if (!accepted) finish(() => history.fail(operation));
  }

  #read(node: RaftCluster['running'][number]): void {
    const { process, history, random, keys } = this.#parts;
    const key = randomPick(random, keys);
    const operation = history.invoke(process, key, { kind: 'get' });
    const finish = this.#once(() => history.fail(operation));
    node.read(key, (served, value) =>
      finish(() => (served ? history.ok(operation, { kind: 'value', value }) : history.fail(operation))),
    );
  }

  /** Lets the first of answer and deadline decide, then goes on with the next operation. */
  #once(expire: () => void): (decide: () => void) => void {
    const { cluster, timeoutMs } = this.#parts;
    let decided = false;
    const finish = (decide: () => void): void => {
      if (decided) return;
      decided = true;
      decide();
      this.start();
    };
    cluster.scheduler.schedule(timeoutMs * 1000, Phase.input, undefined, () => finish(expire));
    return finish;
  }
}
