import { readU53, type Revision, viewOf } from '@holdfast/io';
import {
  Consistency,
  type DataResponseReader,
  type OperationRecord,
  type Outcome,
  readOperationRecord,
  readTransactionAnswer,
  type ScanRowsReader,
  type TransactionAnswer,
} from '@holdfast/wire';
import type { OpResult, ReplicaRole } from '../operation.ts';

/** One answer of a received frame, decoded where it stands and only when it is looked at. */
export class Answer implements OpResult {
  readonly outcome: Outcome;
  readonly resumeKey: Uint8Array | undefined;
  readonly #reader: DataResponseReader;
  readonly #index: number;

  constructor(reader: DataResponseReader, index: number, write: boolean, resumeKey: Uint8Array | undefined) {
    this.#reader = reader;
    this.#index = index;
    this.outcome = write ? 'applied' : 'not_applied';
    this.resumeKey = resumeKey;
  }

  get found(): boolean {
    return this.#reader.found(this.#index);
  }

  get revision(): Revision {
    return this.#reader.revision(this.#index);
  }

  get contentType(): Uint8Array {
    return this.#reader.contentType(this.#index);
  }

  get value(): Uint8Array {
    return this.#reader.value(this.#index);
  }

  get replayed(): boolean {
    return this.#reader.replayed(this.#index);
  }

  get servedLevel(): Consistency {
    return this.#reader.served(this.#index);
  }

  get stalenessMs(): number {
    return this.#reader.stalenessMs(this.#index);
  }

  get role(): ReplicaRole {
    const leads = this.servedLevel === Consistency.strong || this.#reader.leader(this.#index);
    return leads ? 'leader' : 'follower';
  }

  get expiresAtMs(): number {
    return this.#reader.expiresAtMs(this.#index);
  }

  get count(): number {
    const { value } = this;
    return value.length === 8 ? readU53(viewOf(value), 0) : 0;
  }

  get succeeded(): boolean {
    return this.#reader.succeeded(this.#index);
  }

  transaction(): TransactionAnswer {
    return readTransactionAnswer(this.value);
  }

  record(): OperationRecord {
    return readOperationRecord(this.value);
  }

  get rowCount(): number {
    return this.#reader.rowCount(this.#index);
  }

  rows(): ScanRowsReader {
    return this.#reader.rows(this.#index);
  }
}
