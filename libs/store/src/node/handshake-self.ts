import {
  FRAME_BYTES_MAX,
  type HandshakeSelf,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from '@holdfast/wire';
import { parseClusterId } from './identity.ts';
import type { NodeOptions } from './node-options.ts';
import { TokenCheck } from './token-check.ts';

/** What a node says of itself, and whom it speaks with. */
export interface NodeSelf extends HandshakeSelf {
  readonly tokens: TokenCheck;
}

/** How a node introduces itself. @throws IdentityError for a cluster id that is none. */
export function handshakeSelf(
  options: Pick<NodeOptions, 'clusterId' | 'nodeId' | 'agent' | 'tokens'>,
): NodeSelf {
  return {
    clusterId: parseClusterId(options.clusterId),
    nodeId: options.nodeId,
    versionMin: PROTOCOL_VERSION_MIN,
    versionMax: PROTOCOL_VERSION_MAX,
    features: 0,
    frameBytesMax: FRAME_BYTES_MAX,
    agent: options.agent ?? 'holdfast',
    tokens: new TokenCheck(options.tokens ?? []),
  };
}
