import { type Address, assert, type Cancel, type Connection, EMPTY_BYTES, type NodeId } from '@holdfast/io';
import {
  checkHelloAck,
  DataResponseReader,
  encodeHello,
  encodePing,
  encodePong,
  encodeRangeMapRequest,
  FRAME_BYTES_MAX,
  type Frame,
  FrameDecoder,
  FrameType,
  HANDSHAKE_FRAME_BYTES_MAX,
  type Hello,
  HoldfastError,
  ProtocolError,
  readError,
  readGoAway,
  readHelloAck,
  readRangeMap,
  VALUE_BYTES_MAX,
} from '@holdfast/wire';
import { OpList } from '../engine/op-list.ts';
import type { PendingOp } from '../engine/pending-op.ts';
import {
  BREAKER_FAILURES_MAX,
  BREAKER_OPEN_MS,
  BREAKER_PROBE_MS,
  CONNECT_TIMEOUT_MS,
  IN_FLIGHT_OPS_MAX,
  LIVENESS_CHECK_MS,
  PING_TIMEOUT_MS,
  SILENCE_IDLE_MS,
  SILENCE_IN_FLIGHT_MS,
} from '../limits.ts';
import { CircuitBreaker } from '../retry/circuit-breaker.ts';
import { Batcher } from './batcher.ts';
import { LinkHandler } from './link-handler.ts';
import type { LinkOwner } from './link-owner.ts';
import { Liveness } from './liveness.ts';
import type { SentBatch } from './sent-batch.ts';

/** `ready` takes requests; `draining` only answers what it has; `idle` connects when there is something to send. */
export type LinkState = 'idle' | 'connecting' | 'ready' | 'draining' | 'closed';

/**
 * The one pipelined connection to a node: connects when needed, shakes hands, writes queued operations as batches,
 * matches answers with operations, notices when the peer is dead. It decides alone when something is written, so
 * back-pressure and re-routing of what was never sent follow from its queue.
 *
 * Every operation that enters comes out exactly once: `answered`, `refused`, `lost` or `unsent` (or it is taken out by
 * its owner when its deadline passes).
 */
export class NodeLink {
  readonly address: Address;
  readonly breaker: CircuitBreaker;
  readonly #owner: LinkOwner;
  readonly #queue = new OpList<PendingOp>();
  readonly #sent = new Map<number, SentBatch>();
  readonly #batcher = new Batcher();
  #state: LinkState = 'idle';
  #expected: NodeId | 0;
  #nodeId: NodeId | 0;
  /** It is in its owner's list of links to pump. */
  dirty = false;
  #connection: Connection | undefined;
  #decoder: FrameDecoder | undefined;
  #liveness: Liveness | undefined;
  #cancelTimer: Cancel | undefined;
  #hello: Hello | undefined;
  #version = 0;
  #frameBytesMax = 0;
  #requestId = 0;
  #inFlightOps = 0;
  /** The connection has enough to do: operations wait in the queue until it has drained. */
  #blocked = false;
  /** Request id of the question for the map that is out, 0 = none. */
  #mapRequestId = 0;

