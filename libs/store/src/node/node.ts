import {
  type Address,
  asError,
  assert,
  type Cancel,
  type Clock,
  type Disk,
  type DiskLock,
  joinPath,
  type Kernels,
  type Listener,
  type Network,
  type NodeId,
  pureKernels,
  type Random,
  type RangeId,
} from '@holdfast/io';
import { Tree, type TreeEvent, type TreeOpenOptions } from '@holdfast/lsm';
import { type Message, MessageKind } from '@holdfast/raft';
import {
  FRAME_BYTES_MAX,
  type Frame,
  FrameType,
  type HandshakeSelf,
  ProtocolError,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
  readRaftBatch,
} from '@holdfast/wire';
import { HybridClock, revisionOfWallMs, REVISIONS_PER_MS } from '../hybrid-clock.ts';
import { NodeLog } from '../log/node-log.ts';
import type { Replica } from '../range/replica.ts';
import { DEFAULT_WATCH_LIMITS, type WatchHost, WatchService } from '../watch/watch-service.ts';
import { bootstrapRanges, type Member } from './bootstrap.ts';
import { canaryOf } from './canary.ts';
import { Catalog } from './catalog.ts';
import type { DataCall } from './data-call.ts';
import { DataExecutor, type ExecutorHost } from './data-executor.ts';
import { claimDirectory, parseClusterId } from './identity.ts';
import type { NodeObserver } from './observer.ts';
import { PeerLink, type PeerLinkHost } from './peer-link.ts';
import { openReplicas } from './recovery.ts';
import { DEFAULT_SETTINGS, type NodeSettings, TICK_MS, treeOptions } from './settings.ts';
import type { Session } from './session.ts';
import { Sessions, type SessionsHost } from './sessions.ts';
import { Snapshots, type SnapshotsHost } from './snapshots.ts';
import { type NodeState, type NodeStatus, rangeStatus } from './status.ts';
import { TurnLoop } from './turn-loop.ts';

/** Between two tries to flush onto a full disk. */
const FLUSH_RETRY_MS = 1000;

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
  /** All nodes of the cluster, this one included. */
  readonly members: readonly Member[];
  readonly settings?: Partial<NodeSettings>;
  /** What the world adds to the engine: where it compacts, what it compresses with. */
  readonly tree?: Pick<TreeOpenOptions, 'compactor' | 'clock' | 'options'>;
  readonly observer?: NodeObserver;
  /**
   * Hears every verified batch of a client and owes `node.execute(call)`. Default: executed at once.
   * Here a framework can stand between the socket and the store.
   */
  readonly onData?: (call: DataCall) => void;
  /** Name and version of the software, told in handshakes. */
  readonly agent?: string;
}

/**
 * One node without a process: ranges, each a Raft group, over one log and one tree, reachable over a network.
 * The same code runs on a real machine and in the simulator.
 *
 * Life: `open` recovers, `listen` serves, `stop` hands over and closes. A failed disk ends it by itself (D8).
 */
export class Node implements SessionsHost, PeerLinkHost, ExecutorHost, SnapshotsHost, WatchHost {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly kernels: Kernels;
  readonly hybridClock: HybridClock;
  readonly tree: Tree;
  readonly self: HandshakeSelf;
  readonly address: Address;
  readonly #options: NodeOptions;
  readonly #settings: NodeSettings;
  readonly #observer: NodeObserver;
  readonly #members: readonly Member[];
  readonly #lock: DiskLock;
  readonly #replicas: ReadonlyMap<RangeId, Replica>;
  readonly #links: ReadonlyMap<NodeId, PeerLink>;
  readonly #sessions = new Sessions(this);
  readonly #executor: DataExecutor;
  readonly #catalog: Catalog;
  readonly #loop: TurnLoop;
  readonly #snapshots: Snapshots;
  readonly #watches: WatchService;
  #listener: Listener | undefined;
  #tick: Cancel | undefined;
  #state: NodeState = 'opened';
  /** When a flush that met a full disk is due again. */
  #flushRetryMs = Number.POSITIVE_INFINITY;

