import {
  asError,
  type Buggify,
  type Disk,
  isDiskFull,
  joinPath,
  type Kernels,
  type NodeId,
  type RangeId,
} from '@holdfast/io';
import { CorruptionError, type Tree } from '@holdfast/lsm';
import type { Message } from '@holdfast/raft';
import {
  encodeSnapshotAck,
  encodeSnapshotChunk,
  type Frame,
  FrameType,
  ProtocolError,
  readSnapshotAck,
  readSnapshotChunk,
} from '@holdfast/wire';
import type { Replica } from '../range/replica.ts';
import { SCRATCH_DIRECTORY } from '../snapshot/scratch-directory.ts';
import { SnapshotReceiver, type TakenSnapshot } from '../snapshot/snapshot-receiver.ts';
import { SnapshotSender } from '../snapshot/snapshot-sender.ts';
import type { NodeBuggifyPoint } from './buggify.ts';
import type { PeerLink } from './peer-link.ts';

export interface SnapshotsHost {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  readonly tree: Tree;
  readonly self: { readonly nodeId: NodeId };
  replica(range: RangeId): Replica | undefined;
  wake(replica: Replica): void;
  /** Hands a message to Raft. */
  step(replica: Replica, message: Message): void;
  /** Sends a Raft message to a peer, behind those before it. */
  sendMessage(message: Message): void;
  /** A snapshot of the range could not be made, taken in or installed: the disk is full. */
  noRoomForSnapshot(range: RangeId): void;
  fail(error: Error): void;
}

/** In the place of a transfer's id: the peer's copy of the range is damaged, and it wants a snapshot. */
const ASKED = 0;

/** Snapshots between this node and its peers: who needs one gets it, and what arrives in full is installed. */
export class Snapshots {
  readonly #host: SnapshotsHost;
  readonly #links: ReadonlyMap<NodeId, PeerLink>;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  /** Ranges on which a snapshot is being installed; messages to them go on, entries are not applied. */
  readonly #installing = new Set<RangeId>();
  /** Announcements that came while entries were being applied across an await. */
  readonly #postponed = new Map<Replica, Message>();

  constructor(host: SnapshotsHost, links: ReadonlyMap<NodeId, PeerLink>, directory: string, firstId: number) {
    this.#host = host;
    this.#links = links;
    const { disk, kernels, buggify, tree, self } = host;
    const scratch = joinPath(directory, SCRATCH_DIRECTORY);
    this.#sender = new SnapshotSender(
      {
        disk,
        kernels,
        buggify,
        tree,
        self,
        sendChunk: (to, chunk) =>
          links.get(to)?.sendFrame((version) => encodeSnapshotChunk(kernels, version, chunk)) ?? false,
        snapshotSent: (range, to, meta) => {
          const replica = host.replica(range);
          if (replica === undefined) return;
          replica.raft.reportSnapshot(to, meta !== undefined);
          // A leader that was deposed meanwhile has nothing to announce: the new one sees what is needed.
          if (meta !== undefined && replica.isLeader) {
            // It wakes the other: an election would follow if this replica slept on.
            replica.rouse();
            host.sendMessage(replica.raft.snapshotMessage(to, meta));
          }
          host.wake(replica);
        },
        noRoom: (range) => host.noRoomForSnapshot(range),
      },
      scratch,
      firstId,
    );
    this.#receiver = new SnapshotReceiver(
      {
        disk,
        kernels,
        self,
        acknowledge: (to, ack) => {
          this.#links.get(to)?.sendFrame((version) => encodeSnapshotAck(kernels, version, ack));
        },
        noRoom: (range) => host.noRoomForSnapshot(range),
      },
      scratch,
    );
  }

  request(replica: Replica, to: NodeId): void {
    this.#sender.request(replica, to);
  }

  /** Asks `leader` for a snapshot of the range, as the answer to a transfer that never was. */
  ask(range: RangeId, leader: NodeId): void {
    const { kernels, self } = this.#host;
    const ack = { group: range, from: self.nodeId, to: leader, snapshotId: ASKED, offset: 0 };
    this.#links
      .get(leader)
      ?.sendFrame((version) => encodeSnapshotAck(kernels, version, { ...ack, refusal: 'HF_CORRUPTION' }));
  }

  tick(): void {
    this.#sender.tick();
    this.#receiver.tick();
    for (const [replica, message] of this.#postponed) {
      if (replica.applying) continue;
      this.#postponed.delete(replica);
      this.announced(replica, message);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#sender.stop(), this.#receiver.idle()]);
  }

  /** @throws ProtocolError for a frame that is no part of a transfer. */
  frame(from: NodeId, frame: Frame): void {
    if (frame.type === FrameType.snapshotChunk) {
      const chunk = readSnapshotChunk(frame.payload);
      this.#checkEnds(from, chunk);
      if (this.#host.replica(chunk.group) !== undefined && !this.#installing.has(chunk.group)) {
        this.#receiver.chunk(chunk);
      }
    } else {
      const ack = readSnapshotAck(frame.payload);
      this.#checkEnds(from, ack);
      if (ack.snapshotId === ASKED) this.#asked(ack.group, from);
      else this.#sender.acknowledged(ack);
    }
  }

  /**
   * The leader says that a snapshot has been transferred in full. It is installed first and Raft hears of it
   * then; one that is not here (this node restarted), or not newer than what is applied, goes to Raft or is
   * dropped, and the leader finds out.
   */
  announced(replica: Replica, message: Message): void {
    const { snapshot } = message;
    if (snapshot === undefined) return;
    if (!replica.wants(snapshot.index)) {
      this.#host.step(replica, message);
      return;
    }
    if (replica.applying) {
      if (!this.#installing.has(replica.id)) this.#postponed.set(replica, message);
      return;
    }
    const staged = this.#receiver.take(replica.id, snapshot.index, snapshot.term);
    if (staged === undefined) return;
    this.#installing.add(replica.id);
    void this.#install(replica, staged)
      .then((installed) => {
        if (installed) this.#host.step(replica, message);
      })
      .then(() => this.#receiver.release(staged))
      .catch((error: unknown) => this.#host.fail(asError(error)))
      .finally(() => this.#installing.delete(replica.id));
  }

  /** False when it changed nothing and may be tried again. @throws what is neither the transfer's fault nor room: D8. */
  async #install(replica: Replica, staged: TakenSnapshot): Promise<boolean> {
    try {
      await replica.install(staged);
      return true;
    } catch (error) {
      if (isDiskFull(error)) this.#receiver.noRoomFor(staged);
      else if (!(error instanceof CorruptionError)) throw error;
      // The leader finds that nothing has changed, and sends another.
      this.#host.wake(replica);
      return false;
    }
  }

  /** A transfer that is under way for the range goes first: who asks, asks again. */
  #asked(range: RangeId, from: NodeId): void {
    const replica = this.#host.replica(range);
    if (replica?.isLeader === true && !this.#sender.isSending(range)) this.#sender.request(replica, from);
  }

  #checkEnds(from: NodeId, message: { readonly from: NodeId; readonly to: NodeId }): void {
    if (message.from !== from || message.to !== this.#host.self.nodeId) {
      throw new ProtocolError('unexpected', 'a snapshot between other nodes');
    }
  }
}
