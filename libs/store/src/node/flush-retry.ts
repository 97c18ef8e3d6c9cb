import { type Clock, isDiskFull } from '@holdfast/io';
import type { Tree, TreeEvent } from '@holdfast/lsm';

/** Between two tries to flush onto a full disk. */
const RETRY_MS = 1000;

/**
 * What met a full disk is tried again now and then, since space may come back: a flush, and a compaction. Writes wait
 * for either, and where they wait for a compaction no flush comes that would begin one.
 */
export class FlushRetry {
  readonly #clock: Clock;
  readonly #tree: Tree;
  #dueMs = Number.POSITIVE_INFINITY;
  #isDiskFull = false;

  constructor(clock: Clock, tree: Tree) {
    this.#clock = clock;
    this.#tree = tree;
  }

  /** A flush met a full disk, and none has ended since. */
  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  heard(event: TreeEvent): void {
    if (event.type === 'disk-full') this.#isDiskFull = true;
    if (event.type === 'flush-end') this.#isDiskFull = false;
    if (event.type === 'disk-full' || isCompactionWithoutRoom(event))
      this.#dueMs = this.#clock.monotonicMs() + RETRY_MS;
  }

  tick(): void {
    if (this.#clock.monotonicMs() < this.#dueMs) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    // A failure is no news: a full disk is told again as an event, and so is a broken tree.
    this.#tree.flush().catch(() => undefined);
  }
}

function isCompactionWithoutRoom(event: TreeEvent): boolean {
  if (event.type !== 'compaction-failed') return false;
  return isDiskFull(event.error);
}
