import type { Clock, Kernels, Network, Random } from '@holdfast/io';
import type { DataResponseReader, Frame, Hello, HoldfastError, RangeMap } from '@holdfast/wire';
import type { PendingOp } from '../engine/pending-op.ts';
import type { NodeLink } from './node-link.ts';

/** What a {@link NodeLink} needs from whoever owns it, and what it tells. */
export interface LinkOwner {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;

  hello(link: NodeLink): Hello;
  /** The handshake is done: who is there, and of which cluster. */
  linkReady(link: NodeLink, clusterId: Uint8Array): void;
  /**
   * The connection is gone, or takes no new requests (`draining`). Called before the operations that it held come
   * back through {@link lost} and {@link unsent}.
   */
  linkDown(link: NodeLink, reason: HoldfastError): void;
  /** A frame of a watch: changes, progress, the end. @throws ProtocolError */
  watchFrame(link: NodeLink, frame: Frame): void;
  /** The link has operations to write: a `pump` is owed at the end of this turn. */
  linkDirty(link: NodeLink): void;

  /** Answer `i` of the frame is for this operation, which has left the link. */
  answered(op: PendingOp, link: NodeLink, reader: DataResponseReader, i: number): void;
  /** The node refused the whole frame. */
  refused(op: PendingOp, link: NodeLink, error: HoldfastError): void;
  /** Sent, and the connection died: nobody knows what the node did. */
  lost(op: PendingOp, link: NodeLink, reason: HoldfastError): void;
  /** Was queued and has never been sent. */
  unsent(op: PendingOp, link: NodeLink, reason: HoldfastError): void;

  /** The answer to {@link NodeLink.askMap}; an empty map of the same generation means "unchanged". */
  mapArrived(link: NodeLink, map: RangeMap): void;
  /** The question cannot be answered by this link any more. */
  mapFailed(link: NodeLink, reason: HoldfastError): void;
}
