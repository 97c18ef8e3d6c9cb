import type { NodeId } from '@holdfast/io';
import {
  FRAME_BYTES_MAX,
  type Hello,
  PeerRole,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from '@holdfast/wire';

/** How a client introduces itself. @param expected the node that it believes to have reached; 0 = any. */
export function helloOf(clusterId: Uint8Array, expected: NodeId | 0, token: string, agent: string): Hello {
  return {
    clusterId,
    nodeId: 0,
    toNodeId: expected,
    role: PeerRole.client,
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION_MAX,
    features: 0,
    frameBytesMax: FRAME_BYTES_MAX,
    token,
    address: '',
    agent,
  };
}
