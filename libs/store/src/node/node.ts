import {
  type Address,
  asError,
  assert,
  type Buggify,
  type Cancel,
  type Clock,
  type Disk,
  type DiskLock,
  type Kernels,
  type KeyspaceId,
  type Listener,
  type Network,
  type NodeId,
  pureKernels,
  type Random,
  type RangeId,
} from '@holdfast/io';
import type { Tree, TreeEvent } from '@holdfast/lsm';
import { type Message, MessageKind } from '@holdfast/raft';
import {
  type Frame,
  type ErrorCode,
  FrameType,
  type Hello,
  ProtocolError,
  readRaftBatch,
} from '@holdfast/wire';
import { HybridClock } from '../hybrid-clock.ts';
import type { NodeLog } from '../log/node-log.ts';
import { ExpirySweeper } from '../range/expiry-sweep.ts';
import { CommandBuilders } from '../range/command-builders.ts';
import type { Replica } from '../range/replica.ts';
import { DEFAULT_WATCH_LIMITS, type WatchHost, WatchService } from '../watch/watch-service.ts';
import type { HelloRefusal } from '../membership/admission.ts';
import { Cluster, type ClusterHost } from '../membership/cluster.ts';
import { Roster } from '../membership/roster.ts';
import { META_RANGE } from './bootstrap.ts';
import type { NodeBuggifyPoint } from './buggify.ts';
import { canaryOf } from './canary.ts';
import { Catalog } from './catalog.ts';
import { Retention } from './retention.ts';
import type { DataCall } from './data-call.ts';
import { DataExecutor, type ExecutorHost } from './data-executor.ts';
import { FlushRetry } from './flush-retry.ts';
import { handshakeSelf, type NodeSelf } from './handshake-self.ts';
import { claimDirectory, type DirectoryIdentity } from './identity.ts';
import { campaignWherePreferred, HandOver, RoomWatch } from './leadership.ts';
import type { NodeOptions } from './node-options.ts';
import type { NodeObserver } from './observer.ts';
import { openStorage } from './open-storage.ts';
import { keepBases, openBlankReplica, openReplicas, type ReplicaParts } from './recovery.ts';
import { DEFAULT_SETTINGS, type NodeSettings, TICK_MS } from './settings.ts';
import { Repairs } from '../repair/repairs.ts';
import type { Session } from './session.ts';
import { Sessions, type SessionsHost } from './sessions.ts';
import { Snapshots, type SnapshotsHost } from './snapshots.ts';
import { type NodeState, type NodeStatus, rangeStatus } from './status.ts';
import { TurnLoop } from './turn-loop.ts';

/**
 * One node without a process: ranges, each a Raft group, over one log and one tree, reachable over a network.
 * The same code runs on a real machine and in the simulator.
 *
 * Life: `open` recovers, `listen` serves, `stop` hands over and closes. A failed disk ends it by itself (D8).
 */
export class Node implements SessionsHost, ClusterHost, ExecutorHost, SnapshotsHost, WatchHost {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly kernels: Kernels;
  readonly hybridClock: HybridClock;
  readonly tree: Tree;
  readonly self: NodeSelf;
  readonly address: Address;
  readonly storage: number;
  readonly buggify: Buggify<NodeBuggifyPoint>;
  readonly #options: NodeOptions;
  readonly #settings: NodeSettings;
  readonly #observer: NodeObserver;
  readonly #lock: DiskLock;
  readonly #replicas: Map<RangeId, Replica>;
  readonly #replicaParts: ReplicaParts;
  readonly #cluster: Cluster;
  readonly #sessions = new Sessions(this);
  readonly #executor: DataExecutor;
  readonly #catalog: Catalog;
  readonly #retention: Retention;
  readonly #loop: TurnLoop;
  readonly #snapshots: Snapshots;
  readonly #repairs: Repairs;
  readonly #watches: WatchService;
  #listener: Listener | undefined;
  readonly #sweeper = new ExpirySweeper(this);
  #tick: Cancel | undefined;
  #state: NodeState = 'opened';
  readonly #flushRetry: FlushRetry;
  readonly #roomWatch = new RoomWatch();
  #handOver: HandOver | undefined;

