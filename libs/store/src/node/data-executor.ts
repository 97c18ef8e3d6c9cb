import type { Buggify, Clock, Kernels, RangeId } from '@holdfast/io';
import { DataResponseBuilder, isWrite, OpKind } from '@holdfast/wire';
import { rangeContains } from '../range/descriptor.ts';
import type { Replica } from '../range/replica.ts';
import type { NodeBuggifyPoint } from './buggify.ts';
import { type CallHost, DataCall, deadlineOf, type ReplyPort } from './data-call.ts';
import { ReadExecutor, type ReadHost, ReadRounds } from './read-executor.ts';
import { CallWriteWaiter, RETRY_AFTER_MS, WriteExecutor, type WriteHost } from './write-executor.ts';

/** What the executor needs of its node. */
export interface ExecutorHost extends ReadHost, WriteHost {
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  replica(range: RangeId): Replica | undefined;
  /** Answers wait: a turn is owed. */
  wakeFlush(): void;
}

export interface ExecutorLimits {
  /** Bytes of requests that are not answered yet; more are turned away with `HF_OVERLOADED`. */
  readonly inFlightBytesMax: number;
}

/** When the next op of a call is given up (monotonic ms). */
interface Waiting {
  nextMs: number;
}

/**
 * Executes batches: mutations join the next command of their range, reads join its next ReadIndex round, and
 * answers leave at the end of the turn in which they are known.
 */
export class DataExecutor implements CallHost {
  readonly kernels: Kernels;
  readonly #host: ExecutorHost;
  readonly #limits: ExecutorLimits;
  readonly #reads: ReadExecutor;
  readonly #writes: WriteExecutor;
  /** Calls with unanswered ops. */
  readonly #inFlight = new Map<DataCall, Waiting>();
  #inFlightBytes = 0;
  #toFlush: DataCall[] = [];
  readonly #builders: DataResponseBuilder[] = [];

  constructor(host: ExecutorHost, limits: ExecutorLimits) {
    this.kernels = host.kernels;
    this.#host = host;
    this.#limits = limits;
    this.#reads = new ReadExecutor(host);
    this.#writes = new WriteExecutor(host);
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
    const sinceMs = this.#host.clock.monotonicMs();
    const waiting: Waiting = { nextMs: Number.POSITIVE_INFINITY };
    call.sinceMs = sinceMs;
    this.#inFlight.set(call, waiting);
    this.#inFlightBytes += call.bytes;
    if (this.#inFlightBytes > this.#limits.inFlightBytesMax || this.#host.buggify('overloaded')) {
      call.refuseAll('HF_OVERLOADED', { retryAfterMs: RETRY_AFTER_MS });
      return;
    }
    const waiter = new CallWriteWaiter(call);
    const rounds = new ReadRounds();
    for (let op = 0; op < reader.count; op++) {
      const deadlineMs = sinceMs + deadlineOf(reader, op);
      if (deadlineMs < waiting.nextMs) waiting.nextMs = deadlineMs;
      const replica = this.#route(call, op);
      if (replica === undefined) continue;
      if (isWrite(reader.kind(op))) this.#writes.execute(call, op, replica, waiter);
      else this.#reads.execute(call, op, replica, rounds);
    }
  }

  /** Gives up what is overdue. Called every tick. */
  expire(): void {
    const now = this.#host.clock.monotonicMs();
    for (const [call, waiting] of this.#inFlight) {
      if (waiting.nextMs <= now) waiting.nextMs = call.sinceMs + call.expire(now - call.sinceMs);
    }
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
    const refusal = reader.refusal(op);
    if (refusal !== undefined) {
      call.refuse(op, refusal);
      return undefined;
    }
    const replica = this.#host.replica(reader.rangeId(op));
    if (replica?.isMember === true && !this.#host.buggify('wrong-range')) {
      // A lookup names a range and no key of it.
      if (reader.kind(op) === OpKind.lookup) return replica;
      if (rangeContains(replica.descriptor, reader.keyspaceId(op), reader.key(op))) return replica;
    }
    call.refuse(op, 'HF_WRONG_RANGE');
    return undefined;
  }
}
