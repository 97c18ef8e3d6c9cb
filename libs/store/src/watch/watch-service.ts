import {
  type Clock,
  compareBytes,
  EMPTY_BYTES,
  type Kernels,
  type KeyspaceId,
  type RangeId,
} from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import {
  encodeWatchEnd,
  type Frame,
  FrameType,
  ProtocolError,
  readWatchCredit,
  readWatchStart,
  type WatchStart,
} from '@holdfast/wire';
import type { HybridClock } from '../hybrid-clock.ts';
import type { Replica } from '../range/replica.ts';
import { dataKey, keyspaceOf } from '../tree-keys.ts';
import { type Piece, readPiece } from './catch-up.ts';
import type { Interval } from './interval-index.ts';
import { type FeedHost, type FeedLimits, RangeFeed } from './range-feed.ts';
import type { EndReason, Watcher, WatchPort } from './watcher.ts';

export interface WatchLimits extends FeedLimits {
  /** Watches of one node; the next one is refused with `HF_OVERLOADED`. */
  readonly watchesMax: number;
  /** Intervals that are read from the tree at the same time for watches that lie far behind. */
  readonly readsMax: number;
  /** What one pass over the versions of an interval brings, in bytes; the next one looks at all of them again. */
  readonly pieceBytesMax: number;
  /** How long a range keeps recent changes after its last watch has gone, in milliseconds. */
  readonly lingerMs: number;
}

export const DEFAULT_WATCH_LIMITS: WatchLimits = {
  ringBytesMax: 4 * 1024 * 1024,
  frameBytesMax: 256 * 1024,
  queueBytesMax: 4 * 1024 * 1024,
  visitsPerTurn: 16_384,
  deliveryMsPerConnection: 0.2,
  deliveryMsMax: 20,
  stallMsMax: 10_000,
  watchesMax: 20_000,
  readsMax: 2,
  pieceBytesMax: 1024 * 1024,
  lingerMs: 30_000,
};

/** Bounds of what a client may ask for as time between progress marks, and what it gets unasked, in milliseconds. */
const PROGRESS_MS = { min: 50, max: 60_000, default: 1000 } as const;
/** A range that nobody writes to closes a revision this often while it is watched, in milliseconds. */
const IDLE_CLOSE_MS = 1000;
/** Advice where trying again soon will do, in milliseconds. */
const RETRY_AFTER_MS = 20;
/** More credit than this is not counted, in bytes. */
const CREDIT_BYTES_MAX = 64 * 1024 * 1024;

export interface WatchHost {
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly hybridClock: HybridClock;
  readonly tree: Tree;
  replica(range: RangeId): Replica | undefined;
  wake(replica: Replica): void;
  /** Versions of the keyspace at or below this revision may be gone. */
  horizon(keyspace: KeyspaceId): number;
}

interface Watched {
  readonly replica: Replica;
  readonly feed: RangeFeed;
  /** Closed last, or on its way to being closed. */
  closing: number;
  /** When the last watch went, monotonic milliseconds; undefined while there is one. */
  emptySinceMs: number | undefined;
}

/**
 * The watches of a node. The leader of a range serves them; one that loses the leadership ends its watches, and the
 * clients go on elsewhere from their last progress.
 */
export class WatchService {
  readonly #host: WatchHost;
  readonly #limits: WatchLimits;
  readonly #ranges = new Map<RangeId, Watched>();
  #stopped = false;
  #reads = 0;
  readonly #readsWaiting: (() => void)[] = [];

  constructor(host: WatchHost, limits: WatchLimits) {
    this.#host = host;
    this.#limits = limits;
  }

