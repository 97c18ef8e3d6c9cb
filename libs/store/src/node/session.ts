import {
  asError,
  type Buggify,
  type Clock,
  type Connection,
  type ConnectionHandler,
  type NodeId,
} from '@holdfast/io';
import {
  answerHello,
  encodeGoAway,
  encodeHelloAck,
  encodePong,
  FRAME_BYTES_MAX,
  type Frame,
  FrameDecoder,
  FrameType,
  HANDSHAKE_FRAME_BYTES_MAX,
  type Hello,
  type HelloAck,
  HoldfastError,
  PeerRole,
  ProtocolError,
  readHello,
  refuseHello,
} from '@holdfast/wire';
import type { Kernels } from '@holdfast/io';
import type { HelloRefusal } from '../membership/admission.ts';
import type { NodeBuggifyPoint } from './buggify.ts';
import type { ReplyPort } from './data-call.ts';
import type { NodeSelf } from './handshake-self.ts';

/** Answers queued for one peer, in bytes; above it the session reads no further requests. */
export const SESSION_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** A stranger has this long to say hello, in milliseconds. */
export const HANDSHAKE_MS_MAX = 5000;

export interface SessionHost {
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  readonly self: NodeSelf;
  /** Why the node at the other end is not spoken with; undefined when it is. */
  helloRefusal(hello: Hello & { readonly nodeId: NodeId }): HelloRefusal | undefined;
  /** A client's frame other than ping: data, range map. */
  clientFrame(session: Session, frame: Frame): void;
  /** A node's frame other than ping: Raft messages, snapshots. */
  peerFrame(from: NodeId, session: Session, frame: Frame): void;
  closed(session: Session, reason: Error | undefined): void;
  /** Not the peer's fault: the node can not go on (D8). */
  fail(error: Error): void;
}

/**
 * One accepted connection: handshake first, then frames to the host. Whoever breaks the protocol is told so
 * and closed; nothing of what it sent afterwards is looked at.
 */
export class Session implements ConnectionHandler, ReplyPort {
  readonly #host: SessionHost;
  readonly #connection: Connection;
  #decoder: FrameDecoder;
  /** 0 until the handshake is done. */
  #version = 0;
  #peer: NodeId | 0 = 0;
  /** Why the other side was refused. */
  #refusal: HoldfastError | undefined;
  #paused = false;
  #open = true;
  #heardMs: number;

  constructor(host: SessionHost, connection: Connection) {
    this.#host = host;
    this.#connection = connection;
    this.#heardMs = host.clock.monotonicMs();
    this.#decoder = new FrameDecoder(host.kernels, { frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX });
  }

  get open(): boolean {
    return this.#open;
  }

  /** The protocol version that the handshake settled on; 0 before. */
  get version(): number {
    return this.#version;
  }

  /** The node at the other end; 0 for a client. */
  get peer(): NodeId | 0 {
    return this.#peer;
  }

  /** When the other side was heard last, monotonic milliseconds. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Answers that the other side has not taken yet. */
  get bytesQueued(): number {
    return this.#connection.bytesQueued;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  reply(frame: Uint8Array): void {
    if (!this.#open) return;
    if (this.#version !== 0 && this.#host.buggify('answer-lost')) {
      this.#connection.destroy();
      return;
    }
    const goOn = this.#connection.write(frame);
    if (!goOn && !this.#paused && this.#connection.bytesQueued > SESSION_QUEUE_BYTES_MAX) {
      this.#paused = true;
      this.#connection.pause();
    }
  }

  /** Asks the other side to go elsewhere. */
  goAway(drainMs: number): void {
    if (this.#version === 0) return;
    this.reply(
      encodeGoAway(this.#host.kernels, this.#version, {
        reason: 'HF_UNAVAILABLE',
        drainMs,
        detail: 'draining',
      }),
    );
  }

  close(): void {
    this.#connection.close();
  }

  destroy(reason?: Error): void {
    this.#connection.destroy(reason);
  }

  onOpen(): void {}

  onData(chunk: Uint8Array): void {
    this.#heardMs = this.#host.clock.monotonicMs();
    try {
      this.#decoder.push(chunk, (frame) => this.#frame(frame));
    } catch (error) {
      if (error instanceof ProtocolError) this.#connection.destroy(error);
      else this.#host.fail(asError(error));
    }
  }

  onDrain(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#connection.resume();
  }

  onClose(reason: Error | undefined): void {
    this.#open = false;
    this.#host.closed(this, this.#refusal ?? reason);
  }

  #frame(frame: Frame): void {
    if (this.#version === 0) {
      this.#handshake(frame);
    } else if (frame.type === FrameType.ping) {
      this.reply(encodePong(this.#host.kernels, frame));
    } else if (this.#peer === 0) {
      this.#host.clientFrame(this, frame);
    } else {
      this.#host.peerFrame(this.#peer, this, frame);
    }
  }

  #answer(hello: Hello, self: NodeSelf): HelloAck {
    // First of all: without a token nobody learns anything else.
    if (!self.tokens.accepts(hello.token)) return refuseHello(self, 'HF_UNAUTHENTICATED', 'no valid token');
    const ack = answerHello(hello, self);
    const { nodeId } = hello;
    if (ack.refusal !== undefined || hello.role !== PeerRole.node || nodeId === 0) return ack;
    const refusal = this.#host.helloRefusal({ ...hello, nodeId });
    return refusal === undefined ? ack : refuseHello(self, refusal.code, refusal.detail);
  }

  #handshake(frame: Frame): void {
    if (frame.type !== FrameType.hello) throw new ProtocolError('unexpected', 'a frame before the hello');
    const { kernels, self } = this.#host;
    const hello = readHello(frame.payload);
    const ack = this.#answer(hello, self);
    this.reply(encodeHelloAck(kernels, frame.requestId, ack));
    if (ack.refusal !== undefined) {
      this.#refusal = new HoldfastError(ack.refusal, { detail: ack.detail });
      this.#decoder.stop();
      this.#connection.close();
      return;
    }
    this.#version = ack.version;
    this.#peer = hello.nodeId;
    this.#decoder.accept(FRAME_BYTES_MAX, ack.version);
  }
}
