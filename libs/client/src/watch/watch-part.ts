import type { Cancel, KeyspaceId, RangeId, Revision } from '@holdfast/io';
import {
  encodeWatchCancel,
  encodeWatchCredit,
  encodeWatchStart,
  HoldfastError,
  OpKind,
  type WatchEnd,
} from '@holdfast/wire';
import { RETRY_MS, WATCH_FIND_MS, WATCH_PROGRESS_MS, WATCH_WINDOW_BYTES } from '../limits.ts';
import type { NodeLink } from '../link/node-link.ts';
import type { OpSink } from '../operation.ts';
import { equalJitterMs } from '../retry/backoff.ts';
import type { Source } from './merge-changes.ts';
import { RESUMABLE } from './resumable.ts';
import { type ChangeRecord, recordBytes } from './watch-query.ts';
import type { Place, WatchWorld } from './watches.ts';

export interface PartOwner {
  readonly keyspace: string | KeyspaceId;
  /** Whether the watch has other parts: then they wait for each other's progress. */
  readonly isMerged: boolean;
  /** The interval goes on in another range: there must be another part for `[start, end)`. */
  spawn(start: Uint8Array, end: Uint8Array, after: number): void;
  /** There are changes, or progress. */
  arrived(): void;
  /** The whole watch cannot go on. */
  failed(error: HoldfastError): void;
}

/**
 * The part of a watch that lies in one range: finds the leader, starts the watch there, and goes on elsewhere from
 * its own progress when that ends. A read that asks for nothing much finds the leader, with all that reads know of
 * maps, refusals and silent nodes; only then is the watch asked for.
 */
export class WatchPart implements Source, OpSink {
  readonly start: Uint8Array;
  end: Uint8Array;
  readonly queue: ChangeRecord[] = [];
  progress = 0;
  /** The first progress it was told; 0 = it has never stood. */
  stoodAt = 0;
  readonly #world: WatchWorld;
  readonly #owner: PartOwner;
  #after: number;
  #link: NodeLink | undefined;
  #range = 0 as RangeId;
  #id = 0;
  /** Taken by the application and not yet allowed again, in bytes. */
  #owed = 0;
  #failures = 0;
  #cancelRetry: Cancel | undefined;
  #over = false;

  constructor(world: WatchWorld, owner: PartOwner, start: Uint8Array, end: Uint8Array, after: number) {
    this.#world = world;
    this.#owner = owner;
    this.start = start;
    this.end = end;
    this.#after = after;
  }

  /** Looks for the leader of the range that holds the first key. */
  find(): void {
    if (this.#over) return;
    const operation = {
      kind: OpKind.scan,
      keyspace: this.#owner.keyspace,
      key: this.start,
      endKey: this.end,
      limit: 1,
      keysOnly: true,
      deadlineMs: WATCH_FIND_MS,
    } as const;
    this.#world.submit(operation, this);
  }

  // OpSink

  done(): void {
    if (this.#over) return;
    const place = this.#world.place(this.#owner.keyspace, this.start, this.end);
    if (place === undefined || !this.#startAt(place)) this.#again();
  }

  failed(error: HoldfastError): void {
    if (this.#over) return;
    if (RESUMABLE.has(error.code)) this.#again();
    else this.#fail(error);
  }

  // What the link brings

  events(records: readonly ChangeRecord[], progress: number): void {
    this.#failures = 0;
    for (const record of records) this.queue.push(record);
    if (progress > this.progress) this.progress = progress;
    if (this.stoodAt === 0) this.stoodAt = progress;
    this.#owner.arrived();
  }

  ended(end: WatchEnd): void {
    const link = this.#link;
    this.#link = undefined;
    if (end.reason === 'HF_NOT_LEADER' && link !== undefined) {
      this.#world.refused(this.#range, link, end.leaderHint);
    }
    if (RESUMABLE.has(end.reason)) {
      this.#again();
      return;
    }
    const revision = end.oldest === 0 ? {} : { revision: end.oldest as Revision };
    this.#fail(new HoldfastError(end.reason, { detail: end.detail, ...revision }));
  }

  /** The connection is gone. */
  lost(): void {
    this.#link = undefined;
    this.#again();
  }

  /** Leaves out what came up to `revision`: it is not asked for. */
  skip(revision: number): void {
    while (this.queue.length > 0 && this.queue[0].revision <= revision)
      this.taken(recordBytes(this.queue.shift()!));
  }

  /** The application has taken a change. */
  taken(bytes: number): void {
    this.#owed += bytes;
    if (this.#link === undefined || this.#owed < WATCH_WINDOW_BYTES / 4) return;
    const credit = this.#owed;
    this.#owed = 0;
    this.#link.send((version) => encodeWatchCredit(this.#world.kernels, version, this.#id, credit));
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelRetry?.();
    if (this.#link === undefined) return;
    this.#world.forget(this.#link, this.#id);
    this.#link.send((version) => encodeWatchCancel(this.#world.kernels, version, this.#id));
    this.#link = undefined;
  }

  #startAt({ link, range, keyspace, end, next }: Place): boolean {
    if (next !== undefined) {
      this.#owner.spawn(next, this.end, this.#resumeAt());
      this.end = next;
    }
    // What waits in the queue has used its share of the window already.
    const queued = this.queue.reduce((sum, record) => sum + recordBytes(record), 0);
    this.#owed = 0;
    const id = link.send((version, requestId) =>
      encodeWatchStart(this.#world.kernels, version, requestId, {
        range,
        keyspace,
        start: this.start,
        end: next === undefined ? end : next,
        after: this.#resumeAt(),
        credit: Math.max(1, WATCH_WINDOW_BYTES - queued),
        progressMs: this.#owner.isMerged ? WATCH_PROGRESS_MS.merged : WATCH_PROGRESS_MS.alone,
      }),
    );
    if (id === 0) return false;
    this.#link = link;
    this.#range = range;
    this.#id = id;
    this.#world.listen(link, id, this);
    return true;
  }

  #resumeAt(): number {
    return this.progress === 0 ? this.#after : this.progress;
  }

  #again(): void {
    if (this.#over) return;
    const { clock, random } = this.#world;
    const delayMs = equalJitterMs(RETRY_MS, this.#failures++, random);
    this.#cancelRetry = clock.schedule(delayMs, () => this.find());
  }

  #fail(error: HoldfastError): void {
    this.#over = true;
    this.#owner.failed(error);
  }
}
