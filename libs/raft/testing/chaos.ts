import { assert, type NodeId, Prng, randomChance, randomInteger, randomPick } from '@holdfast/io';
import {
  type ConfChangeStep,
  confStateOf,
  type Entry,
  type Message,
  MessageKind,
  type RaftConfig,
  type ReadState,
  type SnapshotMeta,
} from '../src/index.ts';
import { bytesOf } from './cluster.ts';
import { ids } from './memory-storage.ts';
import { Replica, type ReplicaObserver } from './replica.ts';

/** How likely each kind of misfortune is, per step. Zero turns it off. */
export interface ChaosOptions {
  readonly steps: number;
  readonly voters: number;
  readonly spares: number;
  readonly dropChance: number;
  readonly crashChance: number;
  readonly partitionChance: number;
  readonly confChangeChance: number;
  readonly compactChance: number;
  readonly proposeChance: number;
  readonly quiesceChance: number;
  /** State machines take their time. */
  readonly lazy: boolean;
  /** Lease reads, on a clock that all share; a step is a millisecond. */
  readonly lease: boolean;
  readonly config: Omit<RaftConfig, 'id' | 'group'>;
}

export const CALM: ChaosOptions = {
  steps: 5000,
  voters: 3,
  spares: 0,
  dropChance: 0.02,
  crashChance: 0.003,
  partitionChance: 0.002,
  confChangeChance: 0,
  compactChance: 0.01,
  proposeChance: 0.05,
  quiesceChance: 0,
  lazy: false,
  lease: false,
  config: { electionTicks: 5, heartbeatTicks: 1 },
};

/**
 * A group under a random schedule from one seed, with the safety properties of the paper (figure 3) checked as
 * it goes. Anything can happen to messages; a crash loses what was not synced, all of it or a tail.
 */
/** No replica ticks faster than this, however unlucky: what a lease rests on. */
const TICK_MS = 40;

export class Chaos implements ReplicaObserver {
  readonly replicas: Replica[] = [];
  readonly random: Prng;
  /** What the group has committed, by index: the same for everybody, for ever. */
  readonly committed: Entry[] = [];
  committedTo = 0;
  reads = 0;
  snapshots = 0;
  confChanges = 0;
  elections = 0;
  sleeps = 0;
  readonly #options: ChaosOptions;
  readonly #seed: number;
  #nowMs = 1;
  readonly #tickedMs = new Map<number, number>();
  #network: Message[] = [];
  readonly #leaders = new Map<number, NodeId>();
  /** Reads under way: the highest index applied anywhere when each was asked. */
  readonly #reads = new Map<string, number>();
  #nextToken = 1;
  #nextCommand = 1;
  #cut = new Set<number>();

