import type { Address, Clock, Disk, Kernels, Network, NodeId, Random } from '@holdfast/io';
import type { TreeOpenOptions } from '@holdfast/lsm';
import type { Member } from '../membership/roster.ts';
import type { DataCall } from './data-call.ts';
import type { NodeObserver } from './observer.ts';
import type { NodeSettings } from './settings.ts';

export interface NodeOptions {
  readonly disk: Disk;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels?: Kernels;
  /** Where everything of this node lies; made when missing, refused when it belongs to somebody else. */
  readonly directory: string;
  /** 32 hexadecimal digits. */
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Where to listen. */
  readonly address: Address;
  /**
   * At the first start of a cluster all its nodes, this one included: they found it. For a node that joins, some that
   * it can ask. Afterwards the cluster itself knows who belongs to it.
   */
  readonly members: readonly Member[];
  /** An empty directory waits to be added to a running cluster instead of founding one. Default false. */
  readonly join?: boolean;
  readonly settings?: Partial<NodeSettings>;
  /** What the world adds to the engine: where it compacts, what it compresses with. */
  readonly tree?: Pick<TreeOpenOptions, 'compactor' | 'clock' | 'options'>;
  readonly observer?: NodeObserver;
  /**
   * Hears every verified batch of a client and owes `node.execute(call)`. Default: executed at once.
   * Here a framework can stand between the socket and the store.
   */
  readonly onData?: (call: DataCall) => void;
  /**
   * What whoever connects must know: one of these; the first is what this node says to the others. Two during a change
   * of tokens. Default: none is asked for.
   */
  readonly tokens?: readonly string[];
  /** Name and version of the software, told in handshakes. */
  readonly agent?: string;
}
