import { assert, copyBytes, EMPTY_BYTES, equalBytes, type Kernels, type NodeId } from '@holdfast/io';
import { Encoding } from 'flatbuffers';
import { buildTable, createDetail, openTable, textOf, u53Of } from './control-codec.ts';
import { type ErrorCode, errorCode, errorNumber } from './errors.ts';
import { encodeFrame, FrameType } from './frame.ts';
import { HelloAck as HelloAckTable } from './generated/hello-ack.ts';
import { Hello as HelloTable } from './generated/hello.ts';
import { HELLO, HELLO_ACK } from './generated/layout.ts';
import { HoldfastError, ProtocolError } from './holdfast-error.ts';
import {
  ADDRESS_BYTES_MAX,
  AGENT_BYTES_MAX,
  CLUSTER_ID_BYTES,
  DETAIL_BYTES_MAX,
  FRAME_BYTES_MAX,
  HANDSHAKE_FRAME_BYTES_MAX,
  TOKEN_BYTES_MAX,
} from './limits.ts';
import { commonVersion, PROTOCOL_VERSION_MIN } from './version.ts';

export const PeerRole = { client: 1, node: 2 } as const;
export type PeerRole = (typeof PeerRole)[keyof typeof PeerRole];

/** First frame of a connection, from the side that opened it. Nothing else is believed before it is accepted. */
export interface Hello {
  /** CLUSTER_ID_BYTES bytes; empty when a client does not know the cluster yet. */
  readonly clusterId: Uint8Array;
  /** 0 for a client. */
  readonly nodeId: NodeId | 0;
  /** Whom the sender believes it has reached; 0 = anybody. */
  readonly toNodeId: NodeId | 0;
  readonly role: PeerRole;
  readonly versionMin: number;
  readonly versionMax: number;
  /** Bits; both sides use what both have. */
  readonly features: number;
  /** Largest frame the sender accepts, in bytes. */
  readonly frameBytesMax: number;
  /** Bearer token; empty when none is configured. */
  readonly token: string;
  /** Where other nodes reach the sender; empty for a client. */
  readonly address: string;
  /** Name and version of the software, for logs. */
  readonly agent: string;
  /** Which data directory speaks for the node, drawn when that was made; 0 for a client. Below 2^53. */
  readonly storage: number;
  /** Revision of the record of members that the node goes by; absent for a client, and for a node without one. */
  readonly membership?: number | undefined;
}

export interface HelloAck {
  /** Undefined = accepted. Otherwise the connection is closed after this frame. */
  readonly refusal: ErrorCode | undefined;
  /** Protocol version of every frame from now on; 0 when refused. */
  readonly version: number;
  readonly nodeId: NodeId | 0;
  readonly clusterId: Uint8Array;
  readonly features: number;
  readonly frameBytesMax: number;
  readonly detail: string;
  readonly agent: string;
}

/** What the accepting side says about itself. */
export interface HandshakeSelf {
  readonly clusterId: Uint8Array;
  readonly nodeId: NodeId;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly features: number;
  readonly frameBytesMax: number;
  readonly agent: string;
}

/** Handshake frames carry the lowest version of the format: nothing is agreed on yet. */
const HANDSHAKE_VERSION = PROTOCOL_VERSION_MIN;

