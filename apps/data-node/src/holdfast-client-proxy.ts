import type { Client, Operation, OpResult, OpSink } from '@holdfast/client';
import { HoldfastError } from '@holdfast/wire';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { DATA_PATTERN } from './holdfast-transport.ts';

/** What becomes of each operation of a message: its result, a view of what was received, or why it failed. */
export type BatchResults = readonly (OpResult | HoldfastError)[];

/**
 * The other end of `HoldfastTransport` for applications that speak NestJS: `proxy.send(DATA_PATTERN, operations)` emits
 * the results of all of them, in order, once. A message is one frame for each leader. Routing, retries and outcomes are
 * those of the client underneath, which the proxy closes with itself.
 *
 * Our own gateway does not use it: it hands its requests to the client one by one, which batches those of a turn, and an
 * observable for each would cost more than the request (docs/benchmarks/data-path.md).
 */
export class HoldfastClientProxy extends ClientProxy {
  readonly #client: Client;
  #ready: Promise<void> | undefined;

  constructor(client: Client) {
    super();
    this.#client = client;
  }

  /** Resolves when the cluster is known. @throws HoldfastError as `Client.ready` does; the next call tries again. */
  connect(): Promise<void> {
    this.#ready ??= this.#client.ready().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  unwrap<T>(): T {
    return this.#client as T;
  }

  /** @returns stops listening: operations that were sent are not called back */
  protected publish(
    { pattern, data }: ReadPacket<readonly Operation[]>,
    callback: (packet: WritePacket<BatchResults>) => void,
  ): () => void {
    if (pattern !== DATA_PATTERN) {
      const err = new HoldfastError('HF_UNSUPPORTED', { detail: `the pattern is ${DATA_PATTERN}` });
      callback({ err, isDisposed: true });
      return () => undefined;
    }
    const message = new Message(data.length, callback);
    for (const [i, operation] of data.entries()) this.#client.submit(operation, message, i);
    if (data.length === 0) callback({ response: [], isDisposed: true });
    return () => message.forget();
  }

  /** There are no events: what is written has an answer. */
  protected dispatchEvent(): Promise<never> {
    return Promise.reject(new HoldfastError('HF_UNSUPPORTED', { detail: 'data nodes take no events' }));
  }
}

/** The operations of one message. */
class Message implements OpSink {
  readonly #results: (OpResult | HoldfastError)[];
  #left: number;
  #callback: ((packet: WritePacket<BatchResults>) => void) | undefined;

  constructor(count: number, callback: (packet: WritePacket<BatchResults>) => void) {
    this.#results = new Array<OpResult | HoldfastError>(count);
    this.#left = count;
    this.#callback = callback;
  }

  done(result: OpResult, tag: number): void {
    this.#settled(result, tag);
  }

  failed(error: HoldfastError, tag: number): void {
    this.#settled(error, tag);
  }

  forget(): void {
    this.#callback = undefined;
  }

  #settled(result: OpResult | HoldfastError, tag: number): void {
    this.#results[tag] = result;
    if (--this.#left === 0) this.#callback?.({ response: this.#results, isDisposed: true });
  }
}
