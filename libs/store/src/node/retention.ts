import type { Clock, KeyspaceId } from '@holdfast/io';
import { type HybridClock, REVISIONS_PER_MS, revisionOfWallMs } from '../hybrid-clock.ts';

/** How long old versions of one keyspace stay readable. */
export interface KeyspaceRetention {
  readonly keyspace: KeyspaceId;
  /** In milliseconds; 0 = the node's own setting. */
  readonly retentionMs: number;
  /** Since when that holds: a longer time than before brings nothing back that was dropped before it. */
  readonly since: number;
}

/**
 * What old versions a node still has to give. One tree holds all keyspaces and drops old versions by one horizon: that
 * of the keyspace that keeps them longest. Until the keyspaces are known, nothing is dropped.
 *
 * Each bound is taken by the wall clock and by what has been stamped: a node whose clock was set back while it was
 * down must not believe in versions that it dropped before.
 */
export class Retention {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #hybridClock: Pick<HybridClock, 'read'>;
  readonly #defaultMs: number;
  #own: ReadonlyMap<KeyspaceId, KeyspaceRetention> = new Map();
  /** Undefined: not known yet. */
  #longestMs: number | undefined;

  constructor(
    clock: Pick<Clock, 'wallMs'>,
    hybridClock: Pick<HybridClock, 'read'>,
    /** Of keyspaces that name none. */
    defaultMs: number,
  ) {
    this.#clock = clock;
    this.#hybridClock = hybridClock;
    this.#defaultMs = defaultMs;
  }

  /** The keyspaces that have a time of their own; all others have the node's. */
  learn(keyspaces: readonly KeyspaceRetention[]): void {
    const own = keyspaces.filter(({ retentionMs }) => retentionMs > 0);
    this.#own = new Map(own.map((retention) => [retention.keyspace, retention]));
    this.#longestMs = own.reduce(
      (longest, { retentionMs }) => Math.max(longest, retentionMs),
      this.#defaultMs,
    );
  }

  /** Versions at or below it may be dropped; 0 = none. */
  dropHorizon(): number {
    return this.#longestMs === undefined ? 0 : this.#before(this.#longestMs);
  }

  /** A read of `keyspace` below it is refused. */
  readHorizon(keyspace: KeyspaceId): number {
    const own = this.#own.get(keyspace);
    if (own === undefined) return this.#before(this.#defaultMs);
    const horizon = this.#before(own.retentionMs);
    return own.retentionMs > this.#defaultMs ? Math.max(horizon, own.since) : horizon;
  }

  #before(retentionMs: number): number {
    const byWall = revisionOfWallMs(this.#clock.wallMs() - retentionMs);
    const byStamps = this.#hybridClock.read() - retentionMs * REVISIONS_PER_MS;
    return Math.max(0, byWall, byStamps);
  }
}
