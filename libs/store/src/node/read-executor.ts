import { asError, type Buggify, type Clock, type KeyspaceId } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import {
  AnswerFlag,
  Consistency,
  type ErrorCode,
  OpKind,
  SCAN_ROWS_MAX,
  ScanRowsBuilder,
} from '@holdfast/wire';
import { type HybridClock, revisionOfWallMs, wallMsOfRevision } from '../hybrid-clock.ts';
import { recordIn } from '../range/idempotency-record.ts';
import type { ReadFailure, ReadWaiter } from '../range/reads.ts';
import type { Replica } from '../range/replica.ts';
import { expiryOf, readStoredValue } from '../range/stored-value.ts';
import { dataKey, idempotencyKeyOf } from '../tree-keys.ts';
import type { NodeBuggifyPoint } from './buggify.ts';
import type { DataCall } from './data-call.ts';
import { scanRange } from './scan.ts';

/** Staleness of an answer whose age nobody has measured: the largest number the protocol carries, in ms. */
export const STALENESS_UNKNOWN_MS = 0xffff_ffff;
/** How far above this node's clock a revision may be that is read at: the skew between two leaders. Milliseconds. */
export const FUTURE_MS_MAX = 10_000;
/**
 * Up to here above its clock a revision may still be one that another node has stamped, whose clock was set wrong: the
 * nodes tell each other, and the next try finds this one's clock moved on. Milliseconds.
 */
const SKEW_MS_MAX = 600_000;

/** Builders of rows that wait for the next scan. */
const IDLE_ROWS_MAX = 16;

export interface ReadHost {
  readonly clock: Clock;
  readonly hybridClock: HybridClock;
  readonly tree: Tree;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  /** The replica has work: a turn is owed. */
  wake(replica: Replica): void;
  /** Old versions of the keyspace at or below it may be gone. */
  horizon(keyspace: KeyspaceId): number;
}

/** At what a read is served. */
export interface ReadView {
  readonly served: Consistency;
  readonly stalenessMs: number;
  /** What has expired by then is hidden: milliseconds since 1970. */
  readonly nowMs: number;
  /** Revision to read at; 0 = the latest state. */
  readonly revision: number;
  /** {@link AnswerFlag}s: `leader` when this replica leads its range. */
  readonly flags: number;
}

/** Serves the reads of calls: strong ones through their range's next ReadIndex round, others from what is applied. */
export class ReadExecutor {
  readonly #host: ReadHost;
  /** They have grown to what scans need, and are used again. */
  readonly #idleRows: ScanRowsBuilder[] = [];

  constructor(host: ReadHost) {
    this.#host = host;
  }

  /** Starts a read. @param rounds of the call so far */
  execute(call: DataCall, op: number, replica: Replica, rounds: ReadRounds): void {
    const { reader } = call;
    const { hybridClock } = this.#host;
    const revision = reader.revision(op);
    if (revision !== 0) {
      if (this.#refusesCompacted(call, op, revision)) return;
      if (this.#refusesFuture(call, op, revision)) return;
    }
    if (this.#servedLocally(call, revision, replica)) {
      const nowMs = revision === 0 ? hybridClock.nowMs() : wallMsOfRevision(revision);
      const served = Consistency.eventual;
      const flags = replica.isLeader ? AnswerFlag.leader : 0;
      this.serve(call, op, replica, { served, stalenessMs: STALENESS_UNKNOWN_MS, nowMs, revision, flags });
      return;
    }
    const atRevision = revision !== 0 || reader.pinned(op);
    if (!replica.isLeader && (atRevision || !replica.isVoter)) {
      // Only the leader knows every write that is under way and may still get a revision below the one asked for.
      // And who has no vote may be about to go: its clients are to know the others by then.
      call.refuse(op, 'HF_NOT_LEADER', { leaderHint: replica.leader });
      return;
    }
    const round = rounds.of(this, call, replica);
    if (round.ops.length === 0) {
      replica.read(round);
      this.#host.wake(replica);
    }
    round.ops.push(op);
    if (!atRevision) return;
    // No write may get a revision at or below this one any more, and those that have one must be shown.
    hybridClock.observe(revision);
    round.pin(hybridClock.read());
  }

  /**
   * Weak reads are answered from what this replica has applied, unless the floor or the revision asked for is above
   * it: revisions grow along the log, so what is applied holds everything at or below its own.
   */
  #servedLocally(call: DataCall, revision: number, replica: Replica): boolean {
    const { reader } = call;
    const floor = Math.max(reader.minRevision, revision);
    return reader.consistency === Consistency.eventual && floor <= replica.applied.revision;
  }

  /** Reading at a revision moves this node's clock there: not by more than clocks may differ, whoever asks for it. */
  #refusesFuture(call: DataCall, op: number, revision: number): boolean {
    const nowMs = this.#host.hybridClock.nowMs();
    if (revision <= revisionOfWallMs(nowMs + FUTURE_MS_MAX)) return false;
    if (revision <= revisionOfWallMs(nowMs + SKEW_MS_MAX)) {
      const detail = `this node's clock is ${wallMsOfRevision(revision) - nowMs} ms behind that revision`;
      call.refuse(op, 'HF_UNAVAILABLE', { retryAfterMs: 20, detail });
    } else {
      call.refuse(op, 'HF_BAD_REQUEST', { detail: 'a revision of the future' });
    }
    return true;
  }

