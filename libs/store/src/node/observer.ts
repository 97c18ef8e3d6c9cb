import type { NodeId, RangeId } from '@holdfast/io';
import type { ErrorCode, Membership } from '@holdfast/wire';
import type { TreeEvent } from '@holdfast/lsm';
import type { Entry, HardState, Message, Ready, Role, SnapshotMeta } from '@holdfast/raft';

/**
 * What a node lets others watch: the simulator checks its invariants here, applications turn it into metrics
 * and logs. An observer must not call back into the node and must not keep the views it is shown.
 */
export interface NodeObserver {
  role?(range: RangeId, role: Role, term: number, leader: NodeId | 0): void;
  /** A Ready was taken over: its entries and hard state are on their way to the node log. */
  ready?(range: RangeId, ready: Ready): void;
  /** The node log has synced what this Ready promised. */
  persisted?(range: RangeId, ready: Ready): void;
  /** A message is about to leave for a peer. */
  sent?(message: Message): void;
  applied?(range: RangeId, entry: Entry): void;
  /** What the entry at `index` does to the tree, right before it does. `records` is a view, valid during the call. */
  wrote?(range: RangeId, index: number, records: Uint8Array): void;
  /** A snapshot has replaced the state of the range, durably. */
  installed?(range: RangeId, snapshot: SnapshotMeta): void;
  /** What was damaged of the range has been replaced by what another replica had. */
  repaired?(range: RangeId): void;
  /** The last group of the node log is torn, or damaged, from here on: it is cut, with whatever was in it. */
  logCut?(path: string, offset: number): void;
  /** A range was opened, with what the disk held. */
  recovered?(
    range: RangeId,
    state: {
      readonly hardState: HardState;
      readonly applied: number;
      readonly last: number;
      readonly lastTerm: number;
    },
  ): void;
  /**
   * An accepted connection ended. `peer` is 0 for a client or a stranger; a `ProtocolError` as reason says that the
   * other side broke the protocol, a `HoldfastError` that it was refused at the handshake.
   */
  disconnected?(remoteAddress: string, peer: NodeId | 0, reason: Error | undefined): void;
  /** A peer refused this node at the handshake. Comes again with every try. */
  refusedBy?(peer: NodeId, code: ErrorCode, detail: string): void;
  /** The membership of the cluster, as this node learns of it. */
  membership?(membership: Membership, revision: number): void;
  /** Flushes, compactions, stalls and damage in the node's tree. */
  tree?(event: TreeEvent): void;
  /** A sync of the node log goes on for so long, and so many ranges were offered to nodes that are faster. */
  slowSync?(elapsedMs: number, ranges: number): void;
  /** There is no room for writes: so many ranges were offered to other nodes. */
  diskFull?(ranges: number): void;
  /** There is no room to make, take in or install a snapshot of the range. It is tried again after a few seconds. */
  noRoomForSnapshot?(range: RangeId): void;
  /** The node can not go on: a broken disk or a broken invariant (D8). Nothing is served after this. */
  fatal?(error: Error): void;
}
