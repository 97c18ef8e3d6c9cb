import { type Connection, type NodeId, pureKernels } from '@holdfast/io';
import {
  answerHello,
  DataRequestReader,
  DataResponseBuilder,
  encodeHelloAck,
  encodePong,
  encodeRangeMap,
  FRAME_BYTES_MAX,
  type Frame,
  FrameDecoder,
  FrameType,
  type Hello,
  type HelloAck,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  readHello,
  readRangeMapRequest,
} from '@holdfast/wire';
import type { FakeCluster } from './fake-cluster.ts';

/** One request as a script sees it. */
export interface FakeRequest {
  readonly node: FakeNode;
  readonly requestId: number;
  readonly reader: DataRequestReader;
  /** Sends bytes over the connection on which the request came. */
  readonly send: (bytes: Uint8Array) => void;
  /** Ends this connection. */
  readonly cut: () => void;
}

/** What a script does with a request: `true` = it has taken over, otherwise the node answers as usual. */
export type FakeScript = (request: FakeRequest) => boolean;

/** Answers leave in several frames of about this size. */
const ANSWER_BYTES_TARGET = 2 * 1024 * 1024;

/** A node as far as a client can tell: handshake, map, data; everything can be overridden. */
export class FakeNode {
  readonly nodeId: NodeId;
  address: string;
  readonly cluster: FakeCluster;
  readonly connections = new Set<Connection>();
  /** Asked first for every request. */
  script: FakeScript | undefined;
  handshake: (hello: Hello) => HelloAck = (hello) => this.#accept(hello);
  requests = 0;
  ops = 0;
  maps = 0;
  pings = 0;
  answersPings = true;
  versions = { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION_MAX };
  /** Protocol version of each request. */
  readonly versionsSeen: number[] = [];
  readonly #builder = new DataResponseBuilder();

  constructor(cluster: FakeCluster, nodeId: NodeId, address: string) {
    this.cluster = cluster;
    this.nodeId = nodeId;
    this.address = address;
  }

  async start(): Promise<void> {
    await this.cluster.network.listen(this.address, (connection) => this.serve(connection));
  }

  /** Sends bytes to everybody who is connected. */
  broadcast(bytes: Uint8Array): void {
    for (const connection of this.connections) connection.write(bytes);
  }

  /** Takes over an accepted connection. */
  serve(connection: Connection): void {
    const decoder = new FrameDecoder(pureKernels);
    this.connections.add(connection);
    connection.start({
      onOpen: () => undefined,
      onData: (chunk) => decoder.push(chunk, (frame) => this.#onFrame(connection, frame)),
      onDrain: () => undefined,
      onClose: () => this.connections.delete(connection),
    });
  }

  #accept(hello: Hello): HelloAck {
    return answerHello(hello, {
      clusterId: this.cluster.clusterId,
      nodeId: this.nodeId,
      versionMin: this.versions.min,
      versionMax: this.versions.max,
      features: 0,
      frameBytesMax: FRAME_BYTES_MAX,
      agent: 'fake',
    });
  }

  #onFrame(connection: Connection, frame: Frame): void {
    if (frame.type === FrameType.hello) {
      const ack = this.handshake(readHello(frame.payload));
      connection.write(encodeHelloAck(pureKernels, frame.requestId, ack));
      if (ack.refusal !== undefined) connection.close();
    } else if (frame.type === FrameType.ping) {
      this.pings++;
      if (this.answersPings) connection.write(encodePong(pureKernels, frame));
    } else if (frame.type === FrameType.rangeMapRequest) {
      this.maps++;
      const map = this.cluster.mapFor(this.nodeId, readRangeMapRequest(frame.payload));
      connection.write(encodeRangeMap(pureKernels, frame.version, frame.requestId, map));
    } else if (frame.type === FrameType.dataRequest) {
      this.#onRequest(connection, frame);
    }
  }

  #onRequest(connection: Connection, frame: Frame): void {
    const reader = DataRequestReader.read(frame.payload);
    this.requests++;
    this.versionsSeen.push(frame.version);
    this.ops += reader.count;
    const { requestId, version } = frame;
    const request: FakeRequest = {
      node: this,
      requestId,
      reader,
      send: (bytes) => connection.write(bytes),
      cut: () => connection.destroy(new Error('cut')),
    };
    if (this.script?.(request) === true) return;
    const builder = this.#builder;
    const send = (more: boolean): void => {
      connection.write(builder.toFrame(pureKernels, requestId, version, 0, more));
    };
    for (let i = 0; i < reader.count; i++) {
      if (builder.byteLength > ANSWER_BYTES_TARGET) send(true);
      this.cluster.answer(this.nodeId, reader, i, builder);
    }
    send(false);
  }
}