  get watches(): number {
    let count = 0;
    for (const { feed } of this.#ranges.values()) count += feed.watchers;
    return count;
  }

  /** A frame of a client that speaks of a watch. @throws ProtocolError */
  frame(port: WatchPort, frame: Frame): void {
    const { type, requestId, payload } = frame;
    if (type === FrameType.watchStart) {
      this.#start(port, requestId, readWatchStart(payload));
      return;
    }
    const found = this.#find(port, requestId);
    if (type === FrameType.watchCredit) {
      const bytes = readWatchCredit(payload);
      if (found !== undefined) {
        const { feed, watcher } = found;
        feed.credit(watcher, Math.min(bytes, CREDIT_BYTES_MAX - watcher.credit));
      }
    } else if (type === FrameType.watchCancel) {
      // It may have ended by itself just now.
      if (found !== undefined) found.feed.cancel(found.watcher);
    } else {
      throw new ProtocolError('unexpected', `frame type ${type} from a client`);
    }
  }

  disconnected(port: WatchPort): void {
    for (const { feed } of this.#ranges.values()) feed.drop(port);
  }

  tick(): void {
    const nowMs = this.#host.clock.monotonicMs();
    for (const [range, watched] of this.#ranges) {
      const { feed, replica } = watched;
      if (!replica.isLeader || this.#host.replica(range) !== replica) {
        this.#close(range, { reason: 'HF_NOT_LEADER', leaderHint: replica.leader });
        continue;
      }
      feed.keepInside(replica.descriptor, { reason: 'HF_WRONG_RANGE' });
      feed.tick();
      watched.emptySinceMs = feed.watchers > 0 ? undefined : (watched.emptySinceMs ?? nowMs);
      if (feed.watchers > 0) this.#closeRevision(watched);
      else if (nowMs - (watched.emptySinceMs ?? nowMs) > this.#limits.lingerMs) {
        this.#close(range, { reason: 'HF_UNAVAILABLE' });
      }
    }
  }

  /** Ends every watch: the node goes away. */
  stop(): void {
    this.#stopped = true;
    for (const range of this.#ranges.keys()) {
      this.#close(range, { reason: 'HF_UNAVAILABLE', detail: 'draining' });
    }
  }

  #start(port: WatchPort, id: number, asked: WatchStart): void {
    if (this.#find(port, id) !== undefined) throw new ProtocolError('unexpected', `watch ${id} exists`);
    const interval = intervalOf(asked);
    const refusal = this.#refusal(asked.range, interval);
    const watched = refusal === undefined ? this.#watched(asked.range) : undefined;
    if (watched === undefined) {
      const end = refusal ?? { reason: 'HF_OVERLOADED', retryAfterMs: RETRY_AFTER_MS };
      const full = {
        leaderHint: 0,
        retryAfterMs: 0,
        progress: asked.after,
        oldest: 0,
        detail: '',
        ...end,
      } as const;
      port.reply(encodeWatchEnd(this.#host.kernels, port.version, id, full));
      return;
    }
    const { min, max } = PROGRESS_MS;
    const progressMs = asked.progressMs === 0 ? PROGRESS_MS.default : asked.progressMs;
    watched.feed.start(port, id, {
      ...interval,
      after: asked.after,
      credit: Math.min(asked.credit, CREDIT_BYTES_MAX),
      progressMs: Math.min(max, Math.max(min, progressMs)),
    });
  }

  #refusal(range: RangeId, interval: Interval): EndReason | undefined {
    if (this.#stopped) return { reason: 'HF_UNAVAILABLE', detail: 'draining' };
    const replica = this.#host.replica(range);
    if (replica === undefined) return { reason: 'HF_WRONG_RANGE' };
    if (!replica.isLeader) return { reason: 'HF_NOT_LEADER', leaderHint: replica.leader };
    if (compareBytes(interval.start, interval.end) >= 0) {
      return { reason: 'HF_BAD_REQUEST', detail: 'the interval is empty' };
    }
    const { start, end } = replica.descriptor;
    const inside = compareBytes(interval.start, start) >= 0 && compareBytes(interval.end, end) <= 0;
    if (!inside) return { reason: 'HF_WRONG_RANGE' };
    if (this.watches >= this.#limits.watchesMax) {
      return { reason: 'HF_OVERLOADED', retryAfterMs: PROGRESS_MS.default, detail: 'too many watches' };
    }
    return undefined;
  }

  /** Undefined while a command is half applied: what it has changed so far was not heard. */
  #watched(range: RangeId): Watched | undefined {
    const known = this.#ranges.get(range);
    if (known !== undefined) return known;
    const replica = this.#host.replica(range);
    if (replica === undefined || replica.applying) return undefined;
    const feed = new RangeFeed(this.#feedHost(), replica.applied.revision);
    replica.tap(feed);
    const watched: Watched = { replica, feed, closing: 0, emptySinceMs: undefined };
    this.#ranges.set(range, watched);
    return watched;
  }

  #close(range: RangeId, end: EndReason): void {
    const watched = this.#ranges.get(range);
    if (watched === undefined) return;
    this.#ranges.delete(range);
    watched.replica.tap(undefined);
    watched.feed.endAll(end);
  }

  /**
   * Moves the progress of a range that nobody writes to: up to what the node's clock has reached through other
   * ranges and other nodes, or, when nothing moves at all, up to now. The revision travels through the log like a
   * command, so it holds whoever leads next.
   */
  #closeRevision(watched: Watched): void {
    const { feed, replica } = watched;
    const { hybridClock } = this.#host;
    const stillMs = feed.stillMs();
    const isUnderWay = watched.closing > feed.head && stillMs < IDLE_CLOSE_MS;
    if (isUnderWay || stillMs < feed.progressMsMin()) return;
    const reached = hybridClock.read();
    if (reached <= feed.head && stillMs < IDLE_CLOSE_MS) return;
    watched.closing = reached > feed.head ? reached : hybridClock.stamp(1);
    replica.closeRevision(watched.closing);
    this.#host.wake(replica);
  }

  #find(port: WatchPort, id: number): { readonly feed: RangeFeed; readonly watcher: Watcher } | undefined {
    for (const { feed } of this.#ranges.values()) {
      const watcher = feed.find(port, id);
      if (watcher !== undefined) return { feed, watcher };
    }
    return undefined;
  }

  #feedHost(): FeedHost {
    const { kernels, clock } = this.#host;
    return {
      kernels,
      limits: this.#limits,
      nowMs: () => clock.monotonicMs(),
      horizon: ({ start }) => this.#host.horizon(keyspaceOf(start)),
      read: (interval, after, head) => this.#read(interval, after, head),
      later: (delayMs, task) => {
        if (delayMs === 0) clock.defer(task);
        else clock.schedule(delayMs, task);
      },
    };
  }

  async #read(interval: Interval, after: () => number, head: () => number): Promise<Piece> {
    if (this.#reads >= this.#limits.readsMax) {
      await new Promise<void>((resolve) => {
        this.#readsWaiting.push(resolve);
      });
    }
    this.#reads++;
    try {
      const { clock, tree } = this.#host;
      const world = {
        iterator: tree.iterator.bind(tree),
        turn: () =>
          new Promise<void>((resolve) => {
            clock.defer(resolve);
          }),
      };
      return await readPiece(world, interval, after(), head(), this.#limits.pieceBytesMax);
    } finally {
      this.#reads--;
      this.#readsWaiting.shift()?.();
    }
  }
}

function intervalOf({ keyspace, start, end }: WatchStart): Interval {
  return {
    start: dataKey(keyspace, start),
    end: end.length === 0 ? dataKey(keyspace + 1, EMPTY_BYTES) : dataKey(keyspace, end),
  };
}
