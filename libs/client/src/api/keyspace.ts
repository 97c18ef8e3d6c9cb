import { EMPTY_BYTES, encodeUtf8, prefixEnd, type Revision } from '@holdfast/io';
import { Condition, Consistency, HoldfastError, IDEMPOTENCY_KEY_BYTES_MAX, OpKind } from '@holdfast/wire';
import type { Engine } from '../engine/engine.ts';
import type { Operation, OpResult } from '../operation.ts';
import { BatchWriteError } from './batch-write-error.ts';
import type { Codec } from './codec.ts';
import type { ContentTypes } from './content-type.ts';
import { type Key, keyBytes } from './key.ts';
import { executeMany } from './many.ts';
import type {
  CompareOptions,
  ConsistencyName,
  GetOptions,
  ReadOptions,
  ScanCallOptions,
  SetOptions,
  WriteCallOptions,
} from './options.ts';
import { execute } from './promise-sink.ts';
import { type Row, scanPages } from './scan.ts';

/** A value and what is known of it. */
export interface Item<T> {
  readonly value: T;
  /** Of this value: the condition of a `compareAndSet`, the floor of a later weak read. */
  readonly revision: Revision;
  readonly contentType: string;
  /** Level the answer was served at. */
  readonly servedLevel: ConsistencyName;
  /** The answer is at most this old, in milliseconds; 0 when served strong. */
  readonly stalenessMs: number;
}

/** A write that is durable on a majority. */
export interface Written {
  readonly revision: Revision;
  /** The key had a value before. */
  readonly existed: boolean;
  /** An earlier answer to the same idempotency key, given again. */
  readonly replayed: boolean;
}

export type SwapResult =
  | { readonly swapped: true; readonly revision: Revision }
  /** `revision` is the current one, 0 when the key has no value. */
  | { readonly swapped: false; readonly revision: Revision };

const LEVELS: readonly ConsistencyName[] = ['strong', 'bounded', 'eventual'];
const NO_OPTIONS = {};

/**
 * One keyspace with values of one type. Cheap: make as many as are useful. Every method throws a `HoldfastError` with
 * a code of the table and an outcome; a write that may have been applied says `unknown`.
 */
export class Keyspace<T> {
  readonly name: string;
  readonly #engine: Engine;
  readonly #codec: Codec<T>;
  readonly #contentTypes: ContentTypes;

  constructor(engine: Engine, name: string, codec: Codec<T>, contentTypes: ContentTypes) {
    this.name = name;
    this.#engine = engine;
    this.#codec = codec;
    this.#contentTypes = contentTypes;
  }

