import type { Cancel } from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';
import type { ReadyCallback } from './engine/readiness.ts';
import type { Operation, OpSink } from './operation.ts';
import type { WatchHandle, WatchQuery, WatchSink } from './watch/watch-query.ts';

/** An operation under way, for {@link Transport.cancel}. Objects are reused; the serial tells their lives apart. */
export interface Ticket {
  readonly serial: number;
}

/**
 * Carries operations to a cluster and brings their results: the engine does it with frames to the nodes, REST with
 * requests to a gateway. Keyspaces, batches and scans stand on this and know neither.
 */
export interface Transport {
  /** Operations that are not settled. */
  readonly pendingOps: number;
  /** Why the last connection failed, while none has worked yet. */
  readonly lastTrouble: HoldfastError | undefined;

  /**
   * Calls back once operations have somewhere to go (with nothing), or when that is hopeless (with the reason).
   *
   * @returns forgets the callback
   */
  whenReady(callback: ReadyCallback): Cancel;

  /**
   * Takes over an operation. Its sink is told exactly once, at the latest shortly after its deadline, and never before
   * this returns. Undefined when the operation was refused at once (the sink hears it all the same).
   */
  submit(operation: Operation, sink: OpSink, tag: number): Ticket | undefined;

  /** Gives up an operation of this transport, if its ticket still has this serial. */
  cancel(ticket: Ticket, serial: number, cause: unknown): void;

  /** Follows changes until the handle is cancelled or the sink hears the end; resumes by itself where it can. */
  watch(query: WatchQuery, sink: WatchSink): WatchHandle;

  /** Fails everything under way and closes every connection. */
  close(): void;
}
