import { assert, type Clock, type Revision } from '@holdfast/io';
import type { ClockCanary } from './node/canary.ts';

/** 2026-01-01T00:00:00Z in milliseconds since 1970: the zero of revisions. */
export const REVISION_EPOCH_MS = Date.UTC(2026, 0, 1);
/** Logical steps inside one millisecond. */
export const REVISIONS_PER_MS = 4096;

/** The revision that stands for the start of a wall-clock millisecond. */
export function revisionOfWallMs(wallMs: number): Revision {
  return (Math.max(0, Math.floor(wallMs) - REVISION_EPOCH_MS) * REVISIONS_PER_MS) as Revision;
}

/** The wall-clock milliseconds that a revision was stamped at, give or take the skew of the stamping clock. */
export function wallMsOfRevision(revision: number): number {
  return Math.floor(revision / REVISIONS_PER_MS) + REVISION_EPOCH_MS;
}

/**
 * Hybrid logical clock (Kulkarni et al. 2014) packed into 53 bits, one per node and shared by its ranges.
 *
 * Invariant: `stamp` never returns a revision at or below one that this node has stamped, served or seen in
 * a message. The wall clock may jump; only the distance between revisions and wall time suffers.
 */
export class HybridClock {
  readonly #clock: Clock;
  readonly #canary: ClockCanary | undefined;
  #last = 0;

  constructor(clock: Clock, { canary }: { readonly canary?: ClockCanary } = {}) {
    this.#clock = clock;
    this.#canary = canary;
  }

  /** High-water mark: at or above every revision this node has stamped, served or seen. */
  read(): number {
    return this.#last;
  }

  /** Takes over a high-water mark from another node, from the log or from disk. */
  observe(mark: number): void {
    assert(mark >= 0 && mark <= Number.MAX_SAFE_INTEGER, 'a revision has 53 bits');
    if (mark > this.#last) this.#last = mark;
  }

  /**
   * The time that this node goes by when it decides what has expired, in milliseconds since 1970. It is part of the
   * high-water mark from now on: whoever hears of it is never earlier.
   */
  nowMs(): number {
    if (this.#canary === 'expiry-by-wall-clock') return this.#clock.wallMs();
    this.observe(revisionOfWallMs(this.#clock.wallMs()));
    return wallMsOfRevision(this.#last);
  }

  /** Reserves `count` consecutive revisions and returns the first. */
  stamp(count: number): Revision {
    const first = Math.max(revisionOfWallMs(this.#clock.wallMs()), this.#last + 1);
    this.#last = first + count - 1;
    assert(this.#last <= Number.MAX_SAFE_INTEGER, 'a revision has 53 bits');
    return first as Revision;
  }
}
