import { type Revision, viewOf } from '@holdfast/io';
import {
  Condition,
  Consistency,
  HoldfastError,
  OpKind,
  type ScanRowsReader,
  type StepResult,
} from '@holdfast/wire';
import type { Operation, OpResult } from '../operation.ts';
import { bytes, type Codec } from './codec.ts';
import type { ContentTypes } from './content-type.ts';
import type { Counted, Item, StoredItem, SwapResult, Written } from './keyspace.ts';
import type {
  CompareOptions,
  ConsistencyName,
  DeleteOptions,
  ReadOptions,
  SetOptions,
  WriteCallOptions,
} from './options.ts';
import type { Transport } from '../transport.ts';
import type { WatchQuery } from '../watch/watch-query.ts';
import { type WatchEvent, watchStream, type WatchStreamOptions } from '../watch/watch-stream.ts';
import type { Row } from './scan.ts';
import { Slab } from './slab.ts';
import type { WriteNames } from './write-names.ts';

const LEVELS: readonly ConsistencyName[] = ['strong', 'bounded', 'eventual'];

/**
 * Calls on one keyspace to operations, and results back to what callers get. Decides nothing and sends nothing:
 * single calls, `many` and batches share it.
 */
export class KeyRequests<T> {
  readonly keyspace: string;
  readonly #codec: Codec<T>;
  readonly #contentTypes: ContentTypes;
  readonly #names: WriteNames;

  constructor(keyspace: string, codec: Codec<T>, contentTypes: ContentTypes, names: WriteNames) {
    this.keyspace = keyspace;
    this.#codec = codec;
    this.#contentTypes = contentTypes;
    this.#names = names;
  }

  watch(
    transport: Transport,
    query: WatchQuery,
    options: WatchStreamOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    return watchStream(transport, query, options, this.#codec, this.#contentTypes);
  }

  with<U>(codec: Codec<U>): KeyRequests<U> {
    return new KeyRequests(this.keyspace, codec, this.#contentTypes, this.#names);
  }

  /** The name that a write travels under, or undefined. */
  readonly name = (given: string | undefined): Uint8Array | undefined => this.#names.of(given);

  /** Bytes of a value, for a check. */
  readonly encoded = (value: T): Uint8Array => this.#codec.encode(value);

  /** What a step of a transaction read. */
  readonly stepItem = (result: StepResult): StoredItem<T> | undefined => {
    if (!result.found) return undefined;
    const { revision, expiresAtMs } = result;
    return {
      value: this.#codec.decode(result.value),
      revision: revision as Revision,
      contentType: this.#contentTypes.decode(result.contentType),
      ...(expiresAtMs === 0 ? {} : { expiresAtMs }),
    };
  };

  readonly get = (key: Uint8Array, options: ReadOptions, revision: number | undefined): Operation => ({
    kind: OpKind.get,
    keyspace: this.keyspace,
    key,
    revision,
    consistency: options.consistency === undefined ? Consistency.strong : Consistency[options.consistency],
    maxStalenessMs: options.maxStalenessMs,
    minRevision: options.minRevision,
    deadlineMs: options.deadlineMs,
  });

  readonly set = (key: Uint8Array, value: T, options: SetOptions): Operation => ({
    kind: OpKind.put,
    keyspace: this.keyspace,
    key,
    value: this.#codec.encode(value),
    contentType: this.#contentTypes.encode(options.contentType ?? this.#codec.contentType),
    ttlMs: options.ttlMs,
    tellExisted: options.tellExisted,
    idempotencyKey: this.#names.of(options.idempotencyKey),
    deadlineMs: options.deadlineMs,
  });

  readonly delete = (key: Uint8Array, options: DeleteOptions): Operation => ({
    kind: OpKind.delete,
    keyspace: this.keyspace,
    key,
    condition: options.ifRevision === undefined ? Condition.none : Condition.revisionEquals,
    revision: options.ifRevision,
    tellExisted: true,
    idempotencyKey: this.#names.of(options.idempotencyKey),
    deadlineMs: options.deadlineMs,
  });

  /** @throws HoldfastError `HF_BAD_REQUEST` unless there is exactly one condition. */
  readonly compareAndSet = (key: Uint8Array, value: T, options: CompareOptions): Operation => {
    const { ifRevision, ifAbsent } = options;
    if ((ifRevision === undefined) === (ifAbsent !== true)) {
      throw new HoldfastError('HF_BAD_REQUEST', {
        detail: 'compareAndSet takes ifRevision or ifAbsent, one of them',
      });
    }
    return {
      ...this.set(key, value, options),
      condition: ifRevision === undefined ? Condition.absent : Condition.revisionEquals,
      revision: ifRevision,
    };
  };

  /** @throws HoldfastError `HF_BAD_REQUEST` unless `delta` is a safe integer. */
  readonly increment = (key: Uint8Array, delta: number, options: WriteCallOptions): Operation => {
    if (!Number.isSafeInteger(delta)) {
      throw new HoldfastError('HF_BAD_REQUEST', { detail: 'an increment is a safe integer' });
    }
    const value = new Uint8Array(8);
    viewOf(value).setBigInt64(0, BigInt(delta), true);
    return {
      kind: OpKind.increment,
      keyspace: this.keyspace,
      key,
      value,
      idempotencyKey: this.#names.of(options.idempotencyKey),
      deadlineMs: options.deadlineMs,
    };
  };

  readonly item = (result: OpResult): Item<T> | undefined => {
    if (!result.found) return undefined;
    return {
      value: this.#codec.decode(result.value),
      revision: result.revision,
      contentType: this.#contentTypes.decode(result.contentType),
      ...(result.expiresAtMs === 0 ? {} : { expiresAtMs: result.expiresAtMs }),
      servedLevel: LEVELS[result.servedLevel],
      stalenessMs: result.stalenessMs,
    };
  };

  /** Of a write that looked at the key's state before. */
  readonly written = (result: OpResult): Written => ({
    revision: result.revision,
    existed: result.found,
    replayed: result.replayed,
  });

  /** Of a write that did not ask for it. */
  readonly writtenUnseen = ({ revision, replayed }: OpResult): Written => ({ revision, replayed });

  readonly counted = (result: OpResult): Counted => ({
    value: Number(viewOf(result.value).getBigInt64(0, true)),
    revision: result.revision,
    replayed: result.replayed,
  });

  readonly swapped = (result: OpResult): SwapResult => ({ swapped: true, revision: result.revision });

  /** The result that a refused condition stands for; undefined for every other failure. */
  readonly notSwapped = (error: HoldfastError): SwapResult | undefined => {
    if (error.code !== 'HF_PRECONDITION_FAILED' || error.outcome !== 'not_applied') return undefined;
    return { swapped: false, revision: error.revision ?? (0 as Revision) };
  };

  /** Makes rows of one scan. @param keysOnly there are no values, which no codec is asked to make something of */
  rowMaker(keysOnly: boolean): (rows: ScanRowsReader) => Row<T | undefined> {
    const codec = this.#codec;
    const contentTypes = this.#contentTypes;
    const slab = new Slab();
    const isRaw = (codec as Codec<unknown>) === bytes;
    return (rows) => ({
      key: rows.keyText(),
      keyBytes: rows.keyCopy(),
      value: keysOnly ? undefined : isRaw ? (slab.copy(rows.value) as T) : codec.decode(rows.value),
      revision: rows.revision,
      contentType: contentTypes.ofRow(rows),
    });
  }
}
