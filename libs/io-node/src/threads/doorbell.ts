const RINGS = 0;
const ASLEEP = 1;

/** Bytes that a {@link Doorbell} takes: a cache line of its own. */
export const DOORBELL_BYTES = 64;

/**
 * Wakes the one thread that waits at it. Any number of threads may ring; ringing costs one atomic load while
 * nobody sleeps.
 *
 *     0  rings   u32  counts; what a sleeper waits for
 *     4  asleep  u32  1 while somebody sleeps, or is about to
 *
 * No wake-up is lost: a sleeper sets `asleep`, reads `rings`, then asks `ready`, then waits for `rings` to
 * change. A ringer first changes what `ready` asks for, then reads `asleep`. `Atomics` are sequentially
 * consistent, so either `ready` sees the change, or the ringer sees `asleep` and changes `rings`.
 */
export class Doorbell {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer, byteOffset = 0) {
    this.#words = new Int32Array(memory, byteOffset, DOORBELL_BYTES / 4);
  }

  /** Call after the change that the sleeper waits for. */
  ring(): void {
    if (Atomics.load(this.#words, ASLEEP) === 0) return;
    Atomics.add(this.#words, RINGS, 1);
    Atomics.notify(this.#words, RINGS);
  }

  /** Blocks until `ready`, or until the time is over. Not for the main thread. */
  wait(ready: () => boolean, timeoutMs: number = Number.POSITIVE_INFINITY): void {
    for (let timedOut = false; !timedOut && !ready();) {
      const rings = this.#prepare();
      timedOut = !ready() && Atomics.wait(this.#words, RINGS, rings, timeoutMs) === 'timed-out';
    }
    Atomics.store(this.#words, ASLEEP, 0);
  }

  /** {@link wait} without blocking. A pending wait does not keep the process alive. */
  async waitAsync(ready: () => boolean): Promise<void> {
    while (!ready()) {
      const rings = this.#prepare();
      if (!ready()) await Atomics.waitAsync(this.#words, RINGS, rings).value;
    }
    Atomics.store(this.#words, ASLEEP, 0);
  }

  #prepare(): number {
    Atomics.store(this.#words, ASLEEP, 1);
    return Atomics.load(this.#words, RINGS);
  }
}
