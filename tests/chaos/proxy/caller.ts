import { nodeKernels } from '@holdfast/io-node';
import { FrameDecoder, FrameType, HANDSHAKE_FRAME_BYTES_MAX, PeerRole, readHello } from '@holdfast/wire';
import type { Host } from './link.ts';

/** How the gateway names itself in handshakes. */
const GATEWAY_AGENT = /^holdfast-gateway\//;

/**
 * Finds out who opened a connection: all callers of a node come to one address, and the first frame says who they
 * are. Bytes are kept meanwhile; they belong to whoever is found.
 */
export class CallerReader {
  readonly #decoder = new FrameDecoder(nodeKernels, { frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX });
  readonly #held: Buffer[] = [];
  #caller: Host | undefined;

  get held(): readonly Buffer[] {
    return this.#held;
  }

  /** The caller once it is known. @throws ProtocolError when this is no handshake. */
  push(chunk: Buffer): Host | undefined {
    this.#held.push(chunk);
    this.#decoder.push(Buffer.from(chunk), (frame) => {
      if (this.#caller !== undefined || frame.type !== FrameType.hello) return;
      const { role, nodeId, agent } = readHello(frame.payload);
      if (role === PeerRole.node && (nodeId === 1 || nodeId === 2 || nodeId === 3))
        this.#caller = nodeId as Host;
      else this.#caller = GATEWAY_AGENT.test(agent) ? 'gateway' : 'clients';
      this.#decoder.stop();
    });
    return this.#caller;
  }
}