export function encodeHello(kernels: Kernels, requestId: number, hello: Hello): Uint8Array {
  assert(hello.versionMin <= hello.versionMax, 'version range');
  const payload = buildTable((builder) => {
    const clusterId = builder.createByteVector(hello.clusterId);
    const token = builder.createString(hello.token);
    const address = builder.createString(hello.address);
    const agent = builder.createString(hello.agent);
    HelloTable.startHello(builder);
    HelloTable.addClusterId(builder, clusterId);
    HelloTable.addNodeId(builder, hello.nodeId);
    HelloTable.addToNodeId(builder, hello.toNodeId);
    HelloTable.addRole(builder, hello.role);
    HelloTable.addVersionMin(builder, hello.versionMin);
    HelloTable.addVersionMax(builder, hello.versionMax);
    HelloTable.addFeatures(builder, hello.features);
    HelloTable.addFrameBytesMax(builder, hello.frameBytesMax);
    HelloTable.addToken(builder, token);
    HelloTable.addAddress(builder, address);
    HelloTable.addAgent(builder, agent);
    HelloTable.addStorage(builder, BigInt(hello.storage));
    HelloTable.addMembership(builder, BigInt(hello.membership ?? 0));
    return HelloTable.endHello(builder);
  });
  return encodeFrame(kernels, { type: FrameType.hello, requestId, version: HANDSHAKE_VERSION }, payload);
}

/** @throws ProtocolError */
export function readHello(payload: Uint8Array): Hello {
  const table = HelloTable.getRootAsHello(openTable(payload, HELLO));
  const role = table.role();
  if (role !== PeerRole.client && role !== PeerRole.node)
    throw new ProtocolError('malformed', `role ${role}`);
  const versionMin = table.versionMin();
  const versionMax = table.versionMax();
  if (versionMin === 0 || versionMin > versionMax) throw new ProtocolError('malformed', 'version range');
  const frameBytesMax = table.frameBytesMax();
  if (frameBytesMax < HANDSHAKE_FRAME_BYTES_MAX)
    throw new ProtocolError('limit', `frames of ${frameBytesMax} bytes`);
  return {
    clusterId: clusterIdOf(table.clusterIdArray()),
    nodeId: table.nodeId() as NodeId | 0,
    toNodeId: table.toNodeId() as NodeId | 0,
    role,
    versionMin,
    versionMax,
    features: table.features(),
    frameBytesMax,
    token: textOf(table.token(Encoding.UTF8_BYTES), TOKEN_BYTES_MAX, 'token'),
    address: textOf(table.address(Encoding.UTF8_BYTES), ADDRESS_BYTES_MAX, 'address'),
    agent: textOf(table.agent(Encoding.UTF8_BYTES), AGENT_BYTES_MAX, 'agent'),
    storage: u53Of(table.storage(), 'storage'),
    membership: u53Of(table.membership(), 'membership') || undefined,
  };
}

/**
 * What the accepting side answers. It looks at the token first, by itself ({@link refuseHello}), and at whether
 * the node is a member.
 */
export function answerHello(hello: Hello, self: HandshakeSelf): HelloAck {
  if (hello.clusterId.length > 0 && !equalBytes(hello.clusterId, self.clusterId)) {
    return refuseHello(self, 'HF_WRONG_CLUSTER', 'the cluster ids differ');
  }
  if (hello.role === PeerRole.node && (hello.nodeId === 0 || hello.clusterId.length === 0)) {
    return refuseHello(self, 'HF_WRONG_NODE', 'a node says who it is and where it belongs');
  }
  if (hello.nodeId === self.nodeId) return refuseHello(self, 'HF_WRONG_NODE', 'this is my own id');
  if (hello.toNodeId !== 0 && hello.toNodeId !== self.nodeId) {
    return refuseHello(
      self,
      'HF_WRONG_NODE',
      `node ${hello.toNodeId} was asked for, this is node ${self.nodeId}`,
    );
  }
  const version = commonVersion(self.versionMin, self.versionMax, hello.versionMin, hello.versionMax);
  if (version === undefined) {
    const ranges = `${hello.versionMin} to ${hello.versionMax} offered, ${self.versionMin} to ${self.versionMax} spoken`;
    return refuseHello(self, 'HF_VERSION_MISMATCH', ranges);
  }
  return {
    refusal: undefined,
    version,
    nodeId: self.nodeId,
    clusterId: self.clusterId,
    features: (hello.features & self.features) >>> 0,
    frameBytesMax: self.frameBytesMax,
    detail: '',
    agent: self.agent,
  };
}