  /**
   * Takes the directory and recovers what it holds.
   *
   * @throws IdentityError when the directory belongs to somebody else; DiskError, also `ELOCKED` when another
   * process has the directory; the engine's and the log's corruption errors. Nothing is served then.
   */
  static async open(options: NodeOptions): Promise<Node> {
    const { disk, directory } = options;
    const kernels = options.kernels ?? pureKernels;
    const settings = { ...DEFAULT_SETTINGS, ...options.settings };
    assert(
      options.members.some((member) => member.id === options.nodeId),
      'the node is among the members',
    );
    await disk.makeDirectory(directory);
    const lock = await disk.lock(directory);
    try {
      await claimDirectory(disk, directory, { clusterId: options.clusterId, nodeId: options.nodeId });
      // The node that is to hear of the tree's events does not exist yet.
      const relay: { hear: (event: TreeEvent) => void } = { hear: () => undefined };
      const tree = await Tree.open({
        onEvent: (event) => relay.hear(event),
        disk,
        directory: joinPath(directory, 'tree'),
        kernels,
        ...options.tree,
        options: {
          ...treeOptions(options.random),
          ...options.tree?.options,
          ...(settings.memtableBytes === undefined ? {} : { memtableBytes: settings.memtableBytes }),
        },
      });
      const { log, groups } = await NodeLog.open({
        disk,
        directory: joinPath(directory, 'log'),
        kernels,
        ...(settings.segmentBytes === undefined ? {} : { segmentBytes: settings.segmentBytes }),
        ...canaryOf(settings.canary).log,
      });
      const hybridClock = new HybridClock(options.clock);
      const replicas = await openReplicas({
        tree,
        groups,
        bootstrap: bootstrapRanges(options.members, settings.splits),
        nodeId: options.nodeId,
        settings,
        random: options.random,
        hybridClock,
        observer: options.observer ?? {},
      });
      const node = new Node(options, settings, lock, tree, log, hybridClock, replicas, kernels);
      relay.hear = (event) => node.#onTreeEvent(event);
      return node;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(
    options: NodeOptions,
    settings: NodeSettings,
    lock: DiskLock,
    tree: Tree,
    log: NodeLog,
    hybridClock: HybridClock,
    replicas: ReadonlyMap<RangeId, Replica>,
    kernels: Kernels,
  ) {
    this.#options = options;
    this.#settings = settings;
    this.#lock = lock;
    this.#replicas = replicas;
    this.#members = options.members;
    this.#observer = options.observer ?? {};
    this.disk = options.disk;
    this.clock = options.clock;
    this.random = options.random;
    this.network = options.network;
    this.kernels = kernels;
    this.hybridClock = hybridClock;
    this.tree = tree;
    this.address = options.address;
    this.self = {
      clusterId: parseClusterId(options.clusterId),
      nodeId: options.nodeId,
      versionMin: PROTOCOL_VERSION_MIN,
      versionMax: PROTOCOL_VERSION_MAX,
      features: 0,
      frameBytesMax: FRAME_BYTES_MAX,
      agent: options.agent ?? 'holdfast',
    };
    this.#executor = new DataExecutor(this, settings);
    this.#watches = new WatchService(this, { ...DEFAULT_WATCH_LIMITS, ...settings.watch });
    this.#catalog = new Catalog(tree, replicas, options.members);
    const others = options.members.filter((member) => member.id !== options.nodeId);
    this.#links = new Map(others.map((member) => [member.id, new PeerLink(this, member)]));
    this.#loop = new TurnLoop({
      clock: options.clock,
      log,
      links: this.#links,
      executor: this.#executor,
      observer: this.#observer,
      sendSnapshot: (replica, to) => this.#snapshots.request(replica, to),
      fail: (error) => this.fail(error),
    });
    // Wall time: a transfer of this life is never taken for one of an earlier life.
    this.#snapshots = new Snapshots(this, this.#links, options.directory, Math.floor(options.clock.wallMs()));
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Accepts connections, connects to the peers, and starts to tick. */
  async listen(): Promise<void> {
    assert(this.#state === 'opened', 'a node listens once');
    this.#listener = await this.network.listen(this.address, (connection) =>
      this.#sessions.accept(connection),
    );
    this.#state = 'serving';
    for (const link of this.#links.values()) link.start();
    this.#campaignWherePreferred();
    this.#scheduleTick();
  }

  /** Executes a batch that `onData` was given. */
  execute(call: DataCall): void {
    if (this.#state === 'serving') this.#executor.execute(call);
    else call.refuseAll('HF_UNAVAILABLE', { retryAfterMs: 100 });
  }

  status(): NodeStatus {
    const ranges = [...this.#replicas.values()].map((replica) => rangeStatus(replica));
    return {
      id: this.self.nodeId,
      address: this.address,
      state: this.#state,
      ready: this.#state === 'serving' && ranges.every((range) => range.leader !== 0),
      ranges,
      connected: [...this.#links.values()].filter((link) => link.connected).map((link) => link.peer),
      requestsInFlight: this.#executor.inFlight,
      watches: this.#watches.watches,
      revision: this.hybridClock.read(),
    };
  }

  /**
   * Hands leadership over, answers what is in work, syncs and closes.
   * @param drainMs longest wait for hand-over and answers, in milliseconds.
   */
  async stop(drainMs = 3000): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'failed') return;
    this.#state = 'draining';
    await this.#listener?.close();
    this.#sessions.goAway(drainMs);
    this.#watches.stop();
    await this.#handOver(drainMs);
    this.#tick?.();
    this.#state = 'stopped';
    for (const replica of this.#replicas.values()) replica.stop();
    this.#snapshots.stop();
    await this.#loop.stop();
    for (const link of this.#links.values()) link.stop();
    this.#sessions.close();
    await this.tree.close();
    await this.#lock.release();
  }

  // ExecutorHost

  replica(range: RangeId): Replica | undefined {
    return this.#replicas.get(range);
  }

  wake(replica: Replica): void {
    this.#loop.wake(replica);
  }

  wakeFlush(): void {
    this.#loop.wakeFlush();
  }

  // WatchHost

  /**
   * Old versions at or below it may be dropped. By the wall clock, and by what has been stamped: a node whose clock
   * was set back while it was down must not believe in versions that it dropped before.
   */
  horizon(): number {
    const { retentionMs } = this.#settings;
    const byWall = revisionOfWallMs(this.clock.wallMs() - retentionMs);
    const byStamps = this.hybridClock.read() - retentionMs * REVISIONS_PER_MS;
    return Math.max(this.tree.horizon, byWall, byStamps);
  }

  // SessionsHost

  isMember(node: NodeId): boolean {
    return this.#members.some((member) => member.id === node);
  }

  clientFrame(session: Session, frame: Frame): void {
    switch (frame.type) {
      case FrameType.dataRequest: {
        const call = this.#executor.open(session, frame);
        if (this.#options.onData === undefined) this.execute(call);
        else this.#options.onData(call);
        break;
      }
      case FrameType.rangeMapRequest:
        this.#catalog.answer(this.kernels, session, frame);
        break;
      case FrameType.watchStart:
      case FrameType.watchCredit:
      case FrameType.watchCancel:
        this.#watches.frame(session, frame);
        break;
      default:
        throw new ProtocolError('unexpected', `frame type ${frame.type} from a client`);
    }
  }

  disconnected(session: Session, reason: Error | undefined): void {
    this.#watches.disconnected(session);
    this.#observer.disconnected?.(session.remoteAddress, session.peer, reason);
  }

  // SessionsHost and PeerLinkHost

  peerFrame(from: NodeId, _reply: unknown, frame: Frame): void {
    switch (frame.type) {
      case FrameType.raftBatch:
        for (const message of readRaftBatch(frame.payload, from, this.self.nodeId)) this.#receive(message);
        break;
      case FrameType.snapshotChunk:
      case FrameType.snapshotAck:
        this.#snapshots.frame(from, frame);
        break;
      default:
        throw new ProtocolError('unexpected', `frame type ${frame.type} from a node`);
    }
  }

  // PeerLinkHost

  linkOpened(peer: NodeId): void {
    // What was sent while the link was down is lost: let every leader here look at this peer anew.
    this.messagesDropped(peer);
    this.#campaignWherePreferred();
  }

  /** Followers of a leader on that node need not wait out the election timeout (D9). */
  linkLost(peer: NodeId): void {
    if (this.#state !== 'serving') return;
    for (const replica of this.#replicas.values()) {
      replica.raft.reportUnreachable(peer);
      if (replica.leader === peer) replica.raft.leaderUnreachable(peer);
      this.#loop.wake(replica);
    }
  }

  messagesDropped(peer: NodeId): void {
    for (const replica of this.#replicas.values()) replica.raft.reportUnreachable(peer);
  }

  #onTreeEvent(event: TreeEvent): void {
    this.#observer.tree?.(event);
    if (event.type === 'broken') this.fail(asError(event.error));
    if (event.type === 'disk-full') this.#flushRetryMs = this.clock.monotonicMs() + FLUSH_RETRY_MS;
  }

  /**
   * A cluster that starts need not wait out an election timeout. Of the voters of a range, one is preferred
   * ({@link NodeSettings.leaders}). Asking costs nothing where a leader exists: pre-vote and stickiness refuse.
   */
  #campaignWherePreferred(): void {
    for (const replica of this.#replicas.values()) {
      const { voters } = replica.descriptor.conf;
      const reachable = voters.filter((voter) => this.#isReachable(voter)).length;
      const turn = this.#settings.leaders === 'spread' ? replica.id % voters.length : 0;
      const preferred = voters[turn] === this.self.nodeId;
      if (preferred && replica.leader === 0 && reachable > voters.length / 2) replica.raft.campaign();
      this.#loop.wake(replica);
    }
  }

  #isReachable(node: NodeId): boolean {
    return node === this.self.nodeId || this.#links.get(node)?.connected === true;
  }

  /** A flush that met a full disk is tried again now and then: writes wait for it, and space may come back. */
  #retryFlush(): void {
    if (this.clock.monotonicMs() < this.#flushRetryMs) return;
    this.#flushRetryMs = Number.POSITIVE_INFINITY;
    // A failure is no news: a full disk is told again as an event, and so is a broken tree.
    this.tree.flush().catch(() => undefined);
  }

  #receive(message: Message): void {
    if (this.#state === 'failed' || this.#state === 'stopped') return;
    const replica = this.#replicas.get(message.group);
    if (replica === undefined) return;
    if (message.kind === MessageKind.snapshotRequest) this.#snapshots.announced(replica, message);
    else this.step(replica, message);
  }

  // SnapshotsHost

  step(replica: Replica, message: Message): void {
    if (this.#state === 'failed' || this.#state === 'stopped') return;
    replica.raft.step(message);
    this.#loop.wake(replica);
  }

  sendMessage(message: Message): void {
    this.#loop.send(message);
    this.#loop.wakeFlush();
  }

  /**
   * A timer that fires late runs before the sockets are read. The tick therefore waits until the input that is
   * ready has been handled: a heartbeat already in the kernel is read before an election is called.
   */
  #scheduleTick(): void {
    this.#tick = this.clock.schedule(TICK_MS, () => {
      this.clock.defer(() => this.#onTick());
      this.#scheduleTick();
    });
  }

  #onTick(): void {
    if (this.#state !== 'serving' && this.#state !== 'draining') return;
    for (const replica of this.#replicas.values()) {
      replica.raft.tick();
      if (replica.raft.hasReady()) this.#loop.wake(replica);
    }
    this.#executor.expire();
    for (const link of this.#links.values()) link.tick();
    this.#snapshots.tick();
    this.#sessions.tick();
    this.#watches.tick();
    this.#retryFlush();
    this.tree.setHorizon(this.horizon());
    this.#loop.compactLogs(this.#replicas.values(), this.tree, this.#settings);
  }

  /** Transfers the leadership of every range that this node leads to a connected voter, and waits for it. */
  async #handOver(drainMs: number): Promise<void> {
    const deadline = this.clock.monotonicMs() + drainMs;
    const led = [...this.#replicas.values()].filter((replica) => replica.isLeader);
    for (const replica of led) {
      const heir = replica.descriptor.conf.voters.find((voter) => this.#links.get(voter)?.connected === true);
      if (heir === undefined) continue;
      replica.raft.transferLeadership(heir);
      this.#loop.wake(replica);
    }
    const canHandOver = led.length > 0 && [...this.#links.values()].some((link) => link.connected);
    while (this.clock.monotonicMs() < deadline) {
      const leading = canHandOver && led.some((replica) => replica.isLeader);
      if (!leading && this.#executor.inFlight === 0) return;
      await new Promise<void>((resolve) => {
        this.clock.schedule(TICK_MS, resolve);
      });
    }
  }

  /** D8: a node that cannot trust its disk or itself serves nothing more. */
  fail(error: Error): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#tick?.();
    void this.#listener?.close();
    for (const link of this.#links.values()) link.stop();
    this.#sessions.destroy(error);
    this.#observer.fatal?.(error);
  }
}
