import { compareBytes, EMPTY_BYTES, type NodeId, prefixEnd, viewOf } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import {
  AnswerFlag,
  Consistency,
  type DataRequestReader,
  DELETE_RANGE_KEYS_MAX,
  type ErrorCode,
  OpKind,
  ProtocolError,
  readTransaction,
  type Transaction,
  type TransactionStep,
} from '@holdfast/wire';
import type { HybridClock } from '../hybrid-clock.ts';
import type { CommandBuilder } from '../range/command.ts';
import { rangeContains } from '../range/descriptor.ts';
import { Fingerprint } from '../range/fingerprint.ts';
import { IDEMPOTENCY_WINDOW_MS } from '../range/idempotency-record.ts';
import { type MutationOutcome, VERDICT_CODE } from '../range/outcome.ts';
import type { WriteFailure, WriteWaiter } from '../range/proposals.ts';
import type { Replica } from '../range/replica.ts';
import { dataKey } from '../tree-keys.ts';
import type { DataCall } from './data-call.ts';

export interface WriteHost {
  readonly hybridClock: HybridClock;
  readonly tree: Tree;
  /** The disk is full: what is there is served, and nothing is added. */
  readonly hasNoRoom: boolean;
  /** The replica has work: a turn is owed. */
  wake(replica: Replica): void;
}

const WRITE_FAILURE: Readonly<Record<WriteFailure, ErrorCode>> = {
  'not-leader': 'HF_NOT_LEADER',
  superseded: 'HF_NOT_LEADER',
  unwanted: 'HF_CANCELLED',
  overloaded: 'HF_OVERLOADED',
  stopped: 'HF_UNAVAILABLE',
};
/** Advice with `HF_OVERLOADED`: time for a group commit or two. */
export const RETRY_AFTER_MS = 50;

/** Puts writes of calls into the next commands of their ranges. */
export class WriteExecutor {
  readonly #host: WriteHost;

  constructor(host: WriteHost) {
    this.#host = host;
  }

  /** @param waiter that of the call */
  execute(call: DataCall, op: number, replica: Replica, waiter: WriteWaiter): void {
    if (!this.#takesWrites(call, op, replica)) return;
    const { reader } = call;
    switch (reader.kind(op)) {
      case OpKind.transaction:
        this.#transaction(call, op, replica, waiter);
        break;
      case OpKind.deleteRange:
        this.#deleteRange(reader, op, replica, waiter);
        break;
      default:
        this.#single(reader, op, replica, waiter);
    }
    this.#host.wake(replica);
  }

  /** False when the op has been refused: not here, or not now. */
  #takesWrites(call: DataCall, op: number, replica: Replica): boolean {
    if (!replica.isLeader) {
      call.refuse(op, 'HF_NOT_LEADER', { leaderHint: replica.likelyLeader });
      return false;
    }
    if (this.#host.hasNoRoom) {
      call.refuse(op, 'HF_DISK_FULL', { retryAfterMs: RETRY_AFTER_MS });
      return false;
    }
    if (this.#host.tree.writable() === undefined) return true;
    call.refuse(op, 'HF_OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
    return false;
  }

  /** A command that takes the op, with what makes it happen once in front of it. */
  #command(
    reader: DataRequestReader,
    op: number,
    replica: Replica,
    waiter: WriteWaiter,
    ops: number,
    alone = false,
  ): CommandBuilder {
    if (reader.idempotencyLength(op) === 0) return replica.mutation(waiter, op, ops, alone);
    const command = replica.mutation(waiter, op, ops + 1, alone);
    const expiresAtMs = this.#host.hybridClock.nowMs() + IDEMPOTENCY_WINDOW_MS;
    command.once(reader.idempotencyKey(op), fingerprintOf(reader, op), expiresAtMs);
    return command;
  }

  #single(reader: DataRequestReader, op: number, replica: Replica, waiter: WriteWaiter): void {
    const command = this.#command(reader, op, replica, waiter, 1);
    const kind = reader.kind(op);
    const keyspace = reader.keyspaceId(op);
    const key = reader.key(op);
    const condition = reader.condition(op);
    const revision = reader.revision(op);
    const tell = reader.tellExisted(op);
    if (kind === OpKind.put) {
      const expiresAtMs = this.#expiry(reader.ttlMs(op));
      const contentType = reader.contentType(op);
      command.put(keyspace, key, contentType, reader.value(op), expiresAtMs, condition, revision, tell);
    } else if (kind === OpKind.increment) {
      command.increment(keyspace, key, reader.delta(op), condition, revision, tell);
    } else {
      command.delete(keyspace, key, condition, revision, tell);
    }
  }

