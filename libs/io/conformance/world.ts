/**
 * Where a suite runs. In the real world time passes by itself; a simulated one makes it pass while it waits.
 * A suite never sleeps and never reads a clock of its own: it awaits what the contract promises, inside `run`.
 */
export interface World {
  /** Lets time pass until `work` settles, and settles like it. A simulation fails when nothing is left to happen. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Called after each test. */
  end?(): Promise<void>;
}

/** The real world: promises settle by themselves. */
export const realTime: World = { run: (work) => work };

/** Something to wait for: {@link Signal.set} by a callback, awaited by a test. */
export class Signal<T = void> {
  readonly promise: Promise<T>;
  readonly #resolve: (value: T) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
  }

  set(value: T): void {
    this.#resolve(value);
  }
}
