import type { NodeId } from '@holdfast/io';
import { confStateOf, type Entry, type Message, type RaftConfig, type ReadState } from '../src/index.ts';
import { ids } from './memory-storage.ts';
import { Replica, type ReplicaObserver } from './replica.ts';

/** A group on a perfect network that delivers when told to. Paths can be cut. */
export class Cluster implements ReplicaObserver {
  readonly replicas = new Map<number, Replica>();
  /** Sent and not yet delivered, in order. */
  readonly network: Message[] = [];
  readonly served: { readonly at: NodeId; readonly read: ReadState }[] = [];
  readonly dropped: { readonly at: NodeId; readonly token: number }[] = [];
  readonly log = new Map<number, Entry[]>();
  /** Returns false for messages that are lost. */
  passes: (message: Message) => boolean = () => true;
  readonly #config: Omit<RaftConfig, 'id' | 'group'>;

  constructor(voters: readonly number[], config: Omit<RaftConfig, 'id' | 'group'> = {}) {
    this.#config = config;
    for (const id of voters) this.add(id, voters);
  }

  add(id: number, voters: readonly number[] = [], learners: readonly number[] = []): Replica {
    const replica = new Replica(id, confStateOf(ids(...voters), ids(...learners)), this, this.#config);
    this.replicas.set(id, replica);
    this.log.set(id, []);
    return replica;
  }

  at(id: number): Replica {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`no replica ${id}`);
    return replica;
  }

  get leader(): Replica | undefined {
    const leaders = [...this.replicas.values()].filter((replica) => replica.up && replica.raft.isLeader);
    return leaders.sort((a, b) => b.raft.term - a.raft.term)[0];
  }

  /** Delivers and persists until nothing moves. */
  settle(): void {
    for (;;) {
      for (const replica of this.replicas.values()) if (replica.up) replica.settle();
      if (this.network.length === 0) return;
      for (const message of this.network.splice(0)) this.deliver(message);
    }
  }

  deliver(message: Message): void {
    const replica = this.replicas.get(message.to);
    if (replica?.up === true && this.passes(message)) replica.raft.step(message);
  }

  /** Ticks everybody `count` times and settles after each. */
  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      for (const replica of this.replicas.values()) if (replica.up) replica.raft.tick();
      this.settle();
    }
  }

  /** Makes `id` the leader. */
  elect(id: number): Replica {
    const replica = this.at(id);
    replica.raft.campaign();
    this.settle();
    return replica;
  }

  /** Proposes on `id` and settles. */
  propose(id: number, ...texts: readonly string[]): void {
    this.at(id).raft.propose(texts.map((text) => bytesOf(text)));
    this.settle();
  }

  /** Cuts all paths between the named replicas and the others. */
  isolate(...cut: readonly number[]): void {
    this.passes = (message) => cut.includes(message.from) === cut.includes(message.to);
  }

  heal(): void {
    this.passes = () => true;
  }

  sent(message: Message): void {
    this.network.push(message);
  }

  applied(replica: Replica, entry: Entry): void {
    this.log.get(replica.id)?.push(entry);
  }

  restored(): void {}

  readServed(replica: Replica, read: ReadState): void {
    this.served.push({ at: replica.id, read });
  }

  readDropped(replica: Replica, token: number): void {
    this.dropped.push({ at: replica.id, token });
  }

  /** Delivers the snapshot at once. */
  snapshotNeeded(replica: Replica, to: NodeId): void {
    replica.sync();
    this.network.push(replica.raft.snapshotMessage(to, replica.snapshot()));
    replica.raft.reportSnapshot(to, true);
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
