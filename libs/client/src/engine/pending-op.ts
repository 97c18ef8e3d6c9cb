import { EMPTY_BYTES, type KeyspaceId, type NodeId, type RangeId } from '@holdfast/io';
import { Condition, Consistency, isWrite, OpKind, type ScanOptions, type WriteOptions } from '@holdfast/wire';
import type { SentBatch } from '../link/sent-batch.ts';
import type { Operation, OpSink, TransactionRequest } from '../operation.ts';
import type { Route } from '../routing/route.ts';
import type { Listed, OpList } from './op-list.ts';
import type { Timed } from './timer-wheel.ts';

/** Fixed cost of an operation in the client's accounts, in bytes; not less than that of its struct on the wire. */
const OP_OVERHEAD_BYTES = 64;
/** The keyspace is known by name only. */
export const KEYSPACE_UNRESOLVED = -1;

/**
 * An operation under way, from {@link PendingOp.begin} until its sink is told. Reused: an object seen twice may be
 * two operations; `serial` tells them apart. At any moment it is in one list (a queue), or in one sent batch, or only
 * on the wheel (it waits for a retry).
 *
 * It is its own options object for the wire's builder: nothing is allocated to encode it.
 */
export class PendingOp implements WriteOptions, ScanOptions, Listed<PendingOp>, Timed<PendingOp> {
  // What was asked for.
  kind: OpKind = OpKind.get;
  isWrite = false;
  keyspaceName = '';
  keyspace: KeyspaceId | typeof KEYSPACE_UNRESOLVED = KEYSPACE_UNRESOLVED;
  key: Uint8Array = EMPTY_BYTES;
  endKey: Uint8Array = EMPTY_BYTES;
  value: Uint8Array = EMPTY_BYTES;
  contentType: Uint8Array = EMPTY_BYTES;
  idempotencyKey: Uint8Array = EMPTY_BYTES;
  condition: Condition = Condition.none;
  revision = 0;
  ttlMs = 0;
  limit = 0;
  limitBytes = 0;
  reverse = false;
  keysOnly = false;
  countOnly = false;
  pinned = false;
  tellExisted = false;
  transaction: TransactionRequest | undefined = undefined;
  /** Lookup: the range that is asked; 0 = no matter. */
  range: RangeId | 0 = 0;
  consistency: Consistency = Consistency.strong;
  maxStalenessMs = 0;
  minRevision = 0;
  /** What is left when it is encoded, in milliseconds. */
  deadlineMs = 0;

  // Who waits.
  sink: OpSink | undefined = undefined;
  tag = 0;
  serial = 0;
  deadlineAtMs = 0;
  /** What it counts in the client's accounts. */
  bytes = 0;

  // How it goes.
  /** Tries that failed and count. */
  attempts = 0;
  connectionsLost = 0;
  /** A try ended without a verdict: whatever follows, the outcome is no longer `not_applied`. */
  maybeApplied = false;
  /** Questions for the range map that it has caused. */
  mapAsks = 0;
  /** On waking up it wants a new range map first. */
  wantsMap = false;
  /** A weak read that any replica may answer. */
  anyReplica = false;
  /** A weak read that this node must not answer, because it was asked by another try; 0 = any may. */
  avoid: NodeId | 0 = 0;
  /** Why it is still under way, for the error at its deadline. */
  lastTrouble = '';
  route: Route | undefined = undefined;
  /** Scan: the part that the current range answers, and where the next begins. */
  clipStart: Uint8Array = EMPTY_BYTES;
  clipEnd: Uint8Array = EMPTY_BYTES;
  clipNext: Uint8Array | undefined = undefined;

  // Where it is.
  list: OpList<PendingOp> | undefined = undefined;
  listPrevious: PendingOp | undefined = undefined;
  listNext: PendingOp | undefined = undefined;
  batch: SentBatch | undefined = undefined;
  batchIndex = 0;
  wakeAtMs = 0;
  wheelSlot = -1;
  wheelPrevious: PendingOp | undefined = undefined;
  wheelNext: PendingOp | undefined = undefined;

  get idempotent(): boolean {
    return this.idempotencyKey.length > 0;
  }

  begin(operation: Operation, sink: OpSink, tag: number, deadlineAtMs: number, avoid: NodeId | 0): void {
    const { kind, keyspace } = operation;
    this.kind = kind;
    this.isWrite = isWrite(kind);
    if (typeof keyspace === 'string') {
      this.keyspaceName = keyspace;
      this.keyspace = KEYSPACE_UNRESOLVED;
    } else {
      this.keyspace = keyspace;
    }
    this.key = operation.key;
    this.endKey = operation.endKey ?? EMPTY_BYTES;
    this.value = operation.value ?? EMPTY_BYTES;
    this.contentType = operation.contentType ?? EMPTY_BYTES;
    this.idempotencyKey = operation.idempotencyKey ?? EMPTY_BYTES;
    this.condition = operation.condition ?? Condition.none;
    this.revision = operation.revision ?? 0;
    this.ttlMs = operation.ttlMs ?? 0;
    this.limit = operation.limit ?? 0;
    this.limitBytes = operation.limitBytes ?? 0;
    this.reverse = operation.reverse ?? false;
    this.keysOnly = operation.keysOnly ?? false;
    this.countOnly = operation.countOnly ?? false;
    this.pinned = operation.pinned ?? false;
    this.tellExisted = operation.tellExisted ?? false;
    this.transaction = operation.transaction;
    this.range = operation.range ?? 0;
    this.consistency = this.isWrite ? Consistency.strong : (operation.consistency ?? Consistency.strong);
    this.anyReplica = this.consistency !== Consistency.strong;
    this.maxStalenessMs = this.anyReplica ? (operation.maxStalenessMs ?? 0) : 0;
    this.minRevision = this.anyReplica ? (operation.minRevision ?? 0) : 0;
    this.sink = sink;
    this.tag = tag;
    this.deadlineAtMs = deadlineAtMs;
    this.bytes =
      OP_OVERHEAD_BYTES +
      this.key.length +
      this.endKey.length +
      this.value.length +
      this.contentType.length +
      this.idempotencyKey.length +
      (operation.transaction === undefined ? 0 : transactionBytes(operation.transaction));
    this.avoid = avoid;
    this.attempts = 0;
    this.connectionsLost = 0;
    this.maybeApplied = false;
    this.mapAsks = 0;
    this.wantsMap = false;
    this.lastTrouble = '';
  }

  /** Forgets what it refers to, so that a pooled object keeps no memory alive. */
  end(): void {
    this.serial++;
    this.key = EMPTY_BYTES;
    this.endKey = EMPTY_BYTES;
    this.value = EMPTY_BYTES;
    this.contentType = EMPTY_BYTES;
    this.idempotencyKey = EMPTY_BYTES;
    this.clipStart = EMPTY_BYTES;
    this.clipEnd = EMPTY_BYTES;
    this.clipNext = undefined;
    this.transaction = undefined;
    this.sink = undefined;
    this.route = undefined;
  }
}

/** What the steps of a transaction take, about. */
export function transactionBytes({ checks, success, failure }: TransactionRequest): number {
  let bytes = 0;
  for (const check of checks) bytes += OP_OVERHEAD_BYTES + check.key.length + (check.value?.length ?? 0);
  for (const { key, value, contentType } of [...success, ...failure]) {
    bytes += OP_OVERHEAD_BYTES + key.length + (value?.length ?? 0) + (contentType?.length ?? 0);
  }
  return bytes;
}
