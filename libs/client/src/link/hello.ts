import type { NodeId } from '@holdfast/io';
import {
  FRAME_BYTES_MAX,
  type Hello,
  PeerRole,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from '@holdfast/wire';

/** Protocol versions that one side speaks, both ends included. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** The versions of this release. */
export const SPOKEN_VERSIONS: VersionRange = { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION_MAX };

/** How a client introduces itself. @param expected the node that it believes to have reached; 0 = any. */
export function helloOf(
  clusterId: Uint8Array,
  expected: NodeId | 0,
  token: string,
  agent: string,
  versions: VersionRange,
): Hello {
  return {
    clusterId,
    nodeId: 0,
    toNodeId: expected,
    role: PeerRole.client,
    versionMin: versions.min,
    versionMax: versions.max,
    features: 0,
    frameBytesMax: FRAME_BYTES_MAX,
    token,
    address: '',
    agent,
    storage: 0,
  };
}
