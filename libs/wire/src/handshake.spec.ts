import { type NodeId, pureKernels } from '@holdfast/io';
import { describe, expect, it } from 'vitest';
import { type Frame, FrameType } from './frame.ts';
import { FrameDecoder } from './frame-decoder.ts';
import {
  answerHello,
  checkHelloAck,
  encodeHello,
  encodeHelloAck,
  type HandshakeSelf,
  type Hello,
  type HelloAck,
  PeerRole,
  readHello,
  readHelloAck,
  refuseHello,
} from './handshake.ts';
import { ProtocolError } from './holdfast-error.ts';
import { FRAME_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, TOKEN_BYTES_MAX } from './limits.ts';
import { commonVersion } from './version.ts';

const kernels = pureKernels;
const node = (id: number): NodeId => id as NodeId;
const cluster = new Uint8Array(16).fill(7);

const self: HandshakeSelf = {
  clusterId: cluster,
  nodeId: node(2),
  versionMin: 1,
  versionMax: 3,
  features: 0b110,
  frameBytesMax: FRAME_BYTES_MAX,
  agent: 'b/1',
};

const hello: Hello = {
  clusterId: cluster,
  nodeId: node(1),
  toNodeId: node(2),
  role: PeerRole.node,
  versionMin: 1,
  versionMax: 2,
  features: 0b011,
  frameBytesMax: FRAME_BYTES_MAX,
  token: '',
  address: '127.0.0.1:7711',
  agent: 'a/1',
  storage: 0,
};

const client: Hello = {
  ...hello,
  role: PeerRole.client,
  nodeId: 0,
  toNodeId: 0,
  clusterId: new Uint8Array(0),
  address: '',
};

function payloadOf(frame: Uint8Array): Uint8Array {
  const decoder = new FrameDecoder(kernels, { frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX });
  const frames: Frame[] = [];
  decoder.push(frame, (one) => frames.push(one));
  expect(frames[0].requestId).toBe(5);
  return frames[0].payload;
}

/** Both frames over the wire: what the opener makes of the answer. */
function shake(opener: Hello, accepter = self): readonly [HelloAck, ReturnType<typeof checkHelloAck>] {
  const received = readHello(payloadOf(encodeHello(kernels, 5, opener)));
  expect(received).toEqual(opener);
  const ack = readHelloAck(payloadOf(encodeHelloAck(kernels, 5, answerHello(received, accepter))));
  return [ack, checkHelloAck(opener, ack)];
}

describe('the handshake', () => {
  it('settles on the highest version and the features of both', () => {
    const [ack, failure] = shake(hello);
    expect(failure).toBeUndefined();
    expect(ack).toEqual({
      ...self,
      versionMin: undefined,
      versionMax: undefined,
      refusal: undefined,
      version: 2,
      features: 0b010,
      detail: '',
    });
  });

  it('lets a client in that does not know the cluster', () => {
    const [ack, failure] = shake(client);
    expect([failure, ack.clusterId, ack.nodeId]).toEqual([undefined, cluster, 2]);
  });

  it.each<[string, string, Partial<Hello>]>([
    ['another cluster', 'HF_WRONG_CLUSTER', { clusterId: new Uint8Array(16).fill(8) }],
    ['a node without a cluster', 'HF_WRONG_NODE', { clusterId: new Uint8Array(0) }],
    ['a node without an id', 'HF_WRONG_NODE', { nodeId: 0 }],
    ['a node with my id', 'HF_WRONG_NODE', { nodeId: node(2) }],
    ['who looks for another node', 'HF_WRONG_NODE', { toNodeId: node(3) }],
    ['older versions', 'HF_VERSION_MISMATCH', { versionMin: 4, versionMax: 9 }],
  ])('refuses %s', (_, code, change) => {
    const [ack, failure] = shake({ ...hello, ...change });
    expect(failure).toMatchObject({ code, outcome: 'not_applied' });
    // A refusal tells nothing about the cluster.
    expect([ack.refusal, ack.clusterId.length, ack.nodeId, ack.version]).toEqual([code, 0, 0, 0]);
  });

  it('is checked by the opener too', () => {
    const good = answerHello(hello, self);
    expect(checkHelloAck(hello, { ...good, clusterId: new Uint8Array(16) })?.code).toBe('HF_WRONG_CLUSTER');
    expect(checkHelloAck(hello, { ...good, nodeId: node(3) })?.code).toBe('HF_WRONG_NODE');
    expect(checkHelloAck(hello, { ...good, version: 3 })).toBeInstanceOf(ProtocolError);
    expect(checkHelloAck(hello, { ...good, nodeId: 0 })).toBeInstanceOf(ProtocolError);
    expect(checkHelloAck(hello, refuseHello(self, 'HF_UNAUTHENTICATED', 'no'))?.code).toBe(
      'HF_UNAUTHENTICATED',
    );
  });

  it('fits into the frames of strangers, with the longest token', () => {
    const token = 't'.repeat(TOKEN_BYTES_MAX);
    expect(readHello(payloadOf(encodeHello(kernels, 5, { ...hello, token }))).token).toBe(token);
  });

  it.each<[string, Partial<Hello>]>([
    ['cluster id of 15 bytes', { clusterId: new Uint8Array(15) }],
    ['role 3', { role: 3 as PeerRole }],
    ['version 0', { versionMin: 0 }],
    ['token above its limit', { token: 't'.repeat(TOKEN_BYTES_MAX + 1) }],
    ['tiny frames', { frameBytesMax: 10 }],
  ])('breaks with a hello with %s', (_, change) => {
    expect(() => readHello(payloadOf(encodeHello(kernels, 5, { ...hello, ...change })))).toThrow(
      ProtocolError,
    );
  });

  it('uses frames of the lowest version', () => {
    new FrameDecoder(kernels).push(encodeHello(kernels, 1, hello), (frame) => {
      expect([frame.type, frame.version]).toEqual([FrameType.hello, 1]);
    });
    expect.assertions(1);
  });
});

describe('commonVersion', () => {
  it('is the highest in both ranges', () => {
    expect(commonVersion(1, 1, 1, 1)).toBe(1);
    expect(commonVersion(1, 2, 1, 1)).toBe(1);
    expect(commonVersion(1, 5, 2, 9)).toBe(5);
    expect(commonVersion(1, 1, 2, 2)).toBeUndefined();
    expect(commonVersion(4, 5, 1, 3)).toBeUndefined();
  });
});
