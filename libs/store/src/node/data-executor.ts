import { asError, type Clock, type Kernels, type RangeId, unreachable } from '@holdfast/io';
import type { Tree } from '@holdfast/lsm';
import {
  Consistency,
  type DataRequestReader,
  DataResponseBuilder,
  DEADLINE_MS_DEFAULT,
  type ErrorCode,
  isWrite,
  OpKind,
} from '@holdfast/wire';
import type { HybridClock } from '../hybrid-clock.ts';
import { rangeContains } from '../range/descriptor.ts';
import type { WriteFailure, WriteWaiter } from '../range/proposals.ts';
import type { ReadFailure, ReadWaiter } from '../range/reads.ts';
import type { Replica } from '../range/replica.ts';
import type { MutationVerdict } from '../range/state-machine.ts';
import { readStoredValue } from '../range/stored-value.ts';
import { dataKey } from '../tree-keys.ts';
import { type CallHost, DataCall, type ReplyPort } from './data-call.ts';
import { scanRange } from './scan.ts';

/** Staleness of an answer whose age nobody has measured: the largest number the protocol carries, in ms. */
export const STALENESS_UNKNOWN_MS = 0xffff_ffff;

/** What the executor needs of its node. */
export interface ExecutorHost {
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly hybridClock: HybridClock;
  readonly tree: Tree;
  replica(range: RangeId): Replica | undefined;
  /** The replica has work: a turn is owed. */
  wake(replica: Replica): void;
  /** Answers wait: a turn is owed. */
  wakeFlush(): void;
}

export interface ExecutorLimits {
  /** Bytes of requests that are not answered yet; more are turned away with `HF_OVERLOADED`. */
  readonly inFlightBytesMax: number;
}

const WRITE_FAILURE: Readonly<Record<WriteFailure, ErrorCode>> = {
  'not-leader': 'HF_NOT_LEADER',
  superseded: 'HF_NOT_LEADER',
  overloaded: 'HF_OVERLOADED',
  stopped: 'HF_UNAVAILABLE',
};
/** Ops in one transaction. */
export const TRANSACTION_OPS_MAX = 256;
/** Advice with `HF_OVERLOADED`: time for a group commit or two. */
const RETRY_AFTER_MS = 50;

/**
 * Executes batches: mutations join the next command of their range, reads join its next ReadIndex round, and
 * answers leave at the end of the turn in which they are known.
 */
export class DataExecutor implements CallHost {
  readonly kernels: Kernels;
  readonly #host: ExecutorHost;
  readonly #limits: ExecutorLimits;
  /** Calls with unanswered ops, and when each is given up (monotonic ms). */
  readonly #inFlight = new Map<DataCall, number>();
  #inFlightBytes = 0;
  #toFlush: DataCall[] = [];
  readonly #builders: DataResponseBuilder[] = [];

