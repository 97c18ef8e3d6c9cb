import {
  asError,
  type Buggify,
  type Cancel,
  type Clock,
  type Connection,
  type ConnectionHandler,
  EMPTY_BYTES,
  type Kernels,
  type Network,
  type NodeId,
  type Random,
  randomInteger,
} from '@holdfast/io';
import type { Message } from '@holdfast/raft';
import {
  checkHelloAck,
  encodeHello,
  encodePing,
  type ErrorCode,
  FRAME_BYTES_MAX,
  type Frame,
  FrameDecoder,
  FrameType,
  HANDSHAKE_FRAME_BYTES_MAX,
  type Hello,
  PeerRole,
  ProtocolError,
  RaftBatchBuilder,
  readHelloAck,
} from '@holdfast/wire';
import type { Member } from '../membership/roster.ts';
import type { NodeBuggifyPoint } from './buggify.ts';
import type { NodeSelf } from './handshake-self.ts';

/** Bytes queued for one peer. Above it Raft messages are dropped, which Raft can bear; memory cannot. */
export const PEER_QUEUE_BYTES_MAX = 32 * 1024 * 1024;
/** Reconnect after 20 .. 40 ms at first, doubled with each failure up to this. */
const RECONNECT_MS_MAX = 1000;
const RECONNECT_MS_FIRST = 20;
/** Silence of an open link after which a ping is sent, and after which the link counts as dead. */
const PING_AFTER_MS = 1000;
const SILENCE_MS_MAX = 4000;
/** From the attempt to connect to the end of the handshake; a peer may vanish in between without a word. */
const OPENING_MS_MAX = 5000;

export interface PeerLinkHost {
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  readonly self: NodeSelf;
  /** Where other nodes reach this one. */
  readonly address: string;
  /** Which data directory speaks for this node. */
  readonly storage: number;
  /** Revision of the record of members that this node goes by; 0 for none. */
  readonly membership: number;
  linkOpened(peer: NodeId): void;
  /** An open link is gone: evidence that the process at its other end is (D9). */
  linkLost(peer: NodeId): void;
  /** The peer does not speak with this node. */
  refused(peer: NodeId, code: ErrorCode, detail: string): void;
  /** Messages were dropped: the peer's flow control starts over. */
  messagesDropped(peer: NodeId): void;
  peerFrame(from: NodeId, reply: (frame: Uint8Array) => void, frame: Frame): void;
  /** Not the peer's fault: the node can not go on (D8). */
  fail(error: Error): void;
}

/**
 * The outgoing half of the connection to one peer: made again whenever it breaks. Raft messages of one turn
 * leave in one frame. Messages for a peer that is not connected are dropped: Raft sends what matters again.
 */
export class PeerLink implements ConnectionHandler {
  readonly peer: NodeId;
  readonly #host: PeerLinkHost;
  readonly address: string;
  readonly #batch: RaftBatchBuilder;
  #connection: Connection | undefined;
  #decoder: FrameDecoder;
  #hello: Hello | undefined;
  /** 0 while no handshake is done. */
  #version = 0;
  #failures = 0;
  #lastHeardMs = 0;
  /** When the connection was asked for. */
  #openedMs = 0;
  #reconnect: Cancel | undefined;
  #stopped = false;

  constructor(host: PeerLinkHost, member: Member) {
    this.#host = host;
    this.peer = member.id;
    this.address = member.address;
    this.#batch = new RaftBatchBuilder(host.self.nodeId, member.id);
    this.#decoder = new FrameDecoder(host.kernels);
  }

  get connected(): boolean {
    return this.#version !== 0;
  }

  start(): void {
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#reconnect?.();
    this.#connection?.close();
  }

