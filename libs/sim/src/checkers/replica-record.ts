import type { NodeId } from '@holdfast/io';
import type { Entry, HardState, Ready, Role } from '@holdfast/raft';
import { checksum } from '../world/host-kernels.ts';

/** Terms and hash chain of a log, index by index. Two logs with one chain value have the same prefix. */
export class ChainedLog {
  readonly #terms: number[] = [0];
  readonly #chain: number[] = [0];

  get last(): number {
    return this.#terms.length - 1;
  }

  term(index: number): number | undefined {
    return this.#terms[index];
  }

  /** Digest of entries 1 .. index, undefined beyond the end. */
  chain(index: number): number | undefined {
    return this.#chain[index];
  }

  /** Replaces everything from `entry.index` on. False when that would leave a gap. */
  put(entry: Entry): boolean {
    if (entry.index < 1 || entry.index > this.last + 1) return false;
    this.truncate(entry.index - 1);
    this.#terms.push(entry.term);
    this.#chain.push(chained(this.#chain[entry.index - 1], entry));
    return true;
  }

  /** Becomes a copy of the first `last` entries of `other`. */
  restore(other: ChainedLog, last: number): void {
    this.truncate(0);
    this.adoptTail(other, last);
  }

  /** Takes over what `other`, which has the same prefix, holds behind this log's end up to `last`. */
  adoptTail(other: ChainedLog, last: number): void {
    for (let i = this.last + 1; i <= last && i <= other.last; i++) {
      this.#terms.push(other.#terms[i]);
      this.#chain.push(other.#chain[i]);
    }
  }

  truncate(last: number): void {
    this.#terms.length = last + 1;
    this.#chain.length = last + 1;
  }
}

function chained(before: number, { term, kind, data }: Entry): number {
  let hash = Math.imul(before ^ checksum(data), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ term, 0x85ebca77);
  return (Math.imul(hash ^ (hash >>> 13) ^ kind, 0xc2b2ae3d) ^ (hash >>> 16)) >>> 0;
}

/** A log as its replica may have it: a restart does not tell which of several it found. */
class PossibleLog {
  /** As handed out in Readies; ahead of storage. */
  readonly log = new ChainedLog();
  /** As synced. A prefix of the history of `log`, not always of `log`. */
  readonly synced = new ChainedLog();

  /** A copy that holds `stored` and nothing more. */
  static restarted(stored: ChainedLog): PossibleLog {
    const copy = new PossibleLog();
    copy.log.restore(stored, stored.last);
    copy.synced.restore(stored, stored.last);
    return copy;
  }
}

/** What storage owes this replica after a number of its Readies. */
export interface StoredState {
  readonly term: number;
  readonly vote: NodeId | 0;
  readonly last: number;
}

/** One replica of one group as the checker follows it, across restarts. */
export class ReplicaRecord {
  readonly node: NodeId;
  role: Role = 'follower';
  /** The term of the newest hard state handed out, durable or not. */
  term = 0;
  commit = 0;
  applied = 0;
  alive = false;
  /** Indexes of snapshots that were announced to it: its state machine may have jumped there before Raft knew. */
  readonly offered = new Set<number>();
  /** One, except after a crash during the replacement of entries, until later events tell. Never empty. */
  #possible: PossibleLog[] = [new PossibleLog()];
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  /** The newest hard state given to storage. */
  handedOut: HardState = this.hardState;
  /** Readies whose sync has not been reported, oldest first. */
  #inStorage: Ready[] = [];

  constructor(node: NodeId) {
    this.node = node;
  }

  get log(): ChainedLog {
    return this.#possible[0].log;
  }

  get synced(): ChainedLog {
    return this.#possible[0].synced;
  }

  /** Drops the logs that do not pass, unless none does: then the caller reports what is wrong. */
  narrow(passes: (log: ChainedLog) => boolean): void {
    if (this.#possible.length === 1) return;
    const left = this.#possible.filter(({ log }) => passes(log));
    if (left.length > 0) this.#possible = left;
  }

  /** Handed out to storage. False when that would leave a gap. */
  append(entry: Entry): boolean {
    return this.#possible.map(({ log }) => log.put(entry))[0];
  }

  /** The log is replaced by the first `last` entries of `committed`. */
  install(committed: ChainedLog, last: number): void {
    for (const { log } of this.#possible) log.restore(committed, last);
  }

  /** Storage was given `ready`. */
  handOut(ready: Ready): void {
    if (ready.snapshot ?? ready.hardState ?? ready.entries[0] ?? ready.messagesAfterPersist[0])
      this.#inStorage.push(ready);
  }

  /**
   * Marks `ready` synced, and with it those before that need no sync of their own. False when one before does.
   * @param committed what snapshots stand for
   */
  sync(ready: Ready, committed: ChainedLog): boolean {
    if (!this.#inStorage.includes(ready)) return true;
    for (let first = this.#inStorage.shift(); first !== undefined; first = this.#inStorage.shift()) {
      this.#store(first, committed);
      if (first === ready) return true;
      if (first.mustSync) return false;
    }
    return true;
  }

  #store(ready: Ready, committed: ChainedLog): void {
    for (const { synced } of this.#possible) store(synced, ready, committed);
    if (ready.snapshot !== undefined) this.applied = Math.max(this.applied, ready.snapshot.index);
    if (ready.hardState !== undefined) this.hardState = ready.hardState;
  }

  /** What a restart may find: everything synced, and any number of the Readies behind it. */
  recoverable(): readonly StoredState[] {
    let { term, vote } = this.hardState;
    let last = this.synced.last;
    const states: StoredState[] = [{ term, vote, last }];
    for (const { snapshot, entries, hardState } of this.#inStorage) {
      // These are separate records: either may be the last one that landed.
      if (snapshot !== undefined) last = snapshot.index;
      states.push({ term, vote, last });
      if (entries.length > 0) last = entries.at(-1)!.index;
      states.push({ term, vote, last });
      if (hardState !== undefined) ({ term, vote } = hardState);
      states.push({ term, vote, last });
    }
    return states;
  }

  /** Takes over the state that a restart found. */
  restart(hardState: HardState, last: number, applied: number, committed: ChainedLog): void {
    const found: PossibleLog[] = [];
    for (const { synced } of this.#possible) {
      const stored = PossibleLog.restarted(synced).log;
      const inStorage = [...this.#inStorage];
      for (let next: Ready | undefined; ; store(stored, next, committed)) {
        const isNew = !found.some(({ log }) => log.chain(last) === stored.chain(last));
        if (stored.last === last && isNew) found.push(PossibleLog.restarted(stored));
        next = inStorage.shift();
        if (next === undefined) break;
      }
    }
    if (found.length === 0) {
      // The log begins behind what the state machine had flushed.
      const flushed = new ChainedLog();
      flushed.restore(committed, last);
      found.push(PossibleLog.restarted(flushed));
    }
    this.#possible = found;
    this.#inStorage = [];
    this.hardState = hardState;
    this.handedOut = hardState;
    this.role = 'follower';
    this.term = hardState.term;
    this.commit = hardState.commit;
    this.applied = applied;
    this.alive = true;
  }
}

function store(log: ChainedLog, { snapshot, entries }: Ready, committed: ChainedLog): void {
  if (snapshot !== undefined) log.restore(committed, snapshot.index);
  for (const entry of entries) log.put(entry);
}
