import type { Address, NodeId, RangeId } from '@holdfast/io';
import type { ErrorCode, HoldfastError } from '@holdfast/wire';

/**
 * What a client lets others watch; applications turn it into metrics and logs. An observer must not call back into
 * the client.
 */
export interface ClientObserver {
  connected?(address: Address, node: NodeId): void;
  /** The connection is gone; `violation` when the peer broke the protocol. */
  disconnected?(address: Address, node: NodeId | 0, reason: HoldfastError): void;
  leaderFound?(range: RangeId, node: NodeId): void;
  leaderLost?(range: RangeId, node: NodeId): void;
  /** An operation is tried again. */
  retried?(code: ErrorCode, delayMs: number): void;
  /** A weak read was sent to a second replica, because this node takes long. */
  hedged?(slow: NodeId): void;
  mapLearned?(generation: number): void;
}