  /** Adds a message to this turn's frame. */
  send(message: Message): void {
    if (this.#version === 0) return;
    if (!this.#batch.fits(message)) this.flush();
    this.#batch.add(message);
  }

  /** Sends a frame of another kind, behind the messages before it. False when it was dropped. */
  sendFrame(encode: (version: number) => Uint8Array): boolean {
    if (this.#version === 0 || this.#overBudget()) return false;
    this.flush();
    this.#connection!.write(encode(this.#version));
    return true;
  }

  flush(): void {
    if (this.#batch.count === 0) return;
    if (this.#version === 0 || this.#overBudget() || this.#host.buggify('messages-dropped')) {
      this.#batch.reset();
      this.#host.messagesDropped(this.peer);
      return;
    }
    this.#connection!.write(this.#batch.toFrame(this.#host.kernels, this.#version));
  }

  /** Finds half-open links. Called every tick. */
  tick(): void {
    if (this.#version === 0) {
      const openingMs = this.#host.clock.monotonicMs() - this.#openedMs;
      if (openingMs > OPENING_MS_MAX) this.#connection?.destroy(new Error('no handshake in time'));
      return;
    }
    const silentMs = this.#host.clock.monotonicMs() - this.#lastHeardMs;
    if (silentMs > SILENCE_MS_MAX) {
      this.#connection!.destroy(new Error(`no sign of life for ${Math.round(silentMs)} ms`));
    } else if (silentMs > PING_AFTER_MS) {
      this.#connection!.write(encodePing(this.#host.kernels, this.#version, 0, EMPTY_BYTES));
    }
  }

  onOpen(): void {
    const { self, kernels } = this.#host;
    this.#hello = {
      clusterId: self.clusterId,
      nodeId: self.nodeId,
      toNodeId: this.peer,
      role: PeerRole.node,
      versionMin: self.versionMin,
      versionMax: self.versionMax,
      features: self.features,
      frameBytesMax: self.frameBytesMax,
      token: self.tokens.own,
      address: this.#host.address,
      agent: self.agent,
      storage: this.#host.storage,
      membership: this.#host.membership,
    };
    this.#connection!.write(encodeHello(kernels, 1, this.#hello));
  }

  onData(chunk: Uint8Array): void {
    this.#lastHeardMs = this.#host.clock.monotonicMs();
    try {
      this.#decoder.push(chunk, (frame) => this.#frame(frame));
    } catch (error) {
      if (error instanceof ProtocolError) this.#connection?.destroy(error);
      else this.#host.fail(asError(error));
    }
  }

  onDrain(): void {}

  onClose(): void {
    const wasOpen = this.#version !== 0;
    this.#connection = undefined;
    this.#version = 0;
    this.#batch.reset();
    if (this.#stopped) return;
    this.#failures = wasOpen ? 0 : this.#failures + 1;
    const ceiling = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_FIRST * 2 ** Math.min(this.#failures, 10));
    this.#reconnect = this.#host.clock.schedule(randomInteger(this.#host.random, ceiling / 2, ceiling), () =>
      this.#connect(),
    );
    if (wasOpen) this.#host.linkLost(this.peer);
  }

  #connect(): void {
    if (this.#stopped) return;
    this.#decoder = new FrameDecoder(this.#host.kernels, { frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX });
    this.#openedMs = this.#host.clock.monotonicMs();
    this.#connection = this.#host.network.connect(this.address);
    this.#connection.start(this);
  }

  #frame(frame: Frame): void {
    if (this.#version !== 0) {
      if (frame.type === FrameType.pong || frame.type === FrameType.goAway) return;
      this.#host.peerFrame(this.peer, (answer) => this.#connection?.write(answer), frame);
      return;
    }
    if (frame.type !== FrameType.helloAck)
      throw new ProtocolError('unexpected', 'a frame before the acceptance');
    const ack = readHelloAck(frame.payload);
    const refusal = checkHelloAck(this.#hello!, ack);
    if (ack.refusal !== undefined) this.#host.refused(this.peer, ack.refusal, ack.detail);
    if (refusal !== undefined) throw new ProtocolError('unexpected', refusal.message);
    this.#version = ack.version;
    this.#decoder.accept(FRAME_BYTES_MAX, ack.version);
    this.#failures = 0;
    this.#host.linkOpened(this.peer);
  }

  #overBudget(): boolean {
    return (this.#connection?.bytesQueued ?? 0) > PEER_QUEUE_BYTES_MAX;
  }
}
