import { compareBytes, copyBytes } from '@holdfast/io';
import type { OpResult, ReplicaRole } from '@holdfast/client';
import { Consistency, HoldfastError, OpKind } from '@holdfast/wire';
import type { StoreClient } from '../store-client.ts';
import type { ListRequest } from './range-request.ts';
import type { Position } from './cursor.ts';

/** What is asked for at a time. */
export interface PageLimits {
  readonly rows: number;
  readonly bytes: number;
  /** `performance.now()` at which nobody waits any more. */
  readonly endsAtMs: number;
}

/**
 * A walk through a part of a keyspace, page by page, in the order of the keys' bytes. The snapshot that the first page
 * shows, where the cluster names one, is that of every page.
 */
export class Listing {
  readonly #client: StoreClient;
  readonly #request: ListRequest;
  #position: Position | undefined;
  #complete: boolean;
  /** The weakest of the levels that pages were served at, and the oldest. */
  #servedLevel: Consistency = Consistency.strong;
  #stalenessMs = 0;
  #role: ReplicaRole = 'leader';

  constructor(client: StoreClient, request: ListRequest) {
    const { start, end, reverse, level, position } = request;
    this.#client = client;
    this.#request = request;
    this.#position = position ?? { revision: level.revision, key: reverse ? end : start };
    this.#complete = end.length > 0 && compareBytes(start, end) >= 0;
  }

  /** Nothing is left. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The snapshot that pages show; 0 when none is named. */
  get revision(): number {
    return this.#position?.revision ?? 0;
  }

  get servedLevel(): Consistency {
    return this.#servedLevel;
  }

  get stalenessMs(): number {
    return this.#stalenessMs;
  }

  /** `follower` as soon as one page came from one. */
  get role(): ReplicaRole {
    return this.#role;
  }

  /** Continues this listing elsewhere; undefined when it is complete. */
  get cursor(): string | undefined {
    return this.#complete || this.#position === undefined
      ? undefined
      : this.#request.cursorAt(this.#position);
  }

  /** The next page; it may be empty although more follows. Only while the listing is not complete. */
  async next({ rows, bytes, endsAtMs }: PageLimits): Promise<OpResult> {
    const { keyspace, start, end, reverse, keysOnly, countOnly, level } = this.#request;
    const { revision, key } = this.#position ?? { revision: 0, key: start };
    const leftMs = Math.floor(endsAtMs - performance.now());
    if (leftMs < 1) throw new HoldfastError('HF_DEADLINE_EXCEEDED');
    const page = await this.#client.execute({
      kind: OpKind.scan,
      keyspace,
      key: reverse ? start : key,
      endKey: reverse ? key : end,
      reverse,
      keysOnly,
      countOnly,
      pinned: revision === 0 && level.consistency === Consistency.strong,
      limit: rows,
      limitBytes: bytes,
      consistency: level.consistency,
      maxStalenessMs: level.maxStalenessMs,
      minRevision: level.minRevision,
      revision,
      deadlineMs: leftMs,
    });
    const { resumeKey } = page;
    this.#complete = resumeKey === undefined;
    this.#position = {
      revision: revision === 0 ? page.revision : revision,
      key: resumeKey === undefined ? key : copyBytes(resumeKey),
    };
    if (page.servedLevel > this.#servedLevel) this.#servedLevel = page.servedLevel;
    this.#stalenessMs = Math.max(this.#stalenessMs, page.stalenessMs);
    if (page.role === 'follower') this.#role = 'follower';
    return page;
  }
}
