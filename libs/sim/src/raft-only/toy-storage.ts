import { type Random, randomInteger } from '@holdfast/io';
import type { ConfState, Entry, HardState, LogStorage, Ready, SnapshotMeta } from '@holdfast/raft';

/** The state machine of the toy: a few registers. */
export type Registers = ReadonlyMap<string, string>;

/** A state machine at an index. */
export interface ToySnapshot {
  readonly meta: SnapshotMeta;
  readonly registers: Registers;
}

interface Write {
  readonly ready: Ready;
  /** What `ready.snapshot` names, as it was received. */
  readonly snapshot: ToySnapshot | undefined;
}

/**
 * Stable storage reduced to its contract: writes land in order, and a crash keeps any number of those under
 * way. Survives the lives of a toy node. The disk itself is tested elsewhere.
 */
export class ToyStorage implements LogStorage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: ToySnapshot;
  /** Entries behind the snapshot. */
  #entries: Entry[] = [];
  readonly #writes: Write[] = [];

  constructor(conf: ConfState) {
    this.#snapshot = { meta: { index: 0, term: 0, conf }, registers: new Map() };
  }

  get snapshot(): ToySnapshot {
    return this.#snapshot;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  firstIndex(): number {
    return this.#snapshot.meta.index + 1;
  }

  lastIndex(): number {
    return this.#snapshot.meta.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    const { meta } = this.#snapshot;
    return index === meta.index ? meta.term : this.#entries[index - meta.index - 1]?.term;
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | undefined {
    if (low < this.firstIndex()) return undefined;
    const slice = this.#entries.slice(low - this.firstIndex(), high - this.firstIndex());
    let bytes = 0;
    const end = slice.findIndex((entry) => (bytes += entry.data.length) > bytesMax);
    return end < 0 ? slice : slice.slice(0, Math.max(1, end));
  }

  initialState(): { readonly hardState: HardState; readonly conf: ConfState } {
    return { hardState: this.#hardState, conf: this.#snapshot.meta.conf };
  }

  /** Queues what `ready` has to store. */
  queue(ready: Ready, snapshot: ToySnapshot | undefined): void {
    this.#writes.push({ ready, snapshot });
  }

  /** The oldest queued write is durable now. */
  complete(): Ready {
    const write = this.#writes.shift();
    if (write === undefined) throw new Error('nothing is being written');
    this.#store(write);
    return write.ready;
  }

  /** Replaces the log up to the snapshot; entries behind it stay. */
  compact(snapshot: ToySnapshot): void {
    if (snapshot.meta.index <= this.#snapshot.meta.index || snapshot.meta.index > this.lastIndex()) return;
    this.#entries = this.#entries.slice(snapshot.meta.index - this.#snapshot.meta.index);
    this.#snapshot = snapshot;
  }

  crash(random: Random): void {
    const landed = randomInteger(random, 0, this.#writes.length);
    for (const write of this.#writes.slice(0, landed)) this.#store(write);
    this.#writes.length = 0;
  }

  #store({ ready, snapshot }: Write): void {
    if (snapshot !== undefined) {
      this.#snapshot = snapshot;
      this.#entries = [];
    }
    if (ready.hardState !== undefined) this.#hardState = ready.hardState;
    const first = ready.entries[0];
    if (first === undefined) return;
    // A snapshot of this node may have compacted what the write begins with.
    const skip = Math.max(0, this.firstIndex() - first.index);
    this.#entries.length = Math.max(0, first.index - this.firstIndex());
    for (const entry of ready.entries.slice(skip)) this.#entries.push(entry);
  }
}