/** A refusal; it tells a stranger nothing about cluster and node beyond the reason. */
export function refuseHello(self: HandshakeSelf, refusal: ErrorCode, detail: string): HelloAck {
  return {
    refusal,
    version: 0,
    nodeId: 0,
    clusterId: EMPTY_BYTES,
    features: 0,
    frameBytesMax: self.frameBytesMax,
    detail,
    agent: self.agent,
  };
}

export function encodeHelloAck(kernels: Kernels, requestId: number, ack: HelloAck): Uint8Array {
  const payload = buildTable((builder) => {
    const clusterId = builder.createByteVector(ack.clusterId);
    const detail = createDetail(builder, ack.detail);
    const agent = builder.createString(ack.agent);
    HelloAckTable.startHelloAck(builder);
    HelloAckTable.addStatus(builder, ack.refusal === undefined ? 0 : errorNumber(ack.refusal));
    HelloAckTable.addVersion(builder, ack.version);
    HelloAckTable.addNodeId(builder, ack.nodeId);
    HelloAckTable.addClusterId(builder, clusterId);
    HelloAckTable.addFeatures(builder, ack.features);
    HelloAckTable.addFrameBytesMax(builder, ack.frameBytesMax);
    HelloAckTable.addDetail(builder, detail);
    HelloAckTable.addAgent(builder, agent);
    return HelloAckTable.endHelloAck(builder);
  });
  return encodeFrame(kernels, { type: FrameType.helloAck, requestId, version: HANDSHAKE_VERSION }, payload);
}

/** @throws ProtocolError */
export function readHelloAck(payload: Uint8Array): HelloAck {
  const table = HelloAckTable.getRootAsHelloAck(openTable(payload, HELLO_ACK));
  const status = table.status();
  return {
    refusal: status === 0 ? undefined : errorCode(status),
    version: table.version(),
    nodeId: table.nodeId() as NodeId | 0,
    clusterId: clusterIdOf(table.clusterIdArray()),
    features: table.features(),
    frameBytesMax: Math.min(table.frameBytesMax(), FRAME_BYTES_MAX),
    detail: textOf(table.detail(Encoding.UTF8_BYTES), DETAIL_BYTES_MAX, 'detail'),
    agent: textOf(table.agent(Encoding.UTF8_BYTES), AGENT_BYTES_MAX, 'agent'),
  };
}

/** What is wrong with the answer to our hello, or undefined when the connection may be used. */
export function checkHelloAck(hello: Hello, ack: HelloAck): HoldfastError | undefined {
  if (ack.refusal !== undefined) {
    return new HoldfastError(ack.refusal, {
      outcome: 'not_applied',
      detail: `refused by the peer: ${ack.detail}`,
    });
  }
  if (ack.version < hello.versionMin || ack.version > hello.versionMax) {
    return new ProtocolError('version', `version ${ack.version} was not offered`);
  }
  if (ack.clusterId.length === 0 || ack.nodeId === 0 || ack.frameBytesMax < HANDSHAKE_FRAME_BYTES_MAX) {
    return new ProtocolError('malformed', 'acceptance without cluster, node or frame size');
  }
  if (hello.clusterId.length > 0 && !equalBytes(hello.clusterId, ack.clusterId)) {
    return new HoldfastError('HF_WRONG_CLUSTER', { detail: 'the peer belongs to another cluster' });
  }
  if (hello.toNodeId !== 0 && hello.toNodeId !== ack.nodeId) {
    return new HoldfastError('HF_WRONG_NODE', {
      detail: `node ${ack.nodeId} answers for node ${hello.toNodeId}`,
    });
  }
  return undefined;
}

function clusterIdOf(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null || bytes.length === 0) return EMPTY_BYTES;
  if (bytes.length !== CLUSTER_ID_BYTES)
    throw new ProtocolError('malformed', `cluster id of ${bytes.length} bytes`);
  return copyBytes(bytes);
}
