import type { HoldfastError } from '@holdfast/wire';
import { MANY_WINDOW_OPS } from '../limits.ts';
import type { Operation, OpResult, OpSink } from '../operation.ts';
import type { Transport } from '../transport.ts';
import type { AbortSignalLike } from './abort.ts';

/** What became of each operation, in the order in which they were given. */
export type ManyResults<T> = readonly (T | HoldfastError)[];

/**
 * Runs many operations, a window of them at a time, and settles one promise for all. They are independent: some may
 * fail while others are applied. An abort fails what has not ended, with an outcome each.
 */
export function executeMany<T extends object | undefined>(
  transport: Transport,
  operations: readonly Operation[],
  map: (result: OpResult) => T,
  signal: AbortSignalLike | undefined,
): Promise<ManyResults<T>> {
  return new Promise((resolve, reject) => {
    new ManySink(transport, operations, map, signal, resolve, reject).fill();
  });
}

class ManySink<T> implements OpSink {
  readonly #transport: Transport;
  readonly #operations: readonly Operation[];
  readonly #map: (result: OpResult) => T;
  readonly #resolve: (results: ManyResults<T>) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: AbortSignalLike | undefined;
  readonly #results: (T | HoldfastError)[];
  /** How to give up what is under way; only with a signal. */
  readonly #cancels: Map<number, () => void> | undefined;
  #next = 0;
  #underWay = 0;
  #filling = false;
  #broken = false;

  constructor(
    transport: Transport,
    operations: readonly Operation[],
    map: (result: OpResult) => T,
    signal: AbortSignalLike | undefined,
    resolve: (results: ManyResults<T>) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#transport = transport;
    this.#operations = operations;
    this.#map = map;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#results = new Array<T | HoldfastError>(operations.length);
    this.#cancels = signal === undefined ? undefined : new Map();
    signal?.addEventListener('abort', this.#abort);
  }

  /** Submits as many as the window takes, and settles when all have ended. */
  fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    while (!this.#broken && this.#underWay < MANY_WINDOW_OPS && this.#next < this.#operations.length)
      this.#submit();
    this.#filling = false;
    if (this.#broken || this.#underWay > 0) return;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#resolve(this.#results);
  }

  done(result: OpResult, tag: number): void {
    try {
      this.#results[tag] = this.#map(result);
    } catch (error) {
      // The codec refuses the bytes: nothing more is begun.
      this.#broken = true;
      this.#signal?.removeEventListener('abort', this.#abort);
      this.#reject(error);
    }
    this.#ended(tag);
  }

  failed(error: HoldfastError, tag: number): void {
    this.#results[tag] = error;
    this.#ended(tag);
  }

  #submit(): void {
    const index = this.#next++;
    this.#underWay++;
    const op = this.#transport.submit(this.#operations[index], this, index);
    if (this.#cancels === undefined || op === undefined) return;
    const { serial } = op;
    const cancel = (): void => this.#transport.cancel(op, serial, this.#signal?.reason);
    if (this.#signal?.aborted === true) cancel();
    else this.#cancels.set(index, cancel);
  }

  #ended(tag: number): void {
    this.#underWay--;
    this.#cancels?.delete(tag);
    this.fill();
  }

  readonly #abort = (): void => {
    for (const cancel of this.#cancels?.values() ?? []) cancel();
  };
}
