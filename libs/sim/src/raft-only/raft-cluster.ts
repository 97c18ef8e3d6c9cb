import { type NodeId, nodeId, Prng, type RangeId, rangeId } from '@holdfast/io';
import { confStateOf, type RaftCanary } from '@holdfast/raft';
import { RaftInvariants } from '../checkers/raft-invariants.ts';
import type { Coverage, Report } from '../checkers/violation.ts';
import { Incarnation } from '../world/incarnation.ts';
import type { LatencyModel } from '../world/network-link.ts';
import type { Scheduler } from '../world/scheduler.ts';
import { Datagrams } from './datagrams.ts';
import { type ToyMessage, ToyNode } from './toy-node.ts';
import { ToyStorage } from './toy-storage.ts';

export const GROUP: RangeId = rangeId(1);

export interface RaftClusterOptions {
  readonly seed: number;
  /** All members there are: the first `voters` begin as voters, the next `learners` as learners. */
  readonly nodes: number;
  readonly voters: number;
  readonly learners: number;
  readonly latency: LatencyModel;
  readonly tickMs: number;
  readonly lease: boolean;
  readonly compactEvery: number;
  readonly canary: RaftCanary | undefined;
  readonly membershipChanges: boolean;
}

/** A slot for a node: what survives its lives. */
export interface Member {
  readonly id: NodeId;
  readonly storage: ToyStorage;
  process: Incarnation | undefined;
  node: ToyNode | undefined;
  lives: number;
}

/** Toy nodes, their storage and the network between them. */
export class RaftCluster {
  readonly scheduler: Scheduler;
  readonly options: RaftClusterOptions;
  readonly members: readonly Member[];
  readonly network: Datagrams<ToyMessage>;
  readonly invariants: RaftInvariants;
  readonly #random: Prng;
  readonly #coverage: Coverage;

  constructor(scheduler: Scheduler, options: RaftClusterOptions, coverage: Coverage, report: Report) {
    this.scheduler = scheduler;
    this.options = options;
    this.#random = new Prng(options.seed);
    this.#coverage = coverage;
    const ids = Array.from({ length: options.nodes }, (_, i) => nodeId(i + 1));
    const conf = confStateOf(
      ids.slice(0, options.voters),
      ids.slice(options.voters, options.voters + options.learners),
    );
    this.members = ids.map((id) => ({
      id,
      storage: new ToyStorage(conf),
      process: undefined,
      node: undefined,
      lives: 0,
    }));
    this.invariants = new RaftInvariants(report, coverage, conf);
    this.network = new Datagrams(scheduler, this.#random.fork(), options.latency, (from, to, message) =>
      this.#deliver(nodeId(from), nodeId(to), message),
    );
  }

  member(id: NodeId): Member | undefined {
    return this.members[id - 1];
  }

  /** Nodes with a running process. */
  get running(): readonly ToyNode[] {
    return this.members.flatMap(({ node, process }) => (node && process?.state === 'running' ? [node] : []));
  }

  /** The running leader of the highest term. */
  get leader(): ToyNode | undefined {
    let best: ToyNode | undefined;
    for (const node of this.running)
      if (node.raft.isLeader && node.raft.term > (best?.raft.term ?? 0)) best = node;
    return best;
  }

  start(member: Member): void {
    if (member.process !== undefined) return;
    const id = member.id * 1000 + ++member.lives;
    const drift = (this.#random.nextU32() / 2 ** 32 - 0.5) * 0.02;
    const clock = { wallOffsetMs: 0, drift, monotonicStartMs: 1 };
    const process = new Incarnation(this.scheduler, id, `n${member.id}`, clock, this.#random.fork());
    member.process = process;
    member.node = new ToyNode({
      id: member.id,
      group: GROUP,
      process,
      storage: member.storage,
      observer: this.invariants.of(member.id),
      send: (to, message) => this.network.send(member.id, to, message),
      canary: this.options.canary,
      lease: this.options.lease,
      tickMs: this.options.tickMs,
      compactEvery: this.options.compactEvery,
    });
  }

  kill(member: Member): void {
    if (member.process === undefined) return;
    member.process.die();
    member.process = undefined;
    member.node = undefined;
    member.storage.crash(this.#random);
    this.invariants.died(member.id);
    this.#coverage.hit('node killed');
  }

  #deliver(from: NodeId, to: NodeId, message: ToyMessage): void {
    const member = this.member(to);
    const { process, node } = member ?? {};
    if (process === undefined || node === undefined) return;
    process.plan(0, 1, () => {
      this.scheduler.fold(
        message.kind === 'raft' ? message.message.kind * 1_000_003 + message.message.index : 7,
      );
      node.receive(from, message);
    });
  }
}
