import { asError, type Cancel, type Clock, type NodeId } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import type { Message, Ready } from '@holdfast/raft';
import type { NodeLog } from '../log/node-log.ts';
import { appliedMarkOf, decodeAppliedMark } from '../range/applied-mark.ts';
import type { LogLimits, Replica, TurnOutput } from '../range/replica.ts';
import type { DataExecutor } from './data-executor.ts';
import type { NodeObserver } from './observer.ts';
import type { PeerLink } from './peer-link.ts';

/** Ticks between two looks at what the logs can forget: a look costs time for every range. */
const COMPACT_LOGS_TICKS = 4;

/**
 * Followers hear of a commit at most this much later than they could, in milliseconds. A client that writes without
 * a pause tells them for free with its next entries.
 */
const COMMIT_NOTICE_MS = 4;

/** A sync that takes longer, in milliseconds, is reason enough to let somebody with a faster disk lead. */
const SLOW_SYNC_MS = 500;

/** A Ready that was handed to the node log. */
interface Unsynced {
  readonly replica: Replica;
  readonly ready: Ready;
}

/** The Readies of one turn, which become durable together. */
interface PersistGroup {
  readonly items: readonly Unsynced[];
  /** When it was handed over, on the monotonic clock. */
  readonly sinceMs: number;
  durable: boolean;
}

/** A sync that takes long while others commit without it. */
interface SlowSync {
  readonly group: PersistGroup;
  /** What it holds up here and has been offered to others. */
  readonly offered: Set<Replica>;
}

/**
 * The node's one loop. Everything that arrives in a turn of the event loop only wakes replicas; at the end of
 * the turn they propose, messages leave in one frame per peer, everything to persist goes to the log with one
 * sync, what is committed is applied, and answers leave.
 *
 * Messages leave before the sync starts: followers write while the leader does (D2). What promises durability
 * is in `messagesAfterPersist` and waits for it.
 */
export class TurnLoop implements TurnOutput {
  readonly #clock: Clock;
  readonly #log: NodeLog;
  readonly #links: ReadonlyMap<NodeId, PeerLink>;
  readonly #executor: DataExecutor;
  readonly #observer: NodeObserver;
  readonly #onTurned: () => void;
  readonly #onFailure: (error: Error) => void;
  readonly #onSnapshotNeeded: (replica: Replica, to: NodeId) => void;
  #awake = new Set<Replica>();
  #collecting: Unsynced[] = [];
  /** In the order in which they were handed to the log: they are reported in that order too. */
  readonly #persisting: PersistGroup[] = [];
  /**
   * Replicas with a few mutations that wait for the log. A leader's next group of records cannot be written before
   * the group in front of it is synced: what trickles in meanwhile becomes one entry instead of many small ones.
   */
  readonly #held = new Set<Replica>();
  #slow: SlowSync | undefined;
  /** Leaders whose followers wait for the news of a commit, and the timer that brings it. */
  readonly #unannounced = new Set<Replica>();
  #noticeTimer: Cancel | undefined;
  #scheduled = false;
  #ticks = 0;
  #stopped = false;

  constructor(parts: {
    readonly clock: Clock;
    readonly log: NodeLog;
    readonly links: ReadonlyMap<NodeId, PeerLink>;
    readonly executor: DataExecutor;
    readonly observer: NodeObserver;
    readonly sendSnapshot: (replica: Replica, to: NodeId) => void;
    /** A turn has ended, and what is known may have changed. */
    readonly turned: () => void;
    readonly fail: (error: Error) => void;
  }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#links = parts.links;
    this.#executor = parts.executor;
    this.#observer = parts.observer;
    this.#onTurned = parts.turned;
    this.#onFailure = parts.fail;
    this.#onSnapshotNeeded = parts.sendSnapshot;
  }

  /** The replica has work for this turn. */
  wake(replica: Replica): void {
    this.#awake.add(replica);
    this.wakeFlush();
  }

  /** Answers or messages wait for the end of this turn. */
  wakeFlush(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#clock.defer(() => this.#turn());
  }

  send(message: Message): void {
    this.#observer.sent?.(message);
    this.#links.get(message.to)?.send(message);
  }

  persist(replica: Replica, ready: Ready): void {
    this.#log.append(replica.id, ready);
    this.#collecting.push({ replica, ready });
  }

  commitUnannounced(replica: Replica): void {
    this.#unannounced.add(replica);
    this.#noticeTimer ??= this.#clock.schedule(COMMIT_NOTICE_MS, () => this.#announceCommits());
  }

  sendSnapshot(replica: Replica, to: NodeId): void {
    this.#onSnapshotNeeded(replica, to);
  }

  /** The node log has no room for another segment. */
  get logIsShort(): boolean {
    return this.#log.isShort;
  }

  /** Whether the log has room for what a leader has sent. Messages that it has none for are as good as lost. */
  takes({ entries }: Message): boolean {
    return entries.length === 0 || this.#log.takes(entries);
  }