  constructor(seed: number, options: ChaosOptions) {
    this.random = new Prng(seed);
    this.#seed = seed;
    this.#options = options;
    const voters = Array.from({ length: options.voters }, (_, i) => i + 1);
    for (let id = 1; id <= options.voters + options.spares; id++) {
      const conf = id <= options.voters ? confStateOf(ids(...voters)) : confStateOf([]);
      const replica = new Replica(id, conf, this, this.#configOf(options), seed * 100 + id);
      replica.lazy = options.lazy;
      this.replicas.push(replica);
    }
  }

  run(): this {
    for (let i = 0; i < this.#options.steps; i++) {
      this.step();
      this.#checkLeaders();
      if (i % 50 === 0) this.#checkLogs();
    }
    this.#checkLogs();
    return this;
  }

  /** Everything works again: the group must elect, commit and agree. */
  heal(): void {
    this.#cut.clear();
    for (const replica of this.replicas) if (!replica.up) replica.restart();
    const before = this.committedTo;
    for (let i = 0; i < 120 && !this.#converged(before); i++) {
      this.#tickAll();
      if (i % 20 === 10) this.#leader?.raft.propose([bytesOf('after the storm')]);
      for (let round = 0; round < 6; round++) this.#deliverAll();
    }
    assert(this.#converged(before), 'a healed group makes progress');
    this.#checkLogs();
  }

  /** A voter sticks for `electionTicks` ticks, the first of which may come at once. */
  #configOf(options: ChaosOptions): ChaosOptions['config'] {
    if (!options.lease) return options.config;
    const durationMs = ((options.config.electionTicks ?? 10) - 1) * TICK_MS;
    return { ...options.config, readMode: 'lease', lease: { nowMs: () => this.#nowMs, durationMs } };
  }

  /** Clocks run evenly; ticks come late, on some nodes always. */
  #tickOnTime(): void {
    for (const replica of this.replicas) {
      const dueMs = (this.#tickedMs.get(replica.id) ?? 0) + TICK_MS * this.#slowness(replica);
      if (!replica.up || this.#nowMs < dueMs || randomChance(this.random, 0.8)) continue;
      this.#tickedMs.set(replica.id, this.#nowMs);
      replica.raft.tick();
      replica.take();
    }
  }

  #slowness(replica: Replica): number {
    return 1 + ((this.#seed + replica.id) % 4) / 2;
  }

  step(): void {
    this.#nowMs++;
    const { random } = this;
    const options = this.#options;
    const replica = randomPick(random, this.replicas);
    const luck = random.nextU32() / 2 ** 32;
    if (options.lease) this.#tickOnTime();
    if (randomChance(random, replica.up ? options.crashChance : 0.1)) this.#crash(replica);
    if (randomChance(random, this.#cut.size > 0 ? 0.02 : options.partitionChance)) this.#partition();
    if (randomChance(random, options.confChangeChance)) this.#changeConf();
    if (randomChance(random, options.compactChance)) this.#compact(replica);
    if (randomChance(random, options.proposeChance)) this.#propose();
    if (randomChance(random, options.quiesceChance) && this.#leader?.raft.quiesce() === true) this.sleeps++;
    if (luck < 0.06) this.#act(replica, () => options.lease || replica.raft.tick());
    else if (luck < 0.3) this.#act(replica, () => replica.sync(1));
    else if (luck < (options.lease ? 0.4 : 0.33)) this.#read(replica);
    else if (luck < 0.4 && options.lazy) this.#act(replica, () => replica.apply(1 + (random.nextU32() % 3)));
    else if (luck < 0.335) this.#misfortune(replica);
    else this.#deliverOne();
    if (replica.up) replica.take();
  }

  get #leader(): Replica | undefined {
    const leaders = this.replicas.filter((replica) => replica.up && replica.raft.isLeader);
    return leaders.sort((a, b) => b.raft.term - a.raft.term)[0];
  }

  #act(replica: Replica, action: () => void): void {
    if (replica.up) action();
  }

  #tickAll(): void {
    this.#nowMs += TICK_MS;
    for (const replica of this.replicas) {
      replica.raft.tick();
      replica.settle();
    }
  }

  #deliverAll(): void {
    for (const replica of this.replicas) replica.settle();
    const messages = this.#network;
    this.#network = [];
    for (const message of messages) this.#deliver(message);
    for (const replica of this.replicas) replica.settle();
  }

  #converged(before: number): boolean {
    const leader = this.#leader;
    if (leader === undefined || leader.raft.commit <= before) return false;
    const { conf } = leader;
    return conf.votersOutgoing.length === 0 && conf.voters.every((id) => this.#at(id).appliedIndex > before);
  }

  #at(id: NodeId): Replica {
    return this.replicas[id - 1];
  }

  #deliverOne(): void {
    const { random } = this;
    if (this.#network.length === 0) return;
    // Mostly in order, sometimes not.
    const at = randomChance(random, 0.8) ? 0 : randomInteger(random, 0, this.#network.length - 1);
    const [message] = this.#network.splice(at, 1);
    if (message === undefined || randomChance(random, this.#options.dropChance)) return;
    if (randomChance(random, 0.03)) this.#network.push(message);
    this.#deliver(message);
  }

  #deliver(message: Message): void {
    const replica = this.#at(message.to);
    if (!replica.up || this.#cut.has(message.from) !== this.#cut.has(message.to)) return;
    replica.raft.step(message);
    replica.take();
  }

  #propose(): void {
    const leaders = this.replicas.filter((replica) => replica.up && replica.raft.isLeader);
    if (leaders.length === 0) return;
    const leader = randomPick(this.random, leaders);
    const count = randomInteger(this.random, 1, 3);
    leader.raft.propose(Array.from({ length: count }, () => bytesOf(`command ${this.#nextCommand++}`)));
    leader.take();
  }

  #read(replica: Replica): void {
    if (!replica.up) return;
    const token = this.#nextToken++;
    this.#reads.set(`${replica.id}/${token}`, this.committedTo);
    replica.raft.readIndex(token);
  }

  #misfortune(replica: Replica): void {
    if (!replica.up) return;
    const peer = randomPick(this.random, this.replicas);
    const luck = randomInteger(this.random, 0, 3);
    if (luck === 0) replica.raft.leaderUnreachable(peer.id);
    else if (luck === 1) replica.raft.reportUnreachable(peer.id);
    else if (luck === 2) replica.raft.transferLeadership(peer.id);
    else replica.raft.campaign();
  }

  #crash(replica: Replica): void {
    const { random } = this;
    if (replica.up) {
      const kept = randomInteger(random, 0, replica.inStorage.length);
      replica.crash(kept, randomInteger(random, 0, 3));
    } else {
      replica.restart();
    }
  }

  #partition(): void {
    const healed = this.#cut.size > 0 && randomChance(this.random, 0.7);
    this.#cut = new Set();
    if (healed) return;
    for (const replica of this.replicas) if (randomChance(this.random, 0.4)) this.#cut.add(replica.id);
  }

  #compact(replica: Replica): void {
    if (!replica.up) return;
    replica.checkpoint();
    if (randomChance(this.random, 0.5)) replica.storage.compact(replica.storage.applied);
  }

