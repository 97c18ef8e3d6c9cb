import { assert } from '@holdfast/io';
import { HoldfastError, isWrite } from '@holdfast/wire';
import { BATCH_ENTRIES_MAX } from '../limits.ts';
import type { Operation, OpResult } from '../operation.ts';
import type { Transport } from '../transport.ts';
import { BatchError } from './batch-error.ts';
import { type Key, keyBytes } from './key.ts';
import {
  type Counted,
  type Item,
  type Keyspace,
  requestsOf,
  type SwapResult,
  type Written,
} from './keyspace.ts';
import { executeMany } from './many.ts';
import type {
  CallOptions,
  CompareOptions,
  DeleteOptions,
  GetOptions,
  SetOptions,
  WriteCallOptions,
} from './options.ts';

type PerCall<O> = Omit<O, keyof CallOptions>;

interface Entry {
  readonly operation: Operation;
  readonly map: (result: OpResult) => object | undefined;
  /** The result that a failure stands for, where one does. */
  readonly failed?: (error: HoldfastError) => object | undefined;
}

/**
 * Operations that leave together: one frame per leader, one promise for all.
 *
 * ```ts
 * const [ada, saved] = await db.batch().get(users, '42').set(users, '43', { name: 'Grace' }).send();
 * ```
 *
 * Each is executed by itself, in no order: this saves waiting, it is not a transaction. Made once, sent once. Deadline
 * and signal are those of `send`.
 */
export class Batch<R extends readonly unknown[] = []> {
  readonly #transport: Transport;
  readonly #entries: Entry[] = [];
  #sent = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get length(): number {
    return this.#entries.length;
  }

  get<T>(
    keyspace: Keyspace<T>,
    key: Key,
    options: PerCall<GetOptions> = {},
  ): Batch<[...R, Item<T> | undefined]> {
    const { get, item } = requestsOf(keyspace);
    return this.#add({ operation: get(keyBytes(key), options, options.revision), map: item });
  }

  set<T>(
    keyspace: Keyspace<T>,
    key: Key,
    value: T,
    options: PerCall<SetOptions> = {},
  ): Batch<[...R, Written]> {
    const { set, written, writtenUnseen } = requestsOf(keyspace);
    const map = options.tellExisted === true ? written : writtenUnseen;
    return this.#add({ operation: set(keyBytes(key), value, options), map });
  }

  delete<T>(keyspace: Keyspace<T>, key: Key, options: PerCall<DeleteOptions> = {}): Batch<[...R, Written]> {
    const requests = requestsOf(keyspace);
    return this.#add({ operation: requests.delete(keyBytes(key), options), map: requests.written });
  }

  increment<T>(
    keyspace: Keyspace<T>,
    key: Key,
    delta = 1,
    options: PerCall<WriteCallOptions> = {},
  ): Batch<[...R, Counted]> {
    const { increment, counted } = requestsOf(keyspace);
    return this.#add({ operation: increment(keyBytes(key), delta, options), map: counted });
  }

  compareAndSet<T>(
    keyspace: Keyspace<T>,
    key: Key,
    value: T,
    options: PerCall<CompareOptions>,
  ): Batch<[...R, SwapResult]> {
    const { compareAndSet, swapped, notSwapped } = requestsOf(keyspace);
    const operation = compareAndSet(keyBytes(key), value, options);
    return this.#add({ operation, map: swapped, failed: notSwapped });
  }

  /**
   * Sends everything; results are in the order in which operations were added.
   *
   * @throws BatchError when one or more failed; it tells what became of each.
   */
  async send(options: CallOptions = {}): Promise<R> {
    assert(!this.#sent, 'a batch is sent once');
    this.#sent = true;
    const { deadlineMs, signal } = options;
    const entries = this.#entries;
    const operations = entries.map(({ operation }) => ({ ...operation, deadlineMs }));
    const answers = await executeMany(this.#transport, operations, asIs, signal);
    const results = answers.map((answer, i) => {
      const { map, failed } = entries[i];
      return answer instanceof HoldfastError ? (failed?.(answer) ?? answer) : mapped(map, answer);
    });
    if (results.some((result) => result instanceof HoldfastError)) {
      throw new BatchError(results, (i) => isWrite(operations[i].kind));
    }
    return results as readonly unknown[] as R;
  }

  #add<N extends readonly unknown[]>(entry: Entry): Batch<N> {
    assert(!this.#sent, 'a batch is sent once');
    if (this.#entries.length === BATCH_ENTRIES_MAX) throw new HoldfastError('HF_BATCH_TOO_LARGE');
    this.#entries.push(entry);
    return this as unknown as Batch<N>;
  }
}

/** A value that its codec refuses fails its own call: what became of the others must be told as well. */
function mapped(map: Entry['map'], answer: OpResult): object | undefined {
  try {
    return map(answer);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}

const asIs = (result: OpResult): OpResult => result;