  /** Never before the time asked for: the entry's own time is this one or a later one. */
  #expiry(ttlMs: number): number {
    return ttlMs === 0 ? 0 : this.#host.hybridClock.nowMs() + ttlMs;
  }

  #transaction(call: DataCall, op: number, replica: Replica, waiter: WriteWaiter): void {
    const { reader } = call;
    const transaction = transactionOf(reader, op);
    if (transaction === undefined) {
      call.refuse(op, 'HF_BAD_REQUEST', { detail: 'not a transaction' });
      return;
    }
    const { checks, success, failure } = transaction;
    const steps = [...success, ...failure];
    const { descriptor } = replica;
    if (![...checks, ...steps].every(({ keyspace, key }) => rangeContains(descriptor, keyspace, key))) {
      call.refuse(op, 'HF_WRONG_RANGE');
      return;
    }
    const command = this.#command(reader, op, replica, waiter, 1 + checks.length + steps.length);
    command.transaction(checks.length, success.length, failure.length);
    for (const { keyspace, key, condition, revision, value } of checks) {
      command.check(keyspace, key, condition, revision, value);
    }
    for (const step of steps) this.#step(command, step);
  }

  #step(command: CommandBuilder, step: TransactionStep): void {
    const { keyspace, key, value } = step;
    if (step.kind === OpKind.put) {
      command.put(keyspace, key, step.contentType, value, this.#expiry(step.ttlMs));
    } else if (step.kind === OpKind.increment) {
      command.increment(keyspace, key, Number(viewOf(value).getBigInt64(0, true)));
    } else if (step.kind === OpKind.delete) {
      command.delete(keyspace, key);
    } else {
      command.get(keyspace, key);
    }
  }

  #deleteRange(reader: DataRequestReader, op: number, replica: Replica, waiter: WriteWaiter): void {
    const keyspace = reader.keyspaceId(op);
    const endKey = reader.endKey(op);
    const limit = reader.limit(op);
    const keysMax = limit === 0 ? DELETE_RANGE_KEYS_MAX : Math.min(limit, DELETE_RANGE_KEYS_MAX);
    const command = this.#command(reader, op, replica, waiter, 1, true);
    const wanted = endKey.length === 0 ? endOfKeyspace(keyspace) : dataKey(keyspace, endKey);
    command.deleteRange(keyspace, reader.key(op), earlier(wanted, replica.descriptor.end), keysMax);
  }
}

/** Tells a call what became of its writes. */
export class CallWriteWaiter implements WriteWaiter {
  readonly #call: DataCall;

  constructor(call: DataCall) {
    this.#call = call;
  }

  wants(op: number): boolean {
    return this.#call.waitsFor(op);
  }

  applied(op: number, revision: number): void {
    this.#call.written(op, revision, 0);
  }

  settled(op: number, outcome: MutationOutcome): void {
    const call = this.#call;
    const { verdict, revision, counter, payload } = outcome;
    const flags = flagsOf(outcome);
    if (verdict !== 'applied') {
      call.refuse(op, VERDICT_CODE[verdict], { revision, flags });
      return;
    }
    switch (call.reader.kind(op)) {
      case OpKind.increment:
        call.incremented(op, revision, counter, flags);
        break;
      case OpKind.transaction:
        call.transacted(op, revision, payload, flags);
        break;
      case OpKind.deleteRange: {
        const more = payload.length > 0 ? AnswerFlag.more : 0;
        call.counted(op, counter, {
          served: Consistency.strong,
          stalenessMs: 0,
          revision,
          flags: flags | more,
          resumeKey: payload,
          applied: true,
        });
        break;
      }
      default:
        call.written(op, revision, flags);
    }
  }

  failed(op: number, failure: WriteFailure, leaderHint: NodeId | 0): void {
    this.#call.refuse(op, WRITE_FAILURE[failure], {
      leaderHint,
      outcome: failure === 'stopped' ? 'unknown' : 'not_applied',
      retryAfterMs: failure === 'overloaded' ? RETRY_AFTER_MS : 0,
    });
  }
}

function flagsOf({ existed, replayed, succeeded }: MutationOutcome): number {
  return (
    (existed ? AnswerFlag.found : 0) |
    (replayed ? AnswerFlag.replayed : 0) |
    (succeeded ? AnswerFlag.succeeded : 0)
  );
}

/** What the request says, apart from when and by whom it was sent. */
function fingerprintOf(reader: DataRequestReader, op: number): Uint8Array {
  return new Fingerprint()
    .number(reader.kind(op))
    .number(reader.keyspaceId(op))
    .number(reader.condition(op))
    .number(reader.revision(op))
    .number(reader.ttlMs(op))
    .number(reader.limit(op))
    .bytes(reader.key(op))
    .bytes(reader.endKey(op))
    .bytes(reader.contentType(op))
    .bytes(reader.value(op))
    .finish();
}

function transactionOf(reader: DataRequestReader, op: number): Transaction | undefined {
  try {
    return readTransaction(reader.value(op));
  } catch (error) {
    // One op that makes no sense; the frame around it does.
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** First tree key behind a keyspace. */
function endOfKeyspace(keyspace: number): Uint8Array {
  return prefixEnd(dataKey(keyspace, EMPTY_BYTES)) ?? EMPTY_BYTES;
}

function earlier(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) <= 0 ? a : b;
}