  constructor(host: ExecutorHost, limits: ExecutorLimits) {
    this.kernels = host.kernels;
    this.#host = host;
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** @throws ProtocolError when the payload is not a correct batch. */
  open(
    port: ReplyPort,
    frame: { readonly requestId: number; readonly version: number; readonly payload: Uint8Array },
  ): DataCall {
    return new DataCall(this, port, frame, this.#builders.pop() ?? new DataResponseBuilder());
  }

  /** Starts every op of the call. Each is answered before its deadline, come what may. */
  execute(call: DataCall): void {
    const { reader } = call;
    const deadlineMs = reader.deadlineMs === 0 ? DEADLINE_MS_DEFAULT : reader.deadlineMs;
    this.#inFlight.set(call, this.#host.clock.monotonicMs() + deadlineMs);
    this.#inFlightBytes += call.bytes;
    if (this.#inFlightBytes > this.#limits.inFlightBytesMax) {
      call.refuseAll('HF_OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      return;
    }
    const waiter = new CallWriteWaiter(call);
    let rangeReads: RangeRead | undefined;
    let reads: Map<Replica, RangeRead> | undefined;
    for (let op = 0; op < reader.count; op++) {
      if (reader.chained(op)) {
        op = this.#transaction(call, op, waiter);
        continue;
      }
      const replica = this.#route(call, op);
      if (replica === undefined) continue;
      const kind = reader.kind(op);
      switch (kind) {
        case OpKind.put:
        case OpKind.delete:
        case OpKind.increment:
        case OpKind.check:
          if (this.#takesWrites(call, op, op, replica)) this.#mutate(call, op, replica, waiter, false);
          break;
        case OpKind.get:
        case OpKind.getRevision:
        case OpKind.scan:
          if (this.#servedLocally(call, replica)) {
            this.#read(call, op, replica, Consistency.eventual);
            break;
          }
          if (rangeReads?.replica !== replica) {
            reads ??= new Map();
            rangeReads = reads.get(replica);
            if (rangeReads === undefined) {
              rangeReads = new RangeRead(this, call, replica);
              reads.set(replica, rangeReads);
              replica.read(rangeReads);
              this.#host.wake(replica);
            }
          }
          rangeReads.ops.push(op);
          break;
        default:
          unreachable(kind, 'op kind');
      }
    }
  }

  /**
   * Starts the transaction that begins at `first`, or refuses all of it: it never reaches the log in part.
   * @returns its last op
   */
  #transaction(call: DataCall, first: number, waiter: WriteWaiter): number {
    const { reader } = call;
    let last = first;
    while (last + 1 < reader.count && reader.chained(last)) last++;
    const replica = this.#host.replica(reader.rangeId(first));
    const refusal = this.#transactionRefusal(call, first, last, replica);
    if (refusal !== undefined || replica === undefined) {
      for (let op = first; op <= last; op++) call.refuse(op, refusal ?? 'HF_WRONG_RANGE');
    } else if (this.#takesWrites(call, first, last, replica)) {
      for (let op = first; op <= last; op++) this.#mutate(call, op, replica, waiter, op > first);
    }
    return last;
  }

  #transactionRefusal(
    call: DataCall,
    first: number,
    last: number,
    replica: Replica | undefined,
  ): ErrorCode | undefined {
    const { reader } = call;
    if (last - first >= TRANSACTION_OPS_MAX) return 'HF_BATCH_TOO_LARGE';
    // A chain that runs off the end of its batch lost a part of itself.
    if (reader.chained(last)) return 'HF_BAD_REQUEST';
    for (let op = first; op <= last; op++) {
      const refusal = opRefusal(reader, op);
      if (refusal !== undefined) return refusal;
      if (!isWrite(reader.kind(op))) return 'HF_BAD_REQUEST';
      if (reader.rangeId(op) !== reader.rangeId(first)) return 'HF_SPANS_RANGES';
      const key = dataKey(reader.keyspaceId(op), reader.key(op));
      if (replica?.isMember !== true || !rangeContains(replica.descriptor, key)) return 'HF_WRONG_RANGE';
    }
    return undefined;
  }

  /** False when ops `first .. last` have been refused: not here, or not now. */
  #takesWrites(call: DataCall, first: number, last: number, replica: Replica): boolean {
    const busy = this.#host.tree.writable() !== undefined;
    if (replica.isLeader && !busy) return true;
    for (let op = first; op <= last; op++) {
      if (replica.isLeader) call.refuse(op, 'HF_OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      else call.refuse(op, 'HF_NOT_LEADER', { leaderHint: replica.leader });
    }
    return false;
  }

  /** Gives up what is overdue. Called every tick. */
  expire(): void {
    const now = this.#host.clock.monotonicMs();
    for (const [call, deadline] of this.#inFlight) if (deadline <= now) call.expire();
  }

  /** Sends the answers of this turn. */
  flush(): void {
    while (this.#toFlush.length > 0) {
      const calls = this.#toFlush;
      this.#toFlush = [];
      for (const call of calls) {
        call.flush();
        if (call.finished) this.#builders.push(call.release());
      }
    }
  }

  readNow(call: DataCall, op: number, replica: Replica): void {
    this.#read(call, op, replica, Consistency.strong);
  }

  clockMark(): number {
    return this.#host.hybridClock.read();
  }

  answered(call: DataCall): void {
    this.#toFlush.push(call);
    this.#host.wakeFlush();
  }

  finished(call: DataCall): void {
    if (this.#inFlight.delete(call)) this.#inFlightBytes -= call.bytes;
  }

  /** The replica that the op is for, or undefined when it has been refused. */
  #route(call: DataCall, op: number): Replica | undefined {
    const { reader } = call;
    const refusal = opRefusal(reader, op);
    if (refusal !== undefined) {
      call.refuse(op, refusal);
      return undefined;
    }
    const replica = this.#host.replica(reader.rangeId(op));
    const key = dataKey(reader.keyspaceId(op), reader.key(op));
    if (replica?.isMember !== true || !rangeContains(replica.descriptor, key)) {
      call.refuse(op, 'HF_WRONG_RANGE');
      return undefined;
    }
    return replica;
  }

  #mutate(call: DataCall, op: number, replica: Replica, waiter: WriteWaiter, continues: boolean): void {
    const { reader } = call;
    const kind = reader.kind(op);
    const command = replica.mutation(waiter, op, continues);
    const keyspace = reader.keyspaceId(op);
    const key = reader.key(op);
    const condition = reader.condition(op);
    const revision = reader.revision(op);
    if (kind === OpKind.put) {
      const ttlMs = reader.ttlMs(op);
      const expiresAtMs = ttlMs === 0 ? 0 : this.#host.clock.wallMs() + ttlMs;
      command.put(keyspace, key, reader.contentType(op), reader.value(op), expiresAtMs, condition, revision);
    } else if (kind === OpKind.increment) {
      command.increment(keyspace, key, reader.delta(op), condition, revision);
    } else if (kind === OpKind.check) {
      command.check(keyspace, key, condition, revision);
    } else {
      command.delete(keyspace, key, condition, revision);
    }
    if (reader.chained(op)) command.chain();
    this.#host.wake(replica);
  }

  /** Weak reads are answered from what this replica has applied, unless the revision floor is above it. */
  #servedLocally(call: DataCall, replica: Replica): boolean {
    const { reader } = call;
    return reader.consistency === Consistency.eventual && reader.minRevision <= replica.applied.revision;
  }

  #read(call: DataCall, op: number, replica: Replica, served: Consistency): void {
    if (!call.takesAnswer(op)) return;
    const { reader } = call;
    const stalenessMs = served === Consistency.strong ? 0 : STALENESS_UNKNOWN_MS;
    if (reader.kind(op) === OpKind.scan) {
      this.#settle(
        call,
        op,
        replica,
        scanRange(
          this.#host.tree,
          replica.descriptor,
          call,
          op,
          served,
          stalenessMs,
          this.#host.clock.wallMs(),
        ),
      );
      return;
    }
    const revision = reader.revision(op);
    const lookup = this.#host.tree.get(
      dataKey(reader.keyspaceId(op), reader.key(op)),
      revision === 0 ? undefined : revision,
    );
    const answer = (version: Awaited<typeof lookup>): void => {
      if (version === undefined) {
        call.absent(op, served, stalenessMs);
        return;
      }
      const stored = readStoredValue(version.value);
      const expired = stored.expiresAtMs !== 0 && stored.expiresAtMs <= this.#host.clock.wallMs();
      if (expired) call.absent(op, served, stalenessMs);
      else call.found(op, version.revision, stored, served, stalenessMs);
    };
    if (lookup instanceof Promise) this.#settle(call, op, replica, lookup.then(answer));
    else answer(lookup);
  }

  /**
   * A read that fails on damaged blocks is an answer too, never a wrong value. The leader of the range hands it to
   * a replica whose copy may be sound, so that the client's next try can succeed.
   */
  #settle(call: DataCall, op: number, replica: Replica, work: Promise<void>): void {
    work.catch((error: unknown) => {
      call.refuse(op, 'HF_CORRUPTION', { detail: asError(error).message });
      if (!replica.isLeader) return;
      replica.raft.transferLeadership();
      this.#host.wake(replica);
    });
  }
}