  #changeConf(): void {
    const leader = this.#leader;
    if (leader === undefined) return;
    const { random } = this;
    const steps: ConfChangeStep[] = [];
    const nodes = new Set<NodeId>();
    for (let i = randomInteger(random, 1, 2); i > 0; i--) nodes.add(randomPick(random, this.replicas).id);
    for (const node of nodes) {
      steps.push({ action: randomPick(random, ['add-voter', 'add-learner', 'remove'] as const), node });
    }
    const transition = randomPick(random, ['auto', 'joint'] as const);
    const result = leader.raft.proposeConfChange({ steps, transition, context: new Uint8Array() });
    if (result.ok) this.confChanges++;
    leader.take();
  }

  /** Election safety: at most one leader in a term. Leader completeness: it has everything committed. */
  #checkLeaders(): void {
    for (const replica of this.replicas) {
      if (!replica.up || !replica.raft.isLeader) continue;
      const { term } = replica.raft;
      const known = this.#leaders.get(term);
      assert(
        known === undefined || known === replica.id,
        `two leaders in term ${term}: ${known} and ${replica.id}`,
      );
      if (known !== undefined) continue;
      this.#leaders.set(term, replica.id);
      this.elections++;
      const highest = Math.max(0, ...[...this.#leaders.keys()].filter((other) => other !== term));
      if (term > highest) {
        assert(
          replica.raft.status().last >= this.committedTo,
          'a new leader has everything that was committed',
        );
      }
    }
  }

  /** Log matching: equal index and term means equal logs up to there. */
  #checkLogs(): void {
    for (let i = 1; i < this.replicas.length; i++) {
      const a = this.replicas[i - 1].storage;
      const b = this.replicas[i].storage;
      let index = Math.min(a.lastIndex(), b.lastIndex());
      const first = Math.max(a.firstIndex(), b.firstIndex());
      while (index >= first && a.term(index) !== b.term(index)) index--;
      for (; index >= first; index--) {
        assert(a.term(index) === b.term(index), `logs that agree at one index agree before it: ${index}`);
      }
    }
  }

  sent(message: Message): void {
    this.#network.push(message);
    if (message.kind === MessageKind.appendRequest) {
      assert(message.commit >= 0 && message.index >= 0, 'indexes are not negative');
    }
  }

  /** State machine safety: everybody applies the same entry at the same index. */
  applied(replica: Replica, entry: Entry): void {
    const known = this.committed[entry.index];
    if (known === undefined) this.committed[entry.index] = entry;
    else {
      assert(
        known.term === entry.term && known.data.join() === entry.data.join(),
        `replica ${replica.id} applied another entry at ${entry.index}`,
      );
    }
    this.committedTo = Math.max(this.committedTo, entry.index);
  }

  restored(replica: Replica, snapshot: SnapshotMeta): void {
    assert(
      this.committed[snapshot.index]?.term === snapshot.term,
      `replica ${replica.id} restored what was committed`,
    );
    this.snapshots++;
  }

  /** A read sees everything that anybody had applied when it was asked. */
  readServed(replica: Replica, read: ReadState): void {
    const key = `${replica.id}/${read.token}`;
    const floor = this.#reads.get(key);
    assert(floor !== undefined, 'a read is answered once, to who asked');
    assert(read.index >= floor, `a stale read: index ${read.index}, although ${floor} was applied before`);
    this.#reads.delete(key);
    this.reads++;
  }

  readDropped(replica: Replica, token: number): void {
    this.#reads.delete(`${replica.id}/${token}`);
  }

  snapshotNeeded(replica: Replica, to: NodeId): void {
    const arrives = replica.appliedIndex > 0 && randomChance(this.random, 0.8);
    if (arrives) this.#network.push(replica.raft.snapshotMessage(to, replica.snapshot()));
    replica.raft.reportSnapshot(to, arrives);
  }
}
