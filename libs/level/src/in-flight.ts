/** Counts operations that have not ended, so that a database closes after them. */
export class InFlight {
  #count = 0;
  #onIdle: (() => void) | undefined;

  /** Waits for the promise too, however it ends. */
  async add<T>(operation: PromiseLike<T>): Promise<T> {
    this.#count++;
    try {
      return await operation;
    } finally {
      if (--this.#count === 0) this.#onIdle?.();
    }
  }

  /** Resolves when nothing is under way. Nothing new may start meanwhile. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onIdle = resolve));
  }
}
