import type { Cancel, Clock, Random } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { equalJitterMs } from '../retry/backoff.ts';
import type { Keyspaces } from './keyspaces.ts';

/** Longest wait until a purger looks for deleted keyspaces by itself, in milliseconds: a look wakes a sleeping range. */
export const PURGE_LOOK_MS = 60_000;
/** Wait after a failed try, in milliseconds. */
const FAILED_MS = { base: 1000, cap: PURGE_LOOK_MS };

export interface PurgerOptions {
  readonly keyspaces: Pick<Keyspaces, 'list' | 'purge'>;
  readonly clock: Clock;
  readonly random: Random;
  /** A keyspace and all that was in it are gone. */
  readonly purged?: (name: string, keys: number) => void;
  /** It goes on with the next try. */
  readonly failed?: (error: HoldfastError) => void;
}

/**
 * Removes what is in deleted keyspaces, for as long as it runs. It keeps nothing: what is left to do are the records
 * of the cluster, so any number may run at once, and what one leaves in the middle another one ends.
 */
export class KeyspacePurger {
  readonly #options: PurgerOptions;
  #timer: Cancel | undefined;
  #isWorking = false;
  #isAsked = false;
  #isClosed = false;
  #failures = 0;

  /** Looks for what others have left, soon. */
  constructor(options: PurgerOptions) {
    this.#options = options;
    this.#lookIn(equalJitterMs(FAILED_MS, 0, options.random));
  }

  /** A keyspace has been deleted: looks at once. */
  wake(): void {
    if (this.#isClosed) return;
    this.#isAsked = true;
    if (!this.#isWorking) this.#lookIn(0);
  }

  /** Begins nothing more. A step that is under way ends, or fails with its client. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.();
  }

  #lookIn(delayMs: number): void {
    this.#timer?.();
    this.#timer = this.#options.clock.schedule(delayMs, () => void this.#work());
  }

  async #work(): Promise<void> {
    const { random, failed } = this.#options;
    this.#isWorking = true;
    this.#isAsked = false;
    try {
      await this.#purgeAll();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#failures++;
      if (!this.#isClosed) failed?.(error);
    } finally {
      this.#isWorking = false;
    }
    if (this.#isClosed) return;
    if (this.#failures > 0) this.#lookIn(equalJitterMs(FAILED_MS, this.#failures - 1, random));
    else
      this.#lookIn(this.#isAsked ? 0 : equalJitterMs({ base: PURGE_LOOK_MS, cap: PURGE_LOOK_MS }, 0, random));
  }

  async #purgeAll(): Promise<void> {
    const { keyspaces, purged } = this.#options;
    for (const { name, state } of await keyspaces.list()) {
      if (state !== 'deleting') continue;
      if (this.#isClosed) return;
      const keys = await keyspaces.purge(name);
      purged?.(name, keys);
    }
  }
}