  /**
   * Takes the directory and recovers what it holds.
   * @throws IdentityError when the directory belongs to somebody else; DiskError, also `ELOCKED` when another
   * process has the directory; the engine's and the log's corruption errors. Nothing is served then.
   */
  static async open(options: NodeOptions): Promise<Node> {
    const { disk, directory } = options;
    const kernels = options.kernels ?? pureKernels;
    const settings = { ...DEFAULT_SETTINGS, ...options.settings };
    assert(
      options.join === true || options.members.some((member) => member.id === options.nodeId),
      'a node that does not join is among the founders',
    );
    await disk.makeDirectory(directory);
    const lock = await disk.lock(directory);
    try {
      const owner = { clusterId: options.clusterId, nodeId: options.nodeId };
      const identity = await claimDirectory(disk, directory, owner, options.random);
      // The node that is to hear of the tree's events does not exist yet.
      const relay: { hear: (event: TreeEvent) => void } = { hear: () => undefined };
      const storage = await openStorage(options, settings, kernels, (event) => relay.hear(event));
      const { tree, log, groups } = storage;
      const hybridClock = new HybridClock(options.clock, canaryOf(settings.canary).clock);
      const replicaParts: ReplicaParts = {
        tree,
        nodeId: options.nodeId,
        settings,
        random: options.random,
        hybridClock,
        observer: options.observer ?? {},
        builders: new CommandBuilders(),
      };
      const founders = options.join === true ? undefined : options.members;
      const replicas = await openReplicas(replicaParts, groups, founders);
      keepBases(log, replicas);
      const roster = new Roster(tree, options.members);
      await roster.refresh(replicas.get(META_RANGE)?.applied.index ?? 0, () => undefined);
      const node = new Node({
        options,
        settings,
        lock,
        identity,
        log,
        replicaParts,
        replicas,
        roster,
        kernels,
      });
      relay.hear = (event) => node.#onTreeEvent(event);
      return node;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(parts: {
    readonly options: NodeOptions;
    readonly settings: NodeSettings;
    readonly lock: DiskLock;
    readonly identity: DirectoryIdentity;
    readonly log: NodeLog;
    readonly replicaParts: ReplicaParts;
    readonly replicas: Map<RangeId, Replica>;
    readonly roster: Roster;
    readonly kernels: Kernels;
  }) {
    const { options, settings, lock, identity, replicaParts, replicas, roster, kernels } = parts;
    const { tree, hybridClock } = replicaParts;
    this.#options = options;
    this.#settings = settings;
    this.#lock = lock;
    this.#replicas = replicas;
    this.#replicaParts = replicaParts;
    this.#observer = options.observer ?? {};
    this.disk = options.disk;
    this.clock = options.clock;
    this.random = options.random;
    this.network = options.network;
    this.kernels = kernels;
    this.buggify = settings.buggify;
    this.hybridClock = hybridClock;
    this.tree = tree;
    this.address = options.address;
    this.storage = identity.storage;
    this.self = handshakeSelf(options);
    this.#flushRetry = new FlushRetry(options.clock, tree);
    this.#executor = new DataExecutor(this, settings);
    this.#watches = new WatchService(this, { ...DEFAULT_WATCH_LIMITS, ...settings.watch });
    this.#retention = new Retention(options.clock, hybridClock, this.#settings.retentionMs);
    this.#catalog = new Catalog(tree, replicas, roster, this.#retention);
    this.#cluster = new Cluster(this, {
      roster,
      identity,
      directory: options.directory,
      replicas,
      electionTicks: settings.electionTicks,
      observer: this.#observer,
    });
    const { links } = this.#cluster.peers;
    this.#loop = new TurnLoop({
      clock: options.clock,
      log: parts.log,
      links,
      executor: this.#executor,
      observer: this.#observer,
      sendSnapshot: (replica, to) => this.#snapshots.request(replica, to),
      turned: () => this.#handOver?.check(),
      fail: (error) => this.fail(error),
    });
    // Wall time: a transfer of this life is never taken for one of an earlier life.
    this.#snapshots = new Snapshots(this, links, options.directory, Math.floor(options.clock.wallMs()));
    this.#repairs = new Repairs(this, replicas, this.#snapshots, this.#observer);
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
    this.#cluster.peers.start();
    this.#campaignWherePreferred();
    this.#scheduleTick();
  }

  /** Executes a batch that `onData` was given. */
  execute(call: DataCall): void {
    if (this.#state === 'serving') this.#executor.execute(call);
    else call.refuseAll('HF_UNAVAILABLE', { retryAfterMs: 100 });
  }

  status(): NodeStatus {
    const ranges = [...this.#replicas.values()]
      .map((replica) => rangeStatus(replica))
      .sort((a, b) => a.id - b.id);
    const links = [...this.#cluster.peers.links.values()];
    return {
      id: this.self.nodeId,
      address: this.address,
      state: this.#state,
      ready: this.#state === 'serving' && ranges.length > 0 && ranges.every((range) => range.leader !== 0),
      ranges,
      connected: links.filter((link) => link.connected).map((link) => link.peer),
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
    await this.#giveAway(drainMs);
    this.#tick?.();
    this.#state = 'stopped';
    for (const replica of this.#replicas.values()) replica.stop();
    await this.#snapshots.stop();
    await this.#loop.stop();
    this.#cluster.peers.stop();
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

  get hasNoRoom(): boolean {
    return this.#loop.logIsShort || this.#flushRetry.isDiskFull;
  }

  noRoomForSnapshot(range: RangeId): void {
    this.#observer.noRoomForSnapshot?.(range);
  }

  wakeFlush(): void {
    this.#loop.wakeFlush();
  }

  // WatchHost

  /** Old versions of the keyspace at or below it may be gone. */
  horizon(keyspace: KeyspaceId): number {
    return Math.max(this.tree.horizon, this.#retention.readHorizon(keyspace));
  }

  // SessionsHost

  helloRefusal(hello: Hello & { readonly nodeId: NodeId }): HelloRefusal | undefined {
    return this.#cluster.helloRefusal(hello);
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

  get membership(): number {
    return this.#cluster.roster.revision;
  }

  linkOpened(peer: NodeId): void {
    // What was sent while the link was down is lost: let every leader here look at this peer anew.
    this.messagesDropped(peer);
    this.#campaignWherePreferred();
  }

  refused(peer: NodeId, code: ErrorCode, detail: string): void {
    this.#cluster.refused(peer, code, detail);
  }

  // ClusterHost

  admissionChanged(admits: (node: NodeId) => boolean): void {
    this.#sessions.dropPeers(admits);
  }

  expelled(): void {
    if (this.#state !== 'serving') return;
    this.#state = 'expelled';
    this.#sessions.dropClients(new Error('this node was taken out of the cluster'));
  }

  /** Followers of a leader on that node need not wait out the election timeout (D9). */
  linkLost(peer: NodeId): void {
    if (this.#state !== 'serving' && this.#state !== 'expelled') return;
    for (const replica of this.#replicas.values()) {
      replica.raft.reportUnreachable(peer);
      if (replica.leader === peer) replica.raft.leaderUnreachable(peer);
      if (replica.isLeader) replica.rouse();
      this.#loop.wake(replica);
    }
  }

  messagesDropped(peer: NodeId): void {
    for (const replica of this.#replicas.values()) replica.raft.reportUnreachable(peer);
  }

  #onTreeEvent(event: TreeEvent): void {
    this.#observer.tree?.(event);
    if (event.type === 'broken') this.fail(asError(event.error));
    this.#flushRetry.heard(event);
    this.#repairs.heard(event);
  }

  #campaignWherePreferred(): void {
    for (const replica of this.#replicas.values()) {
      campaignWherePreferred(replica, this.self.nodeId, this.#settings.leaders, (node) =>
        this.#cluster.peers.connected(node),
      );
      this.#loop.wake(replica);
    }
  }

  #receive(message: Message): void {
    if (this.#state === 'failed' || this.#state === 'stopped') return;
    const replica = this.#replicas.get(message.group) ?? this.#newReplica(message);
    if (replica === undefined || !this.#loop.takes(message)) return;
    if (message.kind === MessageKind.snapshotRequest) this.#snapshots.announced(replica, message);
    else this.step(replica, message);
  }

  /** A leader speaks of a range that this node does not hold: it is to become a member of it. */
  #newReplica({ group, kind }: Message): Replica | undefined {
    const fromLeader = kind === MessageKind.appendRequest || kind === MessageKind.heartbeatRequest;
    if (!fromLeader) return undefined;
    const replica = openBlankReplica(this.#replicaParts, group);
    this.#replicas.set(group, replica);
    return replica;
  }

  // SnapshotsHost

  step(replica: Replica, message: Message): void {
    if (this.#state === 'failed' || this.#state === 'stopped') return;
    replica.raft.step(message);
    if (replica.raft.hasReady()) this.#loop.wake(replica);
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
    if (this.#state === 'stopped' || this.#state === 'failed') return;
    for (const replica of this.#replicas.values()) {
      if (replica.tick(this.#settings.quiesceTicks)) this.#loop.wake(replica);
    }
    this.#executor.expire();
    this.#cluster.tick();
    this.#snapshots.tick();
    this.#repairs.tick();
    if (!this.hasNoRoom) this.#sweeper.tick(this.#replicas.values());
    this.#sessions.tick();
    this.#watches.tick();
    this.#flushRetry.tick();
    this.#catalog.refresh();
    this.tree.setHorizon(this.#retention.dropHorizon());
    this.#loop.tick(this.#replicas.values(), this.tree, this.#settings);
    const offered = this.#roomWatch.tick(this.hasNoRoom, this.#replicas.values());
    for (const replica of offered) this.#loop.wake(replica);
    if (offered.length > 0) this.#observer.diskFull?.(offered.length);
  }

  /** Gives away the leadership of every range that this node leads, and answers what is in work. */
  async #giveAway(drainMs: number): Promise<void> {
    this.#handOver = new HandOver(
      this.#replicas.values(),
      (node) => this.#cluster.peers.connected(node),
      () => this.#executor.inFlight === 0,
    );
    for (const replica of this.#handOver.led) this.#loop.wake(replica);
    await this.#handOver.ended(this.clock, drainMs);
  }

  /** D8: a node that cannot trust its disk or itself serves nothing more. */
  fail(error: Error): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#tick?.();
    void this.#listener?.close();
    this.#cluster.peers.stop();
    this.#sessions.destroy(error);
    this.#observer.fatal?.(error);
  }
}
