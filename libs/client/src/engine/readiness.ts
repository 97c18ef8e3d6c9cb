import type { Cancel } from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';

/** Told with nothing when operations have somewhere to go, with the reason when that is hopeless. */
export type ReadyCallback = (failure: HoldfastError | undefined) => void;

/** Who waits until operations have somewhere to go. */
export class Readiness {
  readonly #callbacks = new Set<ReadyCallback>();

  /** @returns forgets the callback */
  add(callback: ReadyCallback): Cancel {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  tell(failure: HoldfastError | undefined): void {
    const callbacks = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of callbacks) callback(failure);
  }
}
