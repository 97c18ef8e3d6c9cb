import {
  AssertionError,
  type Address,
  DiskError,
  isDiskFull,
  type NodeId,
  nodeId,
  Prng,
  type Random,
  randomInteger,
  randomPick,
} from '@holdfast/io';
import {
  ExpelledError,
  IdentityError,
  type Member,
  Node,
  type NodeObserver,
  type NodeSettings,
  type StoreCanary,
} from '@holdfast/store';
import type { Membership } from '@holdfast/wire';
import { CorruptionError, type TreeOptions } from '@holdfast/lsm';
import { confStateOf, MessageKind } from '@holdfast/raft';
import { RaftInvariants } from '../checkers/raft-invariants.ts';
import { type Coverage, type Report, Violation } from '../checkers/violation.ts';
import { SECTOR_BYTES } from '../world/disk-inode.ts';
import type { Incarnation } from '../world/incarnation.ts';
import { type Death, type Environment, Machine } from '../world/machine.ts';
import type { LatencyModel } from '../world/network-link.ts';
import { Phase, type Scheduler } from '../world/scheduler.ts';
import { rotHardState } from './hard-state-rot.ts';
import { SimNetwork } from '../world/sim-network.ts';

export const CLUSTER_ID = '5eed5eed5eed5eed5eed5eed5eed5eed';
export const DIRECTORY = 'data';
/** Where nodes keep the log that holds votes and entries. */
const LOG_DIRECTORY = `${DIRECTORY}/log`;
export const TREE_DIRECTORY = `${DIRECTORY}/tree`;
/** Where they keep what they send to each other, and get. */
export const SCRATCH_DIRECTORY = `${DIRECTORY}/snapshots`;
/** Where they keep terms and votes a second time. */
const HARD_STATE_DIRECTORY = `${DIRECTORY}/hard-state`;
/** Machines of clients are numbered from here, those of nodes from 1. */
const CLIENT_MACHINES = 100;
/** A log with less in it than this is spared. */
const ROT_BYTES_MIN = 2_000;
/** What can be wrong with a table at rest. */
export type TableDamage = 'bit flip' | 'lost write' | 'misdirected write';
/** A node has made durable what it knows of the others' disks this long after it has told of them, milliseconds. */
const RECORD_DURABLE_MS = 2_000;
/** How long a supervisor waits before it starts a process again that ended by itself. */
const RESTART_MS: readonly [number, number] = [100, 1_000];

export interface StoreClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly latency: LatencyModel;
  readonly turnUs: number;
  /** Largest difference of a machine's clock speed from true time: 1e-3 is 1000 ppm. */
  readonly driftMax: number;
  /** Largest error of a wall clock at the start, milliseconds. */
  readonly skewMsMax: number;
  readonly settings: Partial<NodeSettings>;
  /** Of the engine. */
  readonly tree?: TreeOptions;
  readonly canary: StoreCanary | undefined;
}

/** A machine that is to run a node. */
export interface Server {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly address: Address;
  /** The running node; undefined while it starts, and when it is down. */
  node: Node | undefined;
  /** False while somebody keeps it down on purpose. */
  wanted: boolean;
  /** Injected disk faults may have hit this life. */
  diskFaults: number;
  /** Its log was damaged at rest: it may refuse to start, and then stays out. */
  rotten: boolean;
  /** A bit of a vote was flipped since it last came up: the node is to notice nothing but that. */
  rottenHardState: boolean;
  /** Tables of its tree that were damaged at rest: another replica repairs them. */
  readonly rottenTables: Set<string>;
  /** It found the damage, or was taken out of the cluster, and stays out for the rest of the run. */
  out: boolean;
  /** It waits to be added to the cluster instead of founding it. */
  readonly joins: boolean;
  /** Its disk was replaced by an empty one: the others must not let it in. */
  wiped: boolean;
  /** Since when its tree knows the disks of other nodes, milliseconds. */
  readonly knownDisks: Map<NodeId, number>;
}

/** Real nodes on simulated machines, watched by the invariants. */
export class StoreCluster {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly #servers: Server[];
  readonly invariants: RaftInvariants;
  readonly options: StoreClusterOptions;
  readonly #random: Prng;
  readonly #coverage: Coverage;
  readonly #report: Report;
  /** The founders. */
  readonly #members: readonly Member[];
  #membership: { readonly content: Membership; readonly revision: number } | undefined;
  readonly #clientHosts: string[] = [];
  /** Processes that have died so far. */
  deaths = 0;
  /** Hears which node has told another one that it votes for it. */
  onVote: ((server: Server) => void) | undefined;

