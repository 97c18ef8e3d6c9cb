/// <reference lib="esnext.disposable" preserve="true" />
import { DEADLINE_MS_DEFAULT } from '@holdfast/wire';
import { type Codec, json } from '../api/codec.ts';
import { SyncKeyspace } from './sync/sync-keyspace.ts';
import type { SyncConnectOptions } from './sync/sync-protocol.ts';
import { SyncThread } from './sync/sync-thread.ts';

/** A client whose calls block the thread until they are done, each for as long as its deadline at most. */
export class SyncClient {
  readonly #thread: SyncThread;
  readonly #deadlineMs: number;

  constructor(thread: SyncThread, deadlineMs: number) {
    this.#thread = thread;
    this.#deadlineMs = deadlineMs;
  }

  /** A keyspace with JSON values. The type is a promise of the script: nothing is checked against it. */
  keyspace<T = unknown>(name: string): SyncKeyspace<T>;
  /** A keyspace with values of the codec's type. */
  keyspace<T>(name: string, codec: Codec<T>): SyncKeyspace<T>;
  keyspace<T>(name: string, codec: Codec<T> = json<T>()): SyncKeyspace<T> {
    return new SyncKeyspace(this.#thread, name, codec, this.#deadlineMs);
  }

  /** Ends the connections and the thread. */
  close(): void {
    this.#thread.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * A blocking client, for scripts, tools and consoles. Never for servers: while a call is under way, nothing else
 * happens on this thread.
 *
 * ```ts
 * using db = connectSync('holdfast://127.0.0.1:7711,127.0.0.1:7712');
 * db.keyspace('default').set('greeting', 'hello');
 * ```
 *
 * @param target as for `connect`: nodes, or a gateway.
 * @throws HoldfastError as `connect` does.
 */
export function connectSync(target: string, options: SyncConnectOptions = {}): SyncClient {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS_DEFAULT;
  return new SyncClient(new SyncThread(target, options, deadlineMs), deadlineMs);
}
