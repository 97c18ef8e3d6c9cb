import type { Cancel, Clock, RangeId } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import type { Operation, OpResult, OpSink } from '../operation.ts';
import type { Ticket } from '../transport.ts';
import type { PendingOp } from './pending-op.ts';

export interface LookupHost {
  readonly clock: Clock;
  /** Ranges of the map in use. */
  readonly ranges: readonly RangeId[];
  whenReady(callback: (failure: HoldfastError | undefined) => void): Cancel;
  submitTo(operation: Operation, sink: OpSink, tag: number): PendingOp | undefined;
  cancel(ticket: Ticket, serial: number, cause: unknown): void;
}

/**
 * Asks every range for the record of an idempotency key: the record lies where its write went, which the key does not
 * tell. Found once is found; absent is absent everywhere; a range that cannot be asked leaves the matter open.
 */
export class EverywhereLookup implements OpSink, Ticket {
  readonly serial = 0;
  readonly #host: LookupHost;
  readonly #sink: OpSink;
  readonly #tag: number;
  readonly #asked: { readonly op: PendingOp; readonly serial: number }[] = [];
  readonly #cancelDeadline: Cancel;
  /** While the ranges are not known. */
  #cancelReadiness: Cancel | undefined;
  #left = 0;
  #over = false;
  #failure: HoldfastError | undefined;

  constructor(host: LookupHost, operation: Operation, sink: OpSink, tag: number, deadlineMs: number) {
    this.#host = host;
    this.#sink = sink;
    this.#tag = tag;
    const { clock } = host;
    const endsAtMs = clock.monotonicMs() + deadlineMs;
    this.#cancelDeadline = clock.schedule(deadlineMs, () => {
      const detail = 'not every range could be asked in time';
      this.#fail(new HoldfastError('HF_DEADLINE_EXCEEDED', { detail, cause: this.#failure }));
    });
    // Never before the caller has its ticket.
    clock.defer(() => {
      if (this.#over) return;
      this.#cancelReadiness = host.whenReady((failure) => {
        if (failure === undefined) this.#ask({ ...operation, deadlineMs: endsAtMs - clock.monotonicMs() });
        else this.#fail(failure);
      });
    });
  }

  done(result: OpResult): void {
    this.#left--;
    if (this.#over) return;
    if (result.found || (this.#left === 0 && this.#failure === undefined)) {
      this.#end();
      this.#sink.done(result, this.#tag);
    } else if (this.#left === 0 && this.#failure !== undefined) {
      this.#fail(this.#failure);
    }
  }

  failed(error: HoldfastError): void {
    this.#left--;
    this.#failure = error;
    if (this.#left === 0) this.#fail(error);
  }

  cancel(cause: unknown): void {
    this.#fail(new HoldfastError('HF_CANCELLED', { outcome: 'not_applied', cause }));
  }

  #ask(operation: Operation): void {
    const { ranges } = this.#host;
    this.#left = ranges.length;
    for (const range of ranges) {
      const op = this.#host.submitTo({ ...operation, range }, this, 0);
      if (op !== undefined) this.#asked.push({ op, serial: op.serial });
    }
  }

  #fail(error: HoldfastError): void {
    if (this.#over) return;
    this.#end();
    this.#sink.failed(error, this.#tag);
  }

  /** What is still asked is not waited for. */
  #end(): void {
    this.#over = true;
    this.#cancelDeadline();
    this.#cancelReadiness?.();
    for (const { op, serial } of this.#asked) this.#host.cancel(op, serial, undefined);
  }
}
