import type { HoldfastError } from '@holdfast/wire';
import type { Operation, OpResult, OpSink } from '../operation.ts';
import type { Transport } from '../transport.ts';
import type { AbortSignalLike } from './abort.ts';

/** Settles one promise with what `map` makes of the result. */
class PromiseSink<T> implements OpSink {
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #map: (result: OpResult) => T;
  #unlisten: (() => void) | undefined;

  constructor(resolve: (value: T) => void, reject: (reason: unknown) => void, map: (result: OpResult) => T) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#map = map;
  }

  /** Gives up the operation when the signal says so. */
  listen(signal: AbortSignalLike, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort);
    this.#unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  done(result: OpResult): void {
    this.#unlisten?.();
    let value: T;
    try {
      value = this.#map(result);
    } catch (error) {
      // A codec that refuses the bytes fails this call, not the connection that others share.
      this.#reject(error);
      return;
    }
    this.#resolve(value);
  }

  failed(error: HoldfastError): void {
    this.#unlisten?.();
    this.#reject(error);
  }
}

/** Submits `operation`; the promise is the only thing made per call beside its sink. */
export function execute<T>(
  transport: Transport,
  operation: Operation,
  map: (result: OpResult) => T,
  signal: AbortSignalLike | undefined,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const sink = new PromiseSink<T>(resolve, reject, map);
  const op = transport.submit(operation, sink, 0);
  if (signal !== undefined && op !== undefined) {
    const { serial } = op;
    const cancel = (): void => transport.cancel(op, serial, signal.reason);
    if (signal.aborted) cancel();
    else sink.listen(signal, cancel);
  }
  return promise;
}
