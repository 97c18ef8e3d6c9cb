import { assert, type NodeId, nodeId, Prng, rangeId } from '@holdfast/io';
import {
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryKind,
  type Message,
  Raft,
  type RaftConfig,
  type Ready,
  type ReadState,
  type SnapshotMeta,
} from '../src/index.ts';
import { MemoryStorage } from './memory-storage.ts';

export const GROUP = rangeId(7);

/** What a replica tells the world around it. */
export interface ReplicaObserver {
  sent(message: Message): void;
  applied(replica: Replica, entry: Entry): void;
  restored(replica: Replica, snapshot: SnapshotMeta): void;
  readServed(replica: Replica, read: ReadState): void;
  readDropped(replica: Replica, token: number): void;
  snapshotNeeded(replica: Replica, to: NodeId): void;
}

/** A driver in miniature: performs Readies by the contract, with storage that takes as long as the test wants. */
export class Replica {
  readonly id: NodeId;
  readonly storage: MemoryStorage;
  /** Readies taken over and not yet durable, in order. */
  readonly inStorage: Ready[] = [];
  /** Committed and not yet applied, in order. Only with `lazy`. */
  readonly toApply: Entry[] = [];
  /** Apply when the test says so, instead of at once. */
  lazy = false;
  raft: Raft;
  /** The configuration at the applied index. */
  conf: ConfState;
  appliedIndex = 0;
  appliedTerm = 0;
  up = true;
  readonly #config: Omit<RaftConfig, 'id' | 'group'>;
  readonly #observer: ReplicaObserver;
  #lives = 0;
  readonly #seed: number;

  constructor(
    id: number,
    conf: ConfState,
    observer: ReplicaObserver,
    config: Omit<RaftConfig, 'id' | 'group'> = {},
    seed: number = id,
    storage: MemoryStorage = new MemoryStorage(conf),
  ) {
    this.id = nodeId(id);
    this.conf = conf;
    this.storage = storage;
    this.#observer = observer;
    this.#config = config;
    this.#seed = seed;
    this.raft = this.#start();
  }

  #start(): Raft {
    const { storage } = this;
    this.conf = storage.conf;
    this.appliedIndex = storage.applied;
    this.appliedTerm = storage.term(storage.applied) ?? 0;
    const config = { ...this.#config, id: this.id, group: GROUP, applied: storage.applied };
    return new Raft(config, storage, new Prng(this.#seed * 1000 + ++this.#lives));
  }

  /** Takes over every Ready there is. Nothing becomes durable by this. */
  take(): void {
    while (this.raft.hasReady()) this.perform(this.raft.ready());
  }

  /** One Ready, by the contract. */
  perform(ready: Ready): void {
    for (const message of ready.messages) this.#observer.sent(message);
    const writes = ready.entries.length > 0 || ready.hardState !== undefined || ready.snapshot !== undefined;
    if (writes || ready.messagesAfterPersist.length > 0) this.inStorage.push(ready);
    this.raft.advance(ready);
    this.toApply.push(...ready.committed);
    if (!this.lazy) this.apply();
    for (const read of ready.readStates) this.#observer.readServed(this, read);
    for (const token of ready.readsDropped) this.#observer.readDropped(this, token);
    for (const need of ready.snapshotsNeeded) this.#observer.snapshotNeeded(this, need.to);
  }

  /** Applies the oldest `count` committed entries. */
  apply(count = this.toApply.length): void {
    for (const entry of this.toApply.splice(0, count)) this.#apply(entry);
  }

  #apply(entry: Entry): void {
    assert(entry.index === this.appliedIndex + 1, 'entries are applied in order, once');
    if (entry.kind === EntryKind.confChange) {
      this.conf = this.raft.applyConfChange(decodeConfChange(entry.data));
    }
    this.appliedIndex = entry.index;
    this.appliedTerm = entry.term;
    this.#observer.applied(this, entry);
    this.raft.applied(entry.index);
  }

  /** Makes the oldest `count` writes durable. */
  sync(count = this.inStorage.length): void {
    for (let i = 0; i < count && this.inStorage.length > 0; i++) {
      const ready = this.inStorage.shift()!;
      this.storage.write(ready);
      if (ready.snapshot !== undefined) {
        assert(this.toApply.length === 0, 'a snapshot comes when everything before it is applied');
        this.appliedIndex = ready.snapshot.index;
        this.appliedTerm = ready.snapshot.term;
        this.conf = ready.snapshot.conf;
        this.#observer.restored(this, ready.snapshot);
      }
      this.raft.persisted(ready);
      for (const message of ready.messagesAfterPersist) this.#observer.sent(message);
    }
  }

  /** Takes and syncs until nothing is left to do. */
  settle(): void {
    for (this.take(); this.inStorage.length + this.toApply.length > 0; this.take()) {
      this.sync();
      this.apply();
    }
  }

  /** The state machine is made durable up to what it has applied, as far as the log is durable too. */
  checkpoint(): void {
    if (this.appliedIndex > this.raft.stable) return;
    this.storage.applied = this.appliedIndex;
    this.storage.conf = this.conf;
  }

  /**
   * Power loss. Of the writes under way, the first `writesKept` are there by luck, and `entriesKept` entries
   * of the next one.
   */
  crash(writesKept = 0, entriesKept = 0): void {
    const lost = this.inStorage.splice(0);
    for (const ready of lost.slice(0, writesKept)) this.storage.write(ready);
    const torn = lost[writesKept];
    if (torn !== undefined && entriesKept > 0 && torn.snapshot === undefined)
      this.storage.write(torn, entriesKept);
    this.up = false;
  }

  restart(): void {
    this.inStorage.length = 0;
    this.toApply.length = 0;
    this.raft = this.#start();
    this.up = true;
  }

  /** A description of the state machine as it stands. */
  snapshot(): SnapshotMeta {
    return { index: this.appliedIndex, term: this.appliedTerm, conf: this.conf };
  }
}