  /** What was there at `revision` may be gone. */
  #refusesCompacted(call: DataCall, op: number, revision: number): boolean {
    const horizon = this.#host.horizon(call.reader.keyspaceId(op));
    if (revision >= horizon) return false;
    call.refuse(op, 'HF_COMPACTED', { revision: horizon });
    return true;
  }

  serve(call: DataCall, op: number, replica: Replica, view: ReadView): void {
    if (!call.takesAnswer(op)) return;
    // Again: while its round went on, old versions went too.
    if (view.revision !== 0 && this.#refusesCompacted(call, op, view.revision)) return;
    const { reader } = call;
    const kind = reader.kind(op);
    if (kind === OpKind.scan) {
      this.#settle(call, op, replica, this.#scan(call, op, replica, view));
      return;
    }
    const key =
      kind === OpKind.lookup
        ? idempotencyKeyOf(replica.id, reader.key(op))
        : dataKey(reader.keyspaceId(op), reader.key(op));
    const { revision, served, stalenessMs, nowMs, flags } = view;
    const lookup = this.#lookup(key, revision === 0 ? undefined : revision);
    const answer = (version: Awaited<typeof lookup>): void => {
      const expiresAtMs = version === undefined ? 0 : expiryOf(version.value);
      if (version === undefined || (expiresAtMs !== 0 && expiresAtMs <= nowMs)) {
        call.absent(op, served, stalenessMs, flags);
        return;
      }
      const stored = readStoredValue(version.value);
      const found = kind === OpKind.lookup ? { ...stored, value: recordIn(version.value) } : stored;
      call.found(op, version.revision, found, served, stalenessMs, flags);
    };
    if (lookup instanceof Promise) this.#settle(call, op, replica, lookup.then(answer));
    else answer(lookup);
  }

  /** Never throws: damage is a rejection, whether the tree knew of it before or finds it now. */
  #lookup(key: Uint8Array, revision: number | undefined): ReturnType<Tree['get']> {
    try {
      return this.#host.tree.get(key, revision);
    } catch (error) {
      return Promise.reject(asError(error));
    }
  }

  async #scan(call: DataCall, op: number, replica: Replica, view: ReadView): Promise<void> {
    const rows = this.#idleRows.pop() ?? new ScanRowsBuilder();
    try {
      const rowsMax = this.#host.buggify('short-page') ? 1 : SCAN_ROWS_MAX;
      await scanRange(this.#host.tree, replica.descriptor, call, op, view, rows, rowsMax);
    } finally {
      rows.reset();
      if (this.#idleRows.length < IDLE_ROWS_MAX) this.#idleRows.push(rows);
    }
  }

  /**
   * A read that fails on damaged blocks is an answer too, never a wrong value. The leader of the range hands it to
   * a replica whose copy may be sound, so that the client's next try can succeed; a follower sends the caller there.
   */
  #settle(call: DataCall, op: number, replica: Replica, work: Promise<void>): void {
    work.catch((error: unknown) => {
      const { isLeader, leader } = replica;
      const detail = asError(error).message;
      if (!isLeader && leader !== 0) {
        call.refuse(op, 'HF_NOT_LEADER', { leaderHint: leader, detail });
        return;
      }
      call.refuse(op, 'HF_CORRUPTION', { detail });
      if (!isLeader) return;
      replica.raft.transferLeadership();
      this.#host.wake(replica);
    });
  }

  monotonicMs(): number {
    return this.#host.clock.monotonicMs();
  }

  /** Time that reads of this turn go by. The round that confirms them carries it to a quorum. */
  nowMs(): number {
    return this.#host.hybridClock.nowMs();
  }
}

/** The rounds that one call takes part in: one for each of its ranges. */
export class ReadRounds {
  #last: RangeRead | undefined;
  #all: Map<Replica, RangeRead> | undefined;

  of(executor: ReadExecutor, call: DataCall, replica: Replica): RangeRead {
    if (this.#last?.replica === replica) return this.#last;
    this.#all ??= new Map();
    let round = this.#all.get(replica);
    if (round === undefined) {
      round = new RangeRead(executor, call, replica);
      this.#all.set(replica, round);
    }
    this.#last = round;
    return round;
  }
}

/** The strong reads of one call in one range: they share a place in the ReadIndex round. */
class RangeRead implements ReadWaiter {
  readonly replica: Replica;
  readonly ops: number[] = [];
  readonly #executor: ReadExecutor;
  readonly #call: DataCall;
  readonly #nowMs: number;
  #pinned = 0;
  minIndex = 0;

  constructor(executor: ReadExecutor, call: DataCall, replica: Replica) {
    this.#executor = executor;
    this.#call = call;
    this.replica = replica;
    this.#nowMs = executor.nowMs();
  }

  /** Reads at a revision up to `revision` see everything that the leader's log holds now, synced or not. */
  pin(revision: number): void {
    this.#pinned = revision;
    this.minIndex = this.replica.raft.last;
  }

  readable(): void {
    const { reader } = this.#call;
    const latest = {
      served: Consistency.strong,
      stalenessMs: 0,
      nowMs: this.#nowMs,
      revision: 0,
      flags: AnswerFlag.leader,
    };
    const monotonicMs = this.#executor.monotonicMs();
    for (const op of this.ops) {
      // A whole round has passed: nothing is looked up for callers who have gone.
      if (!this.#call.stillWants(op, monotonicMs)) continue;
      const asked = reader.revision(op);
      const revision = asked === 0 && reader.pinned(op) ? this.#pinned : asked;
      const view = revision === 0 ? latest : { ...latest, nowMs: wallMsOfRevision(revision), revision };
      this.#executor.serve(this.#call, op, this.replica, view);
    }
  }

  failed(failure: ReadFailure): void {
    const code: ErrorCode = failure === 'stopped' ? 'HF_UNAVAILABLE' : 'HF_NOT_LEADER';
    for (const op of this.ops) this.#call.refuse(op, code, { leaderHint: this.replica.leader });
  }
}
