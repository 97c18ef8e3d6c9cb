import { assert, type Revision, viewOf } from '@holdfast/io';
import { Condition, HoldfastError, OpKind, type StepResult } from '@holdfast/wire';
import type { Operation, OpResult, RequestedCheck, RequestedStep } from '../operation.ts';
import type { Transport } from '../transport.ts';
import { type Key, keyBytes } from './key.ts';
import type { KeyRequests } from './key-requests.ts';
import type { Counted, StoredItem, Written } from './keyspace.ts';
import type { SetOptions, WriteCallOptions } from './options.ts';
import { execute } from './promise-sink.ts';

/** What must hold of a key: exactly one of these. */
export type Check<T> =
  /** The key has exactly this revision; 0: it has no value. */
  | { readonly revision: number }
  /** The key has a value, or has none. */
  | { readonly exists: boolean }
  /** The key's value has the bytes that the codec makes of this one. */
  | { readonly value: T };

/** What a transaction did. */
export interface AtomicResult {
  /** Every check held. */
  readonly committed: boolean;
  /** Of everything that it wrote. */
  readonly revision: Revision;
  /** Position of the first check that did not hold, in the order in which they were added; undefined when all held. */
  readonly failedCheck: number | undefined;
  /** One for each step that was done: those of the builder, or those of `otherwise` when a check failed. */
  readonly results: readonly unknown[];
  /** An earlier answer to the same idempotency key, given again. */
  readonly replayed: boolean;
}

type MapResult = (result: StepResult) => unknown;

/**
 * A transaction on keys of one range of a keyspace: checks, and steps that all happen, at one revision, or do not.
 *
 * ```ts
 * const { committed } = await accounts
 *   .atomic()
 *   .check('ada', { revision: ada.revision })
 *   .set('ada', { balance: 90 })
 *   .increment('transfers')
 *   .otherwise((steps) => steps.get('ada'))
 *   .commit();
 * ```
 *
 * Checks are held against the state in front of the transaction; each step sees what the ones before it wrote. Keys of
 * several ranges are refused with `HF_SPANS_RANGES` before anything is sent. At most TRANSACTION_STEPS_MAX checks and
 * steps. Made once, committed once.
 */
export class Atomic<T> {
  readonly #transport: Transport;
  readonly #requests: KeyRequests<T>;
  readonly #checks: RequestedCheck[] = [];
  readonly #success: AtomicSteps<T>;
  readonly #failure: AtomicSteps<T>;
  #committed = false;

  constructor(transport: Transport, requests: KeyRequests<T>) {
    this.#transport = transport;
    this.#requests = requests;
    this.#success = new AtomicSteps(requests);
    this.#failure = new AtomicSteps(requests);
  }

  /** The transaction happens only if this holds as well. */
  check(key: Key, wanted: Check<T>): this {
    const bytes = keyBytes(key);
    if ('value' in wanted) {
      const value = this.#requests.encoded(wanted.value);
      this.#checks.push({ key: bytes, condition: Condition.valueEquals, value });
    } else if ('exists' in wanted) {
      const condition = wanted.exists ? Condition.exists : Condition.absent;
      this.#checks.push({ key: bytes, condition });
    } else {
      const { revision } = wanted;
      this.#checks.push({ key: bytes, condition: Condition.revisionEquals, revision });
    }
    return this;
  }

  set(key: Key, value: T, options: Pick<SetOptions, 'ttlMs' | 'contentType'> = {}): this {
    this.#success.set(key, value, options);
    return this;
  }

  delete(key: Key): this {
    this.#success.delete(key);
    return this;
  }

  /** See {@link Keyspace.increment}. A value that is no integer fails the whole transaction. */
  increment(key: Key, delta = 1): this {
    this.#success.increment(key, delta);
    return this;
  }

  get(key: Key): this {
    this.#success.get(key);
    return this;
  }

  /** Steps that are done when a check does not hold: the same kinds as those of the transaction. */
  otherwise(steps: (otherwise: AtomicSteps<T>) => unknown): this {
    steps(this.#failure);
    return this;
  }

  /**
   * @throws HoldfastError with a code of the table and an honest outcome. A check that does not hold is a result.
   */
  async commit(options: WriteCallOptions = {}): Promise<AtomicResult> {
    assert(!this.#committed, 'a transaction is committed once');
    this.#committed = true;
    const checks = this.#checks;
    const success = this.#success.steps;
    const failure = this.#failure.steps;
    const first = checks[0] ?? success[0] ?? failure[0];
    if (first === undefined) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'a transaction has a step' });
    }
    const operation: Operation = {
      kind: OpKind.transaction,
      keyspace: this.#requests.keyspace,
      key: first.key,
      transaction: { checks, success, failure },
      idempotencyKey: this.#requests.name(options.idempotencyKey),
      deadlineMs: options.deadlineMs,
    };
    return execute(this.#transport, operation, (result) => this.#result(result), options.signal);
  }

  #result(result: OpResult): AtomicResult {
    const { failedCheck, results } = result.transaction();
    const { maps } = result.succeeded ? this.#success : this.#failure;
    return {
      committed: result.succeeded,
      revision: result.revision,
      failedCheck,
      results: results.map((step, i) => maps[i]?.(step)),
      replayed: result.replayed,
    };
  }
}

/** Steps of a transaction, in order, and what callers get of each. */
export class AtomicSteps<T> {
  readonly steps: RequestedStep[] = [];
  readonly maps: MapResult[] = [];
  readonly #requests: KeyRequests<T>;

  constructor(requests: KeyRequests<T>) {
    this.#requests = requests;
  }

  /** Its result is a {@link Written}. */
  set(key: Key, value: T, options: Pick<SetOptions, 'ttlMs' | 'contentType'> = {}): this {
    const { value: bytes, contentType, ttlMs } = this.#requests.set(keyBytes(key), value, options);
    return this.#add({ kind: OpKind.put, key: keyBytes(key), value: bytes, contentType, ttlMs }, written);
  }

  /** Its result is a {@link Written}. */
  delete(key: Key): this {
    return this.#add({ kind: OpKind.delete, key: keyBytes(key) }, written);
  }

  /** Its result is a {@link Counted}. */
  increment(key: Key, delta = 1): this {
    const { value } = this.#requests.increment(keyBytes(key), delta, {});
    return this.#add({ kind: OpKind.increment, key: keyBytes(key), value }, counted);
  }

  /** Its result is a {@link StoredItem}, or undefined. */
  get(key: Key): this {
    const { stepItem } = this.#requests;
    const map = (result: StepResult): StoredItem<T> | undefined => stepItem(result);
    return this.#add({ kind: OpKind.get, key: keyBytes(key) }, map);
  }

  #add(step: RequestedStep, map: MapResult): this {
    this.steps.push(step);
    this.maps.push(map);
    return this;
  }
}

function written({ revision, found }: StepResult): Written {
  return { revision: revision as Revision, existed: found, replayed: false };
}

function counted({ revision, value }: StepResult): Counted {
  return {
    value: Number(viewOf(value).getBigInt64(0, true)),
    revision: revision as Revision,
    replayed: false,
  };
}
