import type { KeyspaceId, RangeId, Revision } from '@holdfast/io';
import type {
  Condition,
  Consistency,
  HoldfastError,
  OperationRecord,
  OpKind,
  Outcome,
  ScanRowsReader,
  TransactionAnswer,
  TransactionStep,
} from '@holdfast/wire';

/**
 * One operation at the level of bytes. Keys and values are not copied: the caller leaves them unchanged until the
 * operation has settled, because a retry reads them again.
 */
export interface Operation {
  readonly kind: OpKind;
  /** Its name, or its id where the caller knows it. */
  readonly keyspace: string | KeyspaceId;
  /** 1 to KEY_BYTES_MAX bytes. Scan: the first key, may be empty. */
  readonly key: Uint8Array;
  /** Put: at most VALUE_BYTES_MAX bytes. Increment: 8 bytes, two's complement, little-endian. */
  readonly value?: Uint8Array | undefined;
  /** Put: ASCII bytes, at most CONTENT_TYPE_BYTES_MAX. */
  readonly contentType?: Uint8Array | undefined;
  /** Write: what must hold. */
  readonly condition?: Condition | undefined;
  /** Write: the revision that `Condition.revisionEquals` compares with. Read: read at this revision. */
  readonly revision?: number | undefined;
  /** Put: milliseconds to live; 0 = for ever. */
  readonly ttlMs?: number | undefined;
  /** Write: 1 to IDEMPOTENCY_KEY_BYTES_MAX bytes. With it, a write whose outcome is unknown is sent again. */
  readonly idempotencyKey?: Uint8Array | undefined;
  /** Read: default strong. */
  readonly consistency?: Consistency | undefined;
  /** Bounded read: how old the answer may be. */
  readonly maxStalenessMs?: number | undefined;
  /** Weaker read: no answer from a state below this revision. A strong read is above every completed write anyway. */
  readonly minRevision?: number | undefined;
  /** Milliseconds from now until the caller is answered, come what may. Default: that of the client. */
  readonly deadlineMs?: number | undefined;
  /** Scan: the key after the last, above `key`; empty = to the end of the keyspace. */
  readonly endKey?: Uint8Array | undefined;
  /** Scan: rows at most in this answer; 0 = the node's limit. */
  readonly limit?: number | undefined;
  /** Scan: bytes of rows at most in this answer; 0 = the node's limit. */
  readonly limitBytes?: number | undefined;
  /** Scan: from the last key to the first. */
  readonly reverse?: boolean | undefined;
  /** Scan: without values. */
  readonly keysOnly?: boolean | undefined;
  /** Scan: how many rows, without the rows: {@link OpResult.count}. */
  readonly countOnly?: boolean | undefined;
  /** Strong scan of the latest state: the answer names the revision that it is a snapshot of. */
  readonly pinned?: boolean | undefined;
  /** Write: {@link OpResult.found} is to say whether the key had a value before. Costs a read. */
  readonly tellExisted?: boolean | undefined;
  /** Transaction: its steps; `key` is that of its first one. */
  readonly transaction?: TransactionRequest | undefined;
  /** Lookup: the one range to ask; by default all of them are. */
  readonly range?: RangeId | undefined;
}

/** Checks and what follows from them; all keys in one range. At most TRANSACTION_STEPS_MAX steps together. */
export interface TransactionRequest {
  readonly checks: readonly RequestedCheck[];
  /** Done, all of it, when every check holds. */
  readonly success: readonly RequestedStep[];
  /** Done otherwise. */
  readonly failure: readonly RequestedStep[];
}

export interface RequestedCheck {
  /** Default: that of the operation. */
  readonly keyspace?: string | KeyspaceId | undefined;
  readonly key: Uint8Array;
  readonly condition: Condition;
  /** For `Condition.revisionEquals`. */
  readonly revision?: number | undefined;
  /** For `Condition.valueEquals`. */
  readonly value?: Uint8Array | undefined;
}

export interface RequestedStep {
  /** Get, put, delete or increment. */
  readonly kind: TransactionStep['kind'];
  /** Default: that of the operation. */
  readonly keyspace?: string | KeyspaceId | undefined;
  readonly key: Uint8Array;
  /** Put: the value. Increment: 8 bytes, two's complement, little-endian. */
  readonly value?: Uint8Array | undefined;
  readonly contentType?: Uint8Array | undefined;
  /** Put: milliseconds to live; 0 = for ever. */
  readonly ttlMs?: number | undefined;
}

/** A replica that answers: the one that takes writes, or one that follows it. */
export type ReplicaRole = 'leader' | 'follower';

/**
 * What a successful operation gave. Byte fields are views of the received frame, which nobody writes again; whoever
 * keeps one for long copies it, because it keeps the whole frame in memory.
 */
export interface OpResult {
  /** Write: `applied`. Read: `not_applied`: reads change nothing. */
  readonly outcome: Outcome;
  /** Read: the key has a value. Write: it had one before; looked at only with a condition or `tellExisted`. */
  readonly found: boolean;
  /** Write: its revision. Read: the value's, 0 when absent. */
  readonly revision: Revision;
  readonly contentType: Uint8Array;
  /** The value; empty when absent. Increment: the new one, 8 bytes, two's complement, little-endian. */
  readonly value: Uint8Array;
  /** The first answer to this idempotency key, given again. */
  readonly replayed: boolean;
  /** Level the answer was served at: never weaker than asked without saying so here. */
  readonly servedLevel: Consistency;
  /** The answer is at most this old; 0 when served strong. */
  readonly stalenessMs: number;
  /** What the replica that answered is in its range: strong reads and writes are answered by the leader. */
  readonly role: ReplicaRole;
  /** When the value expires, milliseconds since 1970; 0 = never. */
  readonly expiresAtMs: number;
  /** Counting scan: rows. Deletion of a range: keys that are gone. Else 0. */
  readonly count: number;
  /** Transaction: every check held. */
  readonly succeeded: boolean;
  /** Transaction: what its steps found and made; byte fields are views. @throws ProtocolError */
  transaction(): TransactionAnswer;
  /** Lookup that found something: what became of the write. @throws ProtocolError */
  record(): OperationRecord;
  /** Scan: a new cursor before the first row. */
  rows(): ScanRowsReader;
  readonly rowCount: number;
  /**
   * Scan: where to go on, as the next `key`, or in reverse as the next `endKey`; undefined = the scan is complete. A
   * page ends at the border of a range too, so a page may be empty and still have a resume key.
   */
  readonly resumeKey: Uint8Array | undefined;
}

/**
 * Who waits for an operation: told exactly once, never inside the call that submitted it. One sink may wait for
 * many operations and tell them apart by the tag it gave.
 */
export interface OpSink {
  done(result: OpResult, tag: number): void;
  failed(error: HoldfastError, tag: number): void;
}