  /** Called every tick: leads no longer what a slow disk holds up, and forgets what the logs need not keep. */
  tick(replicas: Iterable<Replica>, tree: Tree, limits: LogLimits): void {
    this.#offerSlow();
    if (this.#log.isShort) this.#log.makeRoom();
    this.#compactLogs(replicas, tree, limits);
  }

  /**
   * Drops log entries that SSTables hold, and segments that nobody needs any more. A range that is seldom written
   * could keep its few entries for ever, and with them a segment and all that come behind it: above
   * `logDiskBytesKeep` such a range gives them up.
   */
  #compactLogs(replicas: Iterable<Replica>, tree: Tree, limits: LogLimits): void {
    if (++this.#ticks % COMPACT_LOGS_TICKS !== 0) return;
    const isLarge = this.#log.diskBytes > limits.logDiskBytesKeep;
    const pinned = new Map(isLarge ? this.#log.pinning() : []);
    const isFull = this.#log.diskBytes > limits.logDiskBytesMax;
    for (const replica of replicas) {
      const durable = tree.durableMark(appliedMarkOf(replica.id));
      if (durable === undefined) continue;
      const before = replica.log.firstIndex();
      replica.compactLog(decodeAppliedMark(durable).index, limits, pinned.get(replica.id) ?? 0, isFull);
      const base = replica.log.firstIndex() - 1;
      if (base + 1 > before) this.#log.compacted(replica.id, base, replica.log.term(base) ?? 0);
    }
    this.#log.dropSegments();
  }

  /**
   * A leader proposes what has come when its log is idle, so a slow disk holds up every writer, although nothing needs
   * its own copy. When others commit without it, ranges that have entries in the slow sync or writes behind it go to
   * them: each once for each sync that is slow.
   */
  #offerSlow(): void {
    const oldest = this.#persisting[0];
    const elapsedMs = oldest === undefined ? 0 : this.#clock.monotonicMs() - oldest.sinceMs;
    if (oldest === undefined || elapsedMs < SLOW_SYNC_MS) {
      this.#slow = undefined;
      return;
    }
    if (this.#slow?.group !== oldest) {
      if (!oldest.items.some(({ replica: { raft } }) => raft.commit > raft.stable)) return;
      this.#slow = { group: oldest, offered: new Set() };
    }
    const { offered } = this.#slow;
    let ranges = 0;
    for (const replica of [...oldest.items.map((item) => item.replica), ...this.#held]) {
      const { raft, proposals } = replica;
      if (!raft.isLeader || offered.has(replica)) continue;
      if (raft.commit <= raft.stable && !proposals.hasOpen) continue;
      offered.add(replica);
      if (!raft.transferLeadership().ok) continue;
      this.wake(replica);
      ranges++;
    }
    if (ranges > 0) this.#observer.slowSync?.(elapsedMs, ranges);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#noticeTimer?.();
    this.#executor.flush();
    await this.#log.close();
  }

  #turn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      const replicas = this.#awake;
      this.#awake = new Set();
      const logIsIdle = this.#persisting.length === 0;
      for (const replica of replicas) {
        replica.turn(this, logIsIdle);
        if (replica.proposals.hasOpen) this.#held.add(replica);
      }
      this.#flushLinks();
      this.#sync();
      for (const replica of replicas) {
        replica.apply(this);
        if (replica.raft.hasReady()) this.wake(replica);
      }
      // Answers of Readies that needed no sync.
      this.#flushLinks();
      this.#executor.flush();
      this.#onTurned();
    } catch (error) {
      this.fail(error);
    }
  }

  #flushLinks(): void {
    for (const link of this.#links.values()) link.flush();
  }

  /**
   * A turn that only moves commit indexes needs no sync of its own: its records ride along with the next one,
   * and its Readies count as soon as those before them do.
   */
  #sync(): void {
    if (this.#collecting.length === 0) return;
    const items = this.#collecting;
    this.#collecting = [];
    const needsSync = items.some(({ ready }) => ready.mustSync);
    const sinceMs = this.#clock.monotonicMs();
    const group: PersistGroup = { items, sinceMs, durable: !needsSync };
    this.#persisting.push(group);
    if (!needsSync) {
      this.#report();
      return;
    }
    this.#log.commit((error) => {
      if (this.#stopped) return;
      if (error !== undefined) {
        this.fail(error);
        return;
      }
      group.durable = true;
      this.#report();
      // What promised durability may leave.
      this.wakeFlush();
    });
  }

  #report(): void {
    try {
      while (this.#persisting[0]?.durable === true) {
        for (const { replica, ready } of this.#persisting.shift()!.items) {
          replica.persisted(ready, this);
          if (replica.raft.hasReady()) this.wake(replica);
        }
      }
      if (this.#persisting.length > 0) return;
      for (const replica of this.#held) this.wake(replica);
      this.#held.clear();
    } catch (error) {
      this.fail(error);
    }
  }

  #announceCommits(): void {
    this.#noticeTimer = undefined;
    for (const replica of this.#unannounced) {
      if (!replica.raft.owesCommit) continue;
      replica.raft.announceCommit();
      this.wake(replica);
    }
    this.#unannounced.clear();
  }

  fail(error: unknown): void {
    this.#stopped = true;
    this.#noticeTimer?.();
    this.#onFailure(asError(error));
  }
}