  constructor(scheduler: Scheduler, options: StoreClusterOptions, coverage: Coverage, report: Report) {
    this.scheduler = scheduler;
    this.options = options;
    this.#random = new Prng(options.seed);
    this.#coverage = coverage;
    this.#report = report;
    this.network = new SimNetwork(scheduler, this.#random.nextU32(), options.latency, options.turnUs);
    const ids = Array.from({ length: options.nodes }, (_, i) => nodeId(i + 1));
    this.#members = ids.map((id) => ({ id, address: `10.0.0.${id}:7711` }));
    this.invariants = new RaftInvariants(report, coverage, confStateOf(ids));
    this.#servers = this.#members.map((member) => this.#server(member, false));
  }

  /** Every machine that runs a node, or has run one: also those that were added or taken out on the way. */
  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** The machines whose nodes count when all is over: members that found no damage. */
  get members(): readonly Server[] {
    const { membership } = this;
    return this.#servers.filter(
      ({ id, out }) => !out && membership?.nodes.some((node) => node.id === id) !== false,
    );
  }

  /** The newest record of who belongs to the cluster that any node has told; undefined before the first. */
  get membership(): Membership | undefined {
    return this.#membership?.content;
  }

  /**
   * A new machine with an empty disk and an id that was never used, whose node waits to be added. Membership itself
   * changes through a client, as it does for users, and with its retries:
   *
   * ```ts
   * const server = cluster.addServer();
   * await client.cluster.addNode(server.id, server.address);   // or client.cluster.change({ add, remove })
   * await client.cluster.settled();                            // every range has its new voters
   * await client.cluster.removeNode(cluster.servers[0].id);    // that node may be down, cut off, or the leader
   * ```
   *
   * `HF_CONFLICT` means that another change runs; `client.cluster.cancelChange()` takes it back. A node that was taken
   * out ends by itself when it hears of it (`removed node ended`), and its server is `out` from then on; one that never
   * hears of it is to be stopped with `kill` before the final check, which looks at the members only.
   */
  addServer(): Server {
    const id = nodeId(this.#servers.length + 1);
    const server = this.#server({ id, address: `10.0.0.${id}:7711` }, true);
    this.#servers.push(server);
    this.start(server);
    return server;
  }

  /** Power off, and an empty disk instead of the old one: started again, the node must not be let in. */
  wipe(server: Server): void {
    this.kill(server, 'power');
    server.machine.replaceDisk();
    server.wiped = true;
    this.invariants.forget(server.id);
  }

  /** As {@link wipe}, of one machine of a run at most, and none that others may need. False when nothing was done. */
  loseDisk(server: Server): boolean {
    if (server.out || server.wiped || server.rotten || server.rottenTables.size > 0) return false;
    if (!this.#mayRot(server) || !this.#isKnown(server)) return false;
    server.wanted = false;
    this.wipe(server);
    return true;
  }

  /**
   * Every other node knows the disk for certain. Before that an empty one cannot be told from a first start: a node that
   * has never heard of it, or not kept it, would take its vote.
   */
  #isKnown({ id }: Server): boolean {
    return this.#servers.every(({ id: other, out, knownDisks }) => {
      const sinceMs = knownDisks.get(id);
      const isKept = sinceMs !== undefined && this.scheduler.nowMs - sinceMs >= RECORD_DURABLE_MS;
      return other === id || out || isKept;
    });
  }

  isFounder(id: NodeId): boolean {
    return this.#members.some((member) => member.id === id);
  }

  /** Those that were taken out and never heard of it end as well. @param members everybody who is left */
  stopRemoved(members: readonly NodeId[]): void {
    for (const server of this.#servers) {
      if (server.out || members.includes(server.id)) continue;
      server.out = true;
      this.kill(server, 'kill');
    }
  }

  #server({ id, address }: Member, joins: boolean): Server {
    return {
      id,
      address,
      machine: this.machine(id, `10.0.0.${id}`),
      node: undefined,
      wanted: true,
      diskFaults: 0,
      rotten: false,
      rottenHardState: false,
      rottenTables: new Set(),
      out: false,
      joins,
      wiped: false,
      knownDisks: new Map(),
    };
  }

  /** A machine for a client, with a process that never dies. */
  client(index: number): Environment {
    const host = `10.0.1.${index}`;
    this.#clientHosts.push(host);
    return this.machine(CLIENT_MACHINES + index, host).start();
  }

  get clientHosts(): readonly string[] {
    return this.#clientHosts;
  }

  /** Where clients ask first: the founders. */
  get addresses(): readonly Address[] {
    return this.#members.map(({ address }) => address);
  }

  /** A machine with clocks of its own. @param id below 1000 and unique */
  machine(id: number, host: string): Machine {
    const { driftMax, skewMsMax } = this.options;
    const signed = (): number => this.#random.nextU32() / 2 ** 31 - 1;
    const clock = {
      wallOffsetMs: Math.round(signed() * skewMsMax),
      drift: signed() * driftMax,
      monotonicStartMs: randomInteger(this.#random, 1, 1_000_000),
    };
    return new Machine(this.scheduler, this.network, id, {
      host,
      seed: this.#random.nextU32(),
      clock,
      onDiskFault: (_, fault) => this.#onDiskFault(host, fault),
    });
  }

  start(server: Server): void {
    server.wanted = true;
    if (server.machine.process !== undefined || server.out) return;
    const environment = server.machine.start();
    const { process } = environment;
    server.diskFaults = 0;
    const { canary, settings, tree = {} } = this.options;
    const opening = Node.open({
      ...environment,
      directory: DIRECTORY,
      clusterId: CLUSTER_ID,
      nodeId: server.id,
      address: server.address,
      members: this.#members,
      join: server.joins,
      observer: this.#observer(server, process),
      tree: { options: tree },
      settings: { ...settings, ...(canary !== undefined && { canary }) },
    });
    opening
      .then((node) => {
        server.node = node;
        server.rottenHardState = false;
        return node.listen();
      })
      .catch((error: unknown) => this.#ended(server, process, error));
  }

  kill(server: Server, death: Death): void {
    if (server.machine.process === undefined) return;
    this.deaths++;
    this.#coverage.hit(death === 'kill' ? 'process killed' : 'power lost');
    server.node = undefined;
    for (const [id, sinceMs] of server.knownDisks) {
      if (this.scheduler.nowMs - sinceMs < RECORD_DURABLE_MS) server.knownDisks.delete(id);
    }
    server.machine.kill(death);
    this.invariants.died(server.id);
  }

  /**
   * Flips one bit of what a machine's log has held for a while. One machine of a run at most: the others have
   * the only whole copies. Not near the end, where damage looks like a torn write. False when nothing was hit.
   */
  rot(server: Server, random: Random): boolean {
    if (!this.#mayRot(server) || server.rottenTables.size > 0) return false;
    const segments = server.machine.disk.files(LOG_DIRECTORY).filter(({ path }) => /\/\d+\.log$/.test(path));
    if (segments.length === 0) return false;
    const { inode } = randomPick(random, segments);
    const bytes = inode.content();
    const written = bytes.findLastIndex((byte) => byte !== 0) + 1;
    if (written < ROT_BYTES_MIN) return false;
    inode.flipBit(randomInteger(random, 0, Math.floor(written / 2)), randomInteger(random, 0, 7));
    server.rotten = true;
    return true;
  }

  /**
   * Flips one bit of what a machine that is down has promised. Any machine, at any time: a node must come up and know
   * all the same. Not twice before it has: of two damaged copies none is left. False when nothing was hit.
   */
  rotHardState(server: Server, random: Random): boolean {
    if (server.rottenHardState || server.out) return false;
    const { disk } = server.machine;
    const hit = rotHardState(disk, LOG_DIRECTORY, HARD_STATE_DIRECTORY, random);
    if (hit === undefined) return false;
    this.#coverage.hit(`rotten: ${hit}`);
    server.rottenHardState = true;
    return true;
  }

  /**
   * Damages a table at rest, of one machine of a run at most: a bit flips, or a sector turns out to hold what was meant
   * for another place of the table, or nothing. False when nothing was hit.
   */
  rotTable(server: Server, random: Random, damage: TableDamage = 'bit flip'): boolean {
    if (!this.#mayRot(server) || server.rotten) return false;
    const tables = server.machine.disk.files(TREE_DIRECTORY).filter(({ path }) => path.endsWith('.sst'));
    if (tables.length === 0) return false;
    const { path, inode } = randomPick(random, tables);
    const sectors = Math.ceil(inode.size / SECTOR_BYTES);
    const sector = (): number => randomInteger(random, 0, sectors - 1);
    if (damage === 'bit flip')
      inode.flipBit(randomInteger(random, 0, inode.size - 1), randomInteger(random, 0, 7));
    else if (!inode.misplaceSector(sector(), damage === 'lost write' ? undefined : sector())) return false;
    server.rottenTables.add(path);
    return true;
  }

  /**
   * What rots stays in the minority of those who vote. A cluster that was founded by fewer is spared: right after it has
   * grown, the others may not know yet that the change is committed, and need the old voters for an election.
   */
  #mayRot(server: Server): boolean {
    const isRotten = ({ rotten, rottenTables, wiped }: Server): boolean =>
      rotten || wiped || rottenTables.size > 0;
    const voters = this.#voters;
    return (
      this.#members.length >= 3 &&
      voters.length >= 3 &&
      voters.includes(server.id) &&
      !this.servers.some((other) => other !== server && isRotten(other))
    );
  }

  /** Nodes that vote in every range. */
  get #voters(): readonly NodeId[] {
    if (this.membership === undefined) return this.#members.map(({ id }) => id);
    return this.membership.nodes.flatMap(({ id, state }) => (state === 'voter' ? [id] : []));
  }

  /** The process gave up by itself. Right after an injected disk fault, a bug otherwise. */
  #ended(server: Server, process: Incarnation, error: unknown): void {
    if (server.machine.process !== process) return;
    if (error instanceof CorruptionError && (server.rotten || server.rottenTables.size > 0)) {
      this.#coverage.hit(server.rotten ? 'damaged log refused' : 'damaged table refused');
      server.out = true;
      this.scheduler.schedule(0, Phase.input, undefined, () => this.kill(server, 'kill'));
      return;
    }
    if (error instanceof ExpelledError || (error instanceof IdentityError && this.#wasRemoved(server))) {
      if (this.#wasRemoved(server) || server.wiped) {
        this.#coverage.hit(server.wiped ? 'empty disk refused' : 'removed node ended');
        server.out = true;
        this.scheduler.schedule(0, Phase.input, undefined, () => this.kill(server, 'kill'));
        return;
      }
    }
    if (server.diskFaults === 0 || !causesOf(error).some((cause) => cause instanceof DiskError)) {
      const invariant = error instanceof AssertionError ? 'assertion' : 'unexpected-end';
      this.#report(new Violation(invariant, `node ${server.id} ended: ${describe(error)}`));
      return;
    }
    // One that has come up refuses what it has no room for, and goes on.
    if (server.node !== undefined && causesOf(error).some(isDiskFull)) {
      this.#report(new Violation('full-disk-survived', `node ${server.id} ended: ${describe(error)}`));
      return;
    }
    this.#coverage.hit('node stopped at a disk error');
    this.scheduler.schedule(0, Phase.input, undefined, () => {
      if (server.machine.process !== process) return;
      this.kill(server, 'kill');
      const [low, high] = RESTART_MS;
      const delayUs = randomInteger(this.#random, low * 1000, high * 1000);
      this.scheduler.schedule(delayUs, Phase.input, undefined, () => {
        if (server.wanted) this.start(server);
      });
    });
  }

  #wasRemoved({ id }: Server): boolean {
    return this.membership?.removed.includes(id) === true;
  }

  /** What a node tells goes to the invariants, as long as its process lives. */
  #observer(server: Server, process: Incarnation): NodeObserver {
    const observer = this.invariants.of(server.id);
    return {
      ...observer,
      sent: (message) => {
        observer.sent(message);
        if (message.kind === MessageKind.voteResponse && !message.reject) this.onVote?.(server);
      },
      persisted: (range, ready) => {
        if (ready.mustSync) this.#checkSynced(server);
        observer.persisted(range, ready);
      },
      membership: (content, revision) => {
        for (const { id, storage } of content.nodes) {
          if (storage !== 0 && !server.knownDisks.has(id)) server.knownDisks.set(id, this.scheduler.nowMs);
        }
        if (revision > (this.#membership?.revision ?? 0)) this.#membership = { content, revision };
      },
      tree: (event) => {
        if (event.type === 'corruption') this.#coverage.hit('damaged table found');
      },
      repaired: () => this.#coverage.hit('damaged table repaired'),
      slowSync: (_, ranges) => {
        if (ranges > 0) this.#coverage.hit('ranges offered because of a slow disk', ranges);
      },
      diskFull: (ranges) => this.#coverage.hit('ranges offered because of a full disk', ranges),
      noRoomForSnapshot: () => this.#coverage.hit('snapshot without room'),
      logCut: () => this.#coverage.hit('tail of a log cut'),
      fatal: (error) => this.#ended(server, process, error),
    };
  }

  /** The node says that its log is synced: then no power loss could take anything of it. */
  #checkSynced(server: Server): void {
    const unsynced = server.machine.disk.unsyncedFile(LOG_DIRECTORY);
    if (unsynced === undefined) return;
    const { path, inode } = unsynced;
    const detail = `node ${server.id} answers for ${path}, of which ${inode.dirtySectors} sectors are not synced`;
    this.#report(new Violation('synced-before-answered', detail));
  }

  #onDiskFault(host: string, fault: string): void {
    this.#coverage.hit(`disk: ${fault}`);
    for (const server of this.servers) if (server.machine.host === host) server.diskFaults++;
  }
}

/** The error, what caused it, and so on. */
function causesOf(error: unknown): readonly Error[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