  /** @param expected the node that must answer there; 0 = anybody (a seed). */
  constructor(owner: LinkOwner, address: Address, expected: NodeId | 0) {
    this.#owner = owner;
    this.address = address;
    this.#expected = expected;
    this.#nodeId = expected;
    const options = { failuresMax: BREAKER_FAILURES_MAX, openMs: BREAKER_OPEN_MS, probeMs: BREAKER_PROBE_MS };
    this.breaker = new CircuitBreaker(options, owner.random);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The node at the other end, or the one expected there; 0 = not known yet. */
  get nodeId(): NodeId | 0 {
    return this.#nodeId;
  }

  get ready(): boolean {
    return this.#state === 'ready';
  }

  /** Operations sent and not answered, and operations queued. */
  get load(): number {
    return this.#inFlightOps + this.#queue.length;
  }

  /** Whom the handshake insists on; 0 = anybody. */
  get expected(): NodeId | 0 {
    return this.#expected;
  }

  /** The node that must answer here from now on. A connection to another one is ended. */
  expect(node: NodeId): void {
    const found = this.#nodeId;
    this.#expected = node;
    if (found !== 0 && found !== node && (this.#state === 'ready' || this.#state === 'draining')) {
      this.#drop(
        new HoldfastError('HF_WRONG_NODE', {
          detail: `node ${found} answers at ${this.address}, not ${node}`,
        }),
      );
    }
    this.#nodeId = node;
  }

  /** Whether it could take an operation now. */
  usable(nowMs: number): boolean {
    return this.#state !== 'draining' && this.#state !== 'closed' && this.breaker.wouldAllow(nowMs);
  }

  /** Whether it takes an operation now; a yes of a half-open circuit is its one probe. */
  admit(nowMs: number): boolean {
    if (this.#state === 'draining' || this.#state === 'closed') return false;
    return this.breaker.closed || this.breaker.allow(nowMs);
  }

  /** Queues an operation that {@link admit} let in; it is written at the end of the turn. */
  enqueue(op: PendingOp): void {
    this.#queue.push(op);
    this.#owner.linkDirty(this);
  }

  /** Gives back an operation that has not been sent; false when it is not in the queue. */
  takeBack(op: PendingOp): boolean {
    if (op.list !== this.#queue) return false;
    this.#queue.remove(op);
    return true;
  }

  /** Connects if there is no connection. */
  connect(): void {
    if (this.#state !== 'idle') return;
    const owner = this.#owner;
    this.#state = 'connecting';
    const connection = owner.network.connect(this.address);
    this.#connection = connection;
    this.#decoder = new FrameDecoder(owner.kernels, { frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX });
    this.#cancelTimer = owner.clock.schedule(CONNECT_TIMEOUT_MS, () => {
      this.#drop(
        new HoldfastError('HF_UNAVAILABLE', { detail: `no connection within ${CONNECT_TIMEOUT_MS} ms` }),
      );
    });
    connection.start(new LinkHandler(this, connection));
  }

  /** Sends a frame of a watch, with a fresh request id if it wants one; gives that id, 0 when nothing can be sent. */
  send(frameOf: (version: number, requestId: number) => Uint8Array): number {
    if (this.#state !== 'ready') return 0;
    const requestId = this.#nextRequestId();
    this.#write(frameOf(this.#version, requestId));
    return requestId;
  }

  /** Asks for the range map; false when the link cannot ask now. Answered by `mapArrived` or `mapFailed`. */
  askMap(generation: number): boolean {
    if (this.#state !== 'ready' || this.#mapRequestId !== 0) return false;
    this.#mapRequestId = this.#nextRequestId();
    this.#write(encodeRangeMapRequest(this.#owner.kernels, this.#version, this.#mapRequestId, generation));
    return true;
  }

  /** Forgets the question for the map: its answer no longer counts. */
  forgetMapQuestion(): void {
    this.#mapRequestId = 0;
  }

  /** Writes what may be written now. */
  pump(nowMs: number): void {
    if (this.#queue.first === undefined) return;
    if (this.#state === 'idle') this.connect();
    while (this.#state === 'ready' && this.#queue.first !== undefined && this.#mayWrite())
      this.#sendBatch(nowMs);
  }

  /** An operation that was sent is given up: its answer, if there is one, is not heard. */
  forget(op: PendingOp): void {
    const { batch } = op;
    assert(batch !== undefined && batch.link === this, 'the operation was sent here');
    batch.take(op.batchIndex);
    // After the connection has ended, its batches are no longer counted.
    if (this.#sent.get(batch.requestId) !== batch) return;
    this.#inFlightOps--;
    if (batch.live === 0) this.#sent.delete(batch.requestId);
  }

  /** Ends a connection that nothing uses; it comes back when it is needed. */
  rest(): void {
    if (this.#state !== 'ready' || this.load > 0 || this.#mapRequestId !== 0) return;
    this.#reset()?.close();
  }

  /** Closes for good; what it holds comes back through the owner. */
  close(reason: HoldfastError): void {
    if (this.#state === 'closed') return;
    this.#drop(reason);
    this.#state = 'closed';
  }

  // Called by the connection's handler.

  opened(): void {
    const owner = this.#owner;
    this.#hello = owner.hello(this);
    this.#write(encodeHello(owner.kernels, this.#nextRequestId(), this.#hello));
  }

  received(chunk: Uint8Array): void {
    this.#liveness?.heard(this.#owner.clock.monotonicMs());
    const connection = this.#connection;
    try {
      this.#decoder?.push(chunk, (frame) => {
        if (this.#connection === connection) this.#onFrame(frame);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (this.#connection === connection) this.#drop(error);
    }
  }

  drained(): void {
    this.#blocked = false;
    this.pump(this.#owner.clock.monotonicMs());
  }

  closed(reason: Error | undefined): void {
    this.#connection = undefined;
    const detail = `connection to ${this.address} ended${reason === undefined ? '' : `: ${reason.message}`}`;
    this.#drop(new HoldfastError('HF_CONNECTION_LOST', { detail, cause: reason }));
  }

  isCurrent(connection: Connection): boolean {
    return this.#connection === connection;
  }

  #onFrame(frame: Frame): void {
    if (this.#state === 'connecting') {
      this.#finishHandshake(frame);
      return;
    }
    switch (frame.type) {
      case FrameType.dataResponse:
        this.#onAnswers(frame);
        break;
      case FrameType.pong:
        break;
      case FrameType.ping:
        this.#write(encodePong(this.#owner.kernels, frame));
        break;
      case FrameType.rangeMap:
        if (frame.requestId === this.#mapRequestId) {
          const map = readRangeMap(frame.payload);
          this.#mapRequestId = 0;
          this.#owner.mapArrived(this, map);
        }
        break;
      case FrameType.error:
        this.#onError(frame);
        break;
      case FrameType.watchEvents:
      case FrameType.watchEnd:
        this.#owner.watchFrame(this, frame);
        break;
      case FrameType.goAway: {
        const { detail, reason } = readGoAway(frame.payload);
        this.#drain(new HoldfastError('HF_UNAVAILABLE', { detail: `node goes away (${reason}): ${detail}` }));
        break;
      }
      default:
        throw new ProtocolError('unexpected', `frame type ${frame.type} to a client`);
    }
  }

  #finishHandshake(frame: Frame): void {
    const hello = this.#hello;
    if (frame.type === FrameType.error) {
      this.#drop(readError(frame.payload));
      return;
    }
    if (hello === undefined || frame.type !== FrameType.helloAck) {
      throw new ProtocolError('unexpected', `frame type ${frame.type} before the handshake is done`);
    }
    const ack = readHelloAck(frame.payload);
    const refusal = checkHelloAck(hello, ack) ?? checkFrameSize(ack.frameBytesMax);
    if (refusal !== undefined) {
      this.#drop(refusal);
      return;
    }
    const owner = this.#owner;
    this.#state = 'ready';
    this.#version = ack.version;
    this.#frameBytesMax = ack.frameBytesMax;
    this.#nodeId = ack.nodeId;
    this.#decoder?.accept(FRAME_BYTES_MAX, ack.version);
    this.#liveness = new Liveness(
      {
        silenceInFlightMs: SILENCE_IN_FLIGHT_MS,
        silenceIdleMs: SILENCE_IDLE_MS,
        pingTimeoutMs: PING_TIMEOUT_MS,
      },
      owner.clock.monotonicMs(),
    );
    this.#cancelTimer?.();
    this.#cancelTimer = owner.clock.schedule(LIVENESS_CHECK_MS, this.#checkLiveness);
    this.breaker.succeeded();
    owner.linkReady(this, ack.clusterId);
    this.pump(owner.clock.monotonicMs());
  }

  #onAnswers(frame: Frame): void {
    const batch = this.#sent.get(frame.requestId);
    // Everything in it was given up in the meantime.
    if (batch === undefined) return;
    const reader = DataResponseReader.read(frame.payload, batch.count);
    const { count } = reader;
    for (let i = 0; i < count; i++) {
      const op = batch.take(reader.opIndex(i));
      if (op === undefined) continue;
      this.#inFlightOps--;
      this.#owner.answered(op, this, reader, i);
    }
    if (batch.live === 0) this.#sent.delete(batch.requestId);
    else if (!frame.more && this.#sent.has(batch.requestId)) {
      throw new ProtocolError(
        'malformed',
        `last answer to a request, and ${batch.live} operations without one`,
      );
    }
    if (this.#queue.first !== undefined) this.#owner.linkDirty(this);
  }

  #onError(frame: Frame): void {
    const error = readError(frame.payload);
    if (frame.requestId === 0) {
      this.#drop(error);
      return;
    }
    if (frame.requestId === this.#mapRequestId) {
      this.#mapRequestId = 0;
      this.#owner.mapFailed(this, error);
      return;
    }
    const batch = this.#sent.get(frame.requestId);
    if (batch === undefined) return;
    for (let i = 0; i < batch.count; i++) {
      const op = batch.take(i);
      if (op === undefined) continue;
      this.#inFlightOps--;
      this.#owner.refused(op, this, error);
    }
    this.#sent.delete(batch.requestId);
  }

  #mayWrite(): boolean {
    return !this.#blocked && this.#inFlightOps < IN_FLIGHT_OPS_MAX;
  }

  #sendBatch(nowMs: number): void {
    if (this.#inFlightOps === 0) this.#liveness?.asked(nowMs);
    const requestId = this.#nextRequestId();
    const { kernels } = this.#owner;
    const sent = this.#batcher.take(
      this,
      this.#queue,
      requestId,
      this.#version,
      this.#frameBytesMax,
      nowMs,
      kernels,
    );
    this.#inFlightOps += sent.batch.live;
    this.#sent.set(requestId, sent.batch);
    this.#write(sent.frame);
  }

  readonly #checkLiveness = (): void => {
    const { clock, kernels } = this.#owner;
    if (this.#state === 'draining' && !this.#owesAnswer()) {
      this.#drop(new HoldfastError('HF_UNAVAILABLE', { detail: `${this.address} went away` }));
      return;
    }
    this.#cancelTimer = clock.schedule(LIVENESS_CHECK_MS, this.#checkLiveness);
    const verdict = this.#liveness?.check(clock.monotonicMs(), this.#owesAnswer());
    if (verdict === 'ping') {
      this.#write(encodePing(kernels, this.#version, this.#nextRequestId(), EMPTY_BYTES));
    } else if (verdict === 'dead') {
      // After a stall of this process its timers run before its sockets are read: look once more afterwards.
      const connection = this.#connection;
      clock.defer(() => {
        if (this.#connection !== connection || connection === undefined) return;
        if (this.#liveness?.check(clock.monotonicMs(), this.#owesAnswer()) !== 'dead') return;
        this.#drop(new HoldfastError('HF_CONNECTION_LOST', { detail: `${this.address} is silent` }));
      });
    }
  };

  #owesAnswer(): boolean {
    return this.#inFlightOps > 0 || this.#mapRequestId !== 0;
  }

  /** No new requests; what was never sent goes elsewhere. */
  #drain(reason: HoldfastError): void {
    if (this.#state !== 'ready') return;
    this.#state = 'draining';
    this.#owner.linkDown(this, reason);
    this.#returnQueue(reason);
  }

  /** Ends the connection and gives back everything. */
  #drop(reason: HoldfastError): void {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    const owner = this.#owner;
    this.#reset()?.destroy(reason);
    this.breaker.failed(owner.clock.monotonicMs(), true);
    const askedForMap = this.#mapRequestId !== 0;
    this.#mapRequestId = 0;
    // From here on, nothing new enters: the circuit is open. Sinks that are told below may take operations out.
    const batches = [...this.#sent.values()];
    this.#sent.clear();
    this.#inFlightOps = 0;
    owner.linkDown(this, reason);
    if (askedForMap) owner.mapFailed(this, reason);
    for (const batch of batches) {
      for (let i = 0; i < batch.count; i++) {
        const op = batch.take(i);
        if (op !== undefined) owner.lost(op, this, reason);
      }
    }
    this.#returnQueue(reason);
  }

  /** Leaves the connection, which is given back to be ended. */
  #reset(): Connection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#state = 'idle';
    this.#blocked = false;
    this.#decoder?.stop();
    this.#decoder = undefined;
    this.#liveness = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    return connection;
  }

  #returnQueue(reason: HoldfastError): void {
    const queued = new OpList<PendingOp>();
    this.#queue.moveTo(queued);
    for (let op = queued.shift(); op !== undefined; op = queued.shift()) this.#owner.unsent(op, this, reason);
  }

  #nextRequestId(): number {
    do {
      this.#requestId = this.#requestId === 0xffff_ffff ? 1 : this.#requestId + 1;
    } while (this.#sent.has(this.#requestId));
    return this.#requestId;
  }

  #write(frame: Uint8Array): void {
    if (this.#connection?.write(frame) === false) this.#blocked = true;
  }
}

/** A frame must hold the largest operation there is. */
function checkFrameSize(frameBytesMax: number): HoldfastError | undefined {
  if (frameBytesMax >= 2 * VALUE_BYTES_MAX) return undefined;
  return new HoldfastError('HF_UNSUPPORTED', {
    detail: `the node takes frames of ${frameBytesMax} bytes only`,
  });
}