/** Why the op cannot be executed as it stands, or undefined. */
function opRefusal(reader: DataRequestReader, op: number): ErrorCode | undefined {
  const refusal = reader.refusal(op);
  if (refusal !== undefined) return refusal;
  // A client resends such a write after an unknown outcome: without the record that would apply it twice.
  return isWrite(reader.kind(op)) && reader.idempotencyKey(op).length > 0 ? 'HF_UNSUPPORTED' : undefined;
}

class CallWriteWaiter implements WriteWaiter {
  readonly #call: DataCall;

  constructor(call: DataCall) {
    this.#call = call;
  }

  mutated(op: number, verdict: MutationVerdict, revision: number, counter: number): void {
    const call = this.#call;
    switch (verdict) {
      case 'applied':
        if (call.reader.kind(op) === OpKind.increment) call.incremented(op, revision, counter);
        else call.written(op, revision);
        break;
      case 'condition-failed':
        call.refuse(op, 'HF_PRECONDITION_FAILED', { revision });
        break;
      case 'aborted':
        call.refuse(op, 'HF_CONFLICT', { revision, detail: 'another op of the transaction was refused' });
        break;
      case 'not-integer':
        call.refuse(op, 'HF_VALUE_NOT_INTEGER', { revision });
        break;
      default:
        unreachable(verdict, 'verdict');
    }
  }

  failed(op: number, failure: WriteFailure): void {
    this.#call.refuse(op, WRITE_FAILURE[failure], {
      outcome: failure === 'stopped' ? 'unknown' : 'not_applied',
      retryAfterMs: failure === 'overloaded' ? RETRY_AFTER_MS : 0,
    });
  }
}

/** The strong reads of one call in one range: they share a place in the ReadIndex round. */
class RangeRead implements ReadWaiter {
  readonly replica: Replica;
  readonly ops: number[] = [];
  readonly #executor: DataExecutor;
  readonly #call: DataCall;

  constructor(executor: DataExecutor, call: DataCall, replica: Replica) {
    this.#executor = executor;
    this.#call = call;
    this.replica = replica;
  }

  readable(): void {
    for (const op of this.ops) this.#executor.readNow(this.#call, op, this.replica);
  }

  failed(failure: ReadFailure): void {
    const code = failure === 'stopped' ? 'HF_UNAVAILABLE' : 'HF_NOT_LEADER';
    for (const op of this.ops) this.#call.refuse(op, code, { leaderHint: this.replica.leader });
  }
}