  /** The same keyspace with values of another type. */
  with<U>(codec: Codec<U>): Keyspace<U> {
    return new Keyspace(this.#engine, this.name, codec, this.#contentTypes);
  }

  /** The value, or undefined when the key has none. */
  async get(key: Key, options: GetOptions = NO_OPTIONS): Promise<Item<T> | undefined> {
    return execute(
      this.#engine,
      this.#read(keyBytes(key), options, options.revision),
      this.#item,
      options.signal,
    );
  }

  /** Values in the order of `keys`. Each is read by itself: together they are no snapshot. Throws when one fails. */
  async getMany(keys: Iterable<Key>, options: ReadOptions = NO_OPTIONS): Promise<(Item<T> | undefined)[]> {
    const operations = Array.from(keys, (key) => this.#read(keyBytes(key), options, undefined));
    const results = await executeMany(this.#engine, operations, this.#item, options.signal);
    return results.map((result) => {
      if (result instanceof HoldfastError) throw result;
      return result;
    });
  }

  async set(key: Key, value: T, options: SetOptions = NO_OPTIONS): Promise<Written> {
    return execute(this.#engine, this.#put(keyBytes(key), value, options), written, options.signal);
  }

  /**
   * Writes each entry by itself, in no order: this is not a transaction. Results are in the order of the entries.
   *
   * @throws BatchWriteError when one or more failed; it tells what became of each.
   */
  async setMany(
    entries: Iterable<readonly [Key, T]>,
    options: Omit<SetOptions, 'idempotencyKey'> = NO_OPTIONS,
  ): Promise<Written[]> {
    const operations = Array.from(entries, ([key, value]) => this.#put(keyBytes(key), value, options));
    const results = await executeMany(this.#engine, operations, written, options.signal);
    return results.map((result) => {
      if (result instanceof HoldfastError) throw new BatchWriteError(results);
      return result;
    });
  }

  /** Removes the key; `existed` says whether there was something to remove. */
  async delete(
    key: Key,
    options: WriteCallOptions & { readonly ifRevision?: number } = NO_OPTIONS,
  ): Promise<Written> {
    const { ifRevision } = options;
    const operation: Operation = {
      kind: OpKind.delete,
      keyspace: this.name,
      key: keyBytes(key),
      condition: ifRevision === undefined ? Condition.none : Condition.revisionEquals,
      revision: ifRevision,
      idempotencyKey: idempotencyBytes(options.idempotencyKey),
      deadlineMs: options.deadlineMs,
    };
    return execute(this.#engine, operation, written, options.signal);
  }

  /** Writes if the key has exactly this revision, or no value. A condition that does not hold is a result. */
  async compareAndSet(key: Key, value: T, options: CompareOptions): Promise<SwapResult> {
    const { ifRevision, ifAbsent } = options;
    if ((ifRevision === undefined) === (ifAbsent !== true)) {
      throw new HoldfastError('HF_BAD_REQUEST', {
        detail: 'compareAndSet takes ifRevision or ifAbsent, one of them',
      });
    }
    const operation: Operation = {
      ...this.#put(keyBytes(key), value, options),
      condition: ifRevision === undefined ? Condition.absent : Condition.revisionEquals,
      revision: ifRevision,
    };
    try {
      return await execute(this.#engine, operation, swapped, options.signal);
    } catch (error) {
      const refused = error instanceof HoldfastError && error.code === 'HF_PRECONDITION_FAILED';
      if (!refused || error.outcome !== 'not_applied') throw error;
      return { swapped: false, revision: error.revision ?? (0 as Revision) };
    }
  }

  /**
   * Rows in order of their keys (bytes), across ranges, page by page: `for await (const row of users.scan())`. Pages
   * are read one after the other, each as fresh as asked; together they are no snapshot. The loop may be left early.
   */
  scan(options: ScanCallOptions = NO_OPTIONS): AsyncGenerator<Row<T>, void, undefined> {
    const prefix = options.prefix === undefined ? undefined : keyBytes(options.prefix);
    const start = prefix ?? (options.start === undefined ? EMPTY_BYTES : keyBytes(options.start));
    const end =
      prefix === undefined
        ? options.end === undefined
          ? EMPTY_BYTES
          : keyBytes(options.end)
        : (prefixEnd(prefix) ?? EMPTY_BYTES);
    return scanPages(
      this.#engine,
      this.#read(start, options, undefined),
      end,
      options,
      this.#codec,
      this.#contentTypes,
    );
  }

  #read(key: Uint8Array, options: ReadOptions, revision: number | undefined): Operation {
    return {
      kind: OpKind.get,
      keyspace: this.name,
      key,
      revision,
      consistency: levelOf(options.consistency),
      maxStalenessMs: options.maxStalenessMs,
      minRevision: options.minRevision,
      deadlineMs: options.deadlineMs,
    };
  }

  #put(key: Uint8Array, value: T, options: SetOptions): Operation {
    return {
      kind: OpKind.put,
      keyspace: this.name,
      key,
      value: this.#codec.encode(value),
      contentType: this.#contentTypes.encode(options.contentType ?? this.#codec.contentType),
      ttlMs: options.ttlMs,
      idempotencyKey: idempotencyBytes(options.idempotencyKey),
      deadlineMs: options.deadlineMs,
    };
  }

  readonly #item = (result: OpResult): Item<T> | undefined => {
    if (!result.found) return undefined;
    return {
      value: this.#codec.decode(result.value),
      revision: result.revision,
      contentType: this.#contentTypes.decode(result.contentType),
      servedLevel: LEVELS[result.servedLevel]!,
      stalenessMs: result.stalenessMs,
    };
  };
}

function written(result: OpResult): Written {
  return { revision: result.revision, existed: result.found, replayed: result.replayed };
}

function swapped(result: OpResult): SwapResult {
  return { swapped: true, revision: result.revision };
}

function levelOf(name: ConsistencyName | undefined): Consistency {
  return name === undefined ? Consistency.strong : Consistency[name];
}

function idempotencyBytes(key: string | undefined): Uint8Array | undefined {
  if (key === undefined) return undefined;
  const encoded = encodeUtf8(key);
  if (encoded === undefined || encoded.length === 0 || encoded.length > IDEMPOTENCY_KEY_BYTES_MAX) {
    throw new HoldfastError('HF_IDEMPOTENCY_KEY_INVALID');
  }
  return encoded;
}
