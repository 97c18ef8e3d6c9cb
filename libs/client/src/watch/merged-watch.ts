import type { KeyspaceId } from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';
import { type Delivered, mergeChanges } from './merge-changes.ts';
import { type PartOwner, WatchPart } from './watch-part.ts';
import {
  type Change,
  recordBytes,
  type WatchHandle,
  type WatchQuery,
  type WatchSink,
} from './watch-query.ts';
import type { WatchWorld } from './watches.ts';

/**
 * One watch over as many ranges as its interval touches. A change is handed on once every part has closed its
 * revision, so the whole watch moves in one order and resumes from one number.
 */
export class MergedWatch implements PartOwner, WatchHandle {
  readonly keyspace: string | KeyspaceId;
  readonly #world: WatchWorld;
  readonly #sink: WatchSink;
  readonly #parts = new Set<WatchPart>();
  #told: number;
  #hasStood = false;
  #over = false;

  constructor(world: WatchWorld, query: WatchQuery, sink: WatchSink) {
    this.keyspace = query.keyspace;
    this.#world = world;
    this.#sink = sink;
    this.#told = query.after;
    this.spawn(query.start, query.end, query.after);
  }

  get isMerged(): boolean {
    return this.#parts.size > 1;
  }

  taken(change: Change): void {
    // Every change that the sink was given came from here.
    (change as Delivered<WatchPart>).source.taken(recordBytes(change.record));
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    for (const part of this.#parts) part.cancel();
    this.#world.closed(this);
  }

  /** The client closes. */
  end(error: HoldfastError): void {
    if (this.#over) return;
    this.cancel();
    this.#sink.ended(error);
  }

  // PartOwner

  spawn(start: Uint8Array, end: Uint8Array, after: number): void {
    const part = new WatchPart(this.#world, this, start, end, after);
    this.#parts.add(part);
    part.find();
  }

  arrived(): void {
    if (this.#over || !this.#stands()) return;
    const merged = mergeChanges(this.#parts, this.#told);
    if (merged === undefined) return;
    for (const change of merged.changes) {
      this.#sink.change(change);
      if (this.#over) return;
    }
    if (merged.closed <= this.#told && this.#hasStood) return;
    this.#hasStood = true;
    this.#told = Math.max(this.#told, merged.closed);
    this.#sink.progress(this.#told);
  }

  /**
   * A watch from now on begins at the largest revision that one of its ranges began at, as soon as every range has
   * closed it: whatever is written after that anywhere in the interval lies behind it.
   */
  #stands(): boolean {
    if (this.#told > 0) return true;
    let begin = 0;
    let closed = Number.MAX_SAFE_INTEGER;
    for (const { stoodAt, progress } of this.#parts) {
      if (stoodAt === 0) return false;
      begin = Math.max(begin, stoodAt);
      closed = Math.min(closed, progress);
    }
    if (closed < begin) return false;
    for (const part of this.#parts) part.skip(begin);
    this.#told = begin;
    this.#hasStood = true;
    this.#sink.progress(begin);
    return !this.#over;
  }

  failed(error: HoldfastError): void {
    this.end(error);
  }
}
