import type { RangeId } from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';
import type { Operation, OpResult, OpSink } from '../operation.ts';

export interface LookupHost {
  /** Ranges of the map in use. */
  readonly ranges: readonly RangeId[];
  whenReady(callback: (failure: HoldfastError | undefined) => void): void;
  submit(operation: Operation, sink: OpSink, tag: number): unknown;
}

/**
 * Asks every range for the record of an idempotency key: the record lies where its write went, which the key does not
 * tell. Found once is found; absent is absent everywhere; a range that cannot be asked leaves the matter open.
 */
export function lookUpEverywhere(host: LookupHost, operation: Operation, sink: OpSink, tag: number): void {
  host.whenReady((failure) => {
    if (failure !== undefined) {
      sink.failed(failure, tag);
      return;
    }
    const { ranges } = host;
    const everywhere = new EverywhereSink(sink, tag, ranges.length);
    for (const range of ranges) host.submit({ ...operation, range }, everywhere, 0);
  });
}

class EverywhereSink implements OpSink {
  readonly #sink: OpSink;
  readonly #tag: number;
  #left: number;
  #told = false;
  #failure: HoldfastError | undefined;

  constructor(sink: OpSink, tag: number, ranges: number) {
    this.#sink = sink;
    this.#tag = tag;
    this.#left = ranges;
  }

  done(result: OpResult): void {
    this.#left--;
    if (result.found || (this.#left === 0 && this.#failure === undefined)) {
      if (this.#told) return;
      this.#told = true;
      this.#sink.done(result, this.#tag);
    } else {
      this.#tellFailure();
    }
  }

  failed(error: HoldfastError): void {
    this.#left--;
    this.#failure = error;
    this.#tellFailure();
  }

  #tellFailure(): void {
    if (this.#told || this.#left > 0 || this.#failure === undefined) return;
    this.#told = true;
    this.#sink.failed(this.#failure, this.#tag);
  }
}
