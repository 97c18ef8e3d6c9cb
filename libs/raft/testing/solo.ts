import { nodeId } from '@holdfast/io';
import {
  confStateOf,
  type Entry,
  EntryKind,
  type Message,
  MessageKind,
  type RaftConfig,
  type ReadState,
} from '../src/index.ts';
import { bytesOf } from './cluster.ts';
import { ids, MemoryStorage } from './memory-storage.ts';
import { GROUP, Replica, type ReplicaObserver } from './replica.ts';

/** Replica 1 of a group whose other members are played by the test. */
export class Solo implements ReplicaObserver {
  readonly replica: Replica;
  readonly outbox: Message[] = [];
  readonly served: ReadState[] = [];
  readonly dropped: number[] = [];
  readonly needed: number[] = [];
  readonly appliedIndexes: number[] = [];

  /** @param terms of the entries that the log holds at the start */
  constructor(
    voters: readonly number[],
    config: Omit<RaftConfig, 'id' | 'group'> = {},
    start: {
      readonly term?: number;
      readonly vote?: number;
      readonly terms?: readonly number[];
      readonly learners?: readonly number[];
    } = {},
  ) {
    const conf = confStateOf(ids(...voters), ids(...(start.learners ?? [])));
    const storage = new MemoryStorage(conf);
    const terms = start.terms ?? [];
    storage.hardState = { term: start.term ?? terms.at(-1) ?? 0, vote: nodeId(start.vote ?? 0), commit: 0 };
    storage.load(terms.map((term, i) => entryOf(term, i + 1)));
    this.replica = new Replica(1, conf, this, config, 1, storage);
  }

  get raft() {
    return this.replica.raft;
  }

  get status() {
    return this.replica.raft.status();
  }

  /** The log as pairs of index and term. */
  get logTerms(): readonly (number | undefined)[] {
    const { first, last } = this.status;
    return Array.from({ length: last - first + 1 }, (_, i) => this.replica.storage.term(first + i));
  }

  /** Steps a message from another member; what is not given is 0. Returns what it caused, when all is durable. */
  receive(kind: keyof typeof MessageKind, from: number, fields: Partial<Message> = {}): readonly Message[] {
    this.raft.step(messageOf(kind, from, { term: this.raft.term, ...fields }));
    return this.settle();
  }

  /** Performs and persists everything; returns the messages that left. */
  settle(): readonly Message[] {
    this.replica.settle();
    return this.outbox.splice(0);
  }

  tick(count = 1): readonly Message[] {
    for (let i = 0; i < count; i++) this.raft.tick();
    return this.settle();
  }

  /** Wins an election with the votes of `supporters`. */
  lead(...supporters: readonly number[]): this {
    this.raft.campaign();
    this.settle();
    for (const from of supporters) {
      if (this.raft.role !== 'pre-candidate') break;
      this.receive('preVoteResponse', from, { term: this.raft.term + 1 });
    }
    for (const from of supporters) if (this.raft.role === 'candidate') this.receive('voteResponse', from);
    if (!this.raft.isLeader) throw new Error(`not elected: ${this.raft.role}`);
    return this;
  }

  /** Acknowledges everything the leader has, from each of `peers`. */
  acknowledge(...peers: readonly number[]): readonly Message[] {
    const sent: Message[] = [];
    for (const from of peers) sent.push(...this.receive('appendResponse', from, { index: this.status.last }));
    return sent;
  }

  propose(...texts: readonly string[]): readonly Message[] {
    const result = this.raft.propose(texts.map(bytesOf));
    if (!result.ok) throw new Error(result.reason);
    return this.settle();
  }

  sent(message: Message): void {
    this.outbox.push(message);
  }

  applied(_: Replica, entry: Entry): void {
    this.appliedIndexes.push(entry.index);
  }

  restored(): void {}

  readServed(_: Replica, read: ReadState): void {
    this.served.push(read);
  }

  readDropped(_: Replica, token: number): void {
    this.dropped.push(token);
  }

  snapshotNeeded(_: Replica, to: number): void {
    this.needed.push(to);
  }
}

/** Leads term 2 with a log that begins behind entry 3, and peer 3 has nothing: it needs a snapshot. */
export function leaderOfLaggard(): Solo {
  const solo = new Solo([1, 2, 3], {}, { terms: [1, 1] }).lead(2);
  solo.acknowledge(2);
  solo.replica.checkpoint();
  solo.replica.storage.compact(3);
  solo.receive('appendResponse', 3, { reject: true, index: 2, rejectHint: 0 });
  return solo;
}

export function entryOf(term: number, index: number, text = `${term}/${index}`): Entry {
  return { term, index, kind: EntryKind.normal, data: bytesOf(text) };
}

/** Entries after `index`, one for each of `terms`. */
export function entriesAfter(index: number, ...terms: readonly number[]): readonly Entry[] {
  return terms.map((term, i) => entryOf(term, index + 1 + i));
}

export function messageOf(
  kind: keyof typeof MessageKind,
  from: number,
  fields: Partial<Message> = {},
): Message {
  return {
    kind: MessageKind[kind],
    group: GROUP,
    from: nodeId(from),
    to: nodeId(1),
    term: 0,
    index: 0,
    logTerm: 0,
    commit: 0,
    reject: false,
    rejectHint: 0,
    context: 0,
    clock: 0,
    entries: [],
    snapshot: undefined,
    ...fields,
  };
}
