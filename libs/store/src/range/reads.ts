import type { ReadState } from '@holdfast/raft';

export type ReadFailure = 'not-leader' | 'stopped';

/** Someone who waits until the range may be read; told exactly once. */
export interface ReadWaiter {
  /** Not before this index is applied, besides; 0 = no such wish. */
  readonly minIndex: number;
  /** The state machine now shows every write that was complete when the read was asked for. */
  readable(): void;
  failed(failure: ReadFailure): void;
}

interface ConfirmedRound {
  readonly index: number;
  readonly waiters: readonly ReadWaiter[];
}

/**
 * Linearizable reads of one range on their way through ReadIndex (thesis 6.4): all reads of a turn share one
 * token; a confirmed token waits until its index is applied.
 */
export class Reads {
  #collected: ReadWaiter[] = [];
  #nextToken = 1;
  readonly #asked = new Map<number, readonly ReadWaiter[]>();
  /** In the order of confirmation. */
  #confirmed: ConfirmedRound[] = [];

  get hasCollected(): boolean {
    return this.#collected.length > 0;
  }

  add(waiter: ReadWaiter): void {
    this.#collected.push(waiter);
  }

  /** Closes the turn's round: one token for everything collected. */
  submit(readIndex: (token: number) => void): void {
    if (this.#collected.length === 0) return;
    const token = this.#nextToken++;
    this.#asked.set(token, this.#collected);
    this.#collected = [];
    readIndex(token);
  }

  confirm(state: ReadState): void {
    const waiters = this.#asked.get(state.token);
    if (waiters === undefined) return;
    this.#asked.delete(state.token);
    for (const waiter of waiters) {
      if (waiter.minIndex > state.index) this.#confirmed.push({ index: waiter.minIndex, waiters: [waiter] });
    }
    this.#confirmed.push({
      index: state.index,
      waiters: waiters.filter(({ minIndex }) => minIndex <= state.index),
    });
  }

  drop(token: number): void {
    const waiters = this.#asked.get(token);
    if (waiters === undefined) return;
    this.#asked.delete(token);
    for (const waiter of waiters) waiter.failed('not-leader');
  }

  /** Serves every confirmed round that `applied` covers. */
  serve(applied: number): void {
    if (this.#confirmed.length === 0) return;
    const waiting: ConfirmedRound[] = [];
    const ready: ConfirmedRound[] = [];
    for (const round of this.#confirmed) (round.index <= applied ? ready : waiting).push(round);
    this.#confirmed = waiting;
    for (const round of ready) for (const waiter of round.waiters) waiter.readable();
  }

  failAll(failure: ReadFailure): void {
    const waiters = [
      ...this.#collected,
      ...[...this.#asked.values()].flat(),
      ...this.#confirmed.flatMap((round) => round.waiters),
    ];
    this.#collected = [];
    this.#asked.clear();
    this.#confirmed = [];
    for (const waiter of waiters) waiter.failed(failure);
  }
}
