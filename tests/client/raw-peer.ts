import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { pureKernels } from '@holdfast/io';
import type { TlsIdentity } from '@holdfast/io-node';
import {
  encodeHello,
  FRAME_BYTES_MAX,
  type Frame,
  FrameDecoder,
  FrameType,
  type Hello,
  type HelloAck,
  PeerRole,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  readHelloAck,
} from '@holdfast/wire';

/** How a well-behaved client introduces itself. */
export function clientHello(more: Partial<Hello> = {}): Hello {
  return {
    clusterId: new Uint8Array(0),
    nodeId: 0,
    toNodeId: 0,
    role: PeerRole.client,
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION_MAX,
    features: 0,
    frameBytesMax: FRAME_BYTES_MAX,
    token: '',
    address: '',
    agent: 'test',
    storage: 0,
    ...more,
  };
}

/** A socket to a node that sends whatever a test wants and reads frames. */
export class RawPeer {
  readonly socket: Socket;
  /** Frames received, oldest first. */
  readonly frames: Frame[] = [];
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>;
  readonly #decoder = new FrameDecoder(pureKernels);
  readonly #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake());
    socket.on('data', (chunk) => {
      this.#decoder.push(bytesOf(chunk), (frame) => this.frames.push(frame));
      this.#wake();
    });
  }

  static async open(address: string, tls?: TlsIdentity): Promise<RawPeer> {
    const [host, port] = address.split(':');
    const socket =
      tls === undefined ? connect(Number(port), host) : connectTls({ ...tls, host, port: Number(port) });
    const peer = new RawPeer(socket);
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    socket.setNoDelay(true);
    return peer;
  }

  /** Opens and shakes hands. */
  static async greeted(address: string, more: Partial<Hello> = {}): Promise<RawPeer> {
    const peer = await RawPeer.open(address);
    const ack = await peer.greet(more);
    if (ack.refusal !== undefined) throw new Error(`refused: ${ack.refusal}`);
    return peer;
  }

  async greet(more: Partial<Hello> = {}): Promise<HelloAck> {
    this.send(encodeHello(pureKernels, 1, clientHello(more)));
    const frame = await this.frame(FrameType.helloAck);
    return readHelloAck(frame.payload);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next frame of this type. @throws Error when the connection ends first. */
  async frame(type: FrameType): Promise<Frame> {
    for (;;) {
      const at = this.frames.findIndex((frame) => frame.type === type);
      if (at >= 0) return this.frames.splice(at, 1)[0];
      if (this.socket.destroyed) throw new Error('the connection has ended');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** A copy of a chunk: an encoding was never set. */
function bytesOf(chunk: Buffer | string): Uint8Array {
  if (typeof chunk === 'string') throw new Error('a text');
  return new Uint8Array(chunk);
}
