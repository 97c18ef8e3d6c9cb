import { type NodeId, type RangeId, randomInteger, utf8, decodeUtf8 } from '@holdfast/io';
import {
  type ConfChange,
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryKind,
  type Message,
  Raft,
  type RaftCanary,
  type Ready,
} from '@holdfast/raft';
import type { RaftObserver } from '../checkers/raft-invariants.ts';
import type { Incarnation } from '../world/incarnation.ts';
import { Phase } from '../world/scheduler.ts';
import type { ToySnapshot, ToyStorage } from './toy-storage.ts';

/** Between two toy nodes: a Raft message, or a whole state machine for a peer that is too far behind. */
export type ToyMessage =
  | { readonly kind: 'raft'; readonly message: Message }
  | { readonly kind: 'snapshot'; readonly message: Message; readonly snapshot: ToySnapshot }
  | { readonly kind: 'snapshot-stored'; readonly ok: boolean };

/** `lost`: another entry was committed in the place of the proposal. */
export type WriteOutcome = 'committed' | 'lost';

export interface ToyNodeParts {
  readonly id: NodeId;
  readonly group: RangeId;
  readonly process: Incarnation;
  readonly storage: ToyStorage;
  readonly observer: RaftObserver;
  readonly send: (to: NodeId, message: ToyMessage) => void;
  readonly canary: RaftCanary | undefined;
  readonly lease: boolean;
  readonly tickMs: number;
  readonly compactEvery: number;
}

const ELECTION_TICKS = 10;
const STORAGE_DELAY_US: readonly [number, number] = [100, 3_000];

/** The smallest driver of a Raft core: registers in memory, writes in order, reads by read index. */
export class ToyNode {
  readonly id: NodeId;
  readonly raft: Raft;
  readonly #parts: ToyNodeParts;
  #registers: Map<string, string>;
  #applied: number;
  #appliedTerm: number;
  #conf: ConfState;
  /** Received state machines by index, until Raft takes or passes over them. */
  readonly #incoming = new Map<number, ToySnapshot>();
  #pumpPlanned = false;
  #readToken = 0;
  #storageFreeUs = 0;
  readonly #writers = new Map<
    number,
    { readonly term: number; readonly done: (outcome: WriteOutcome) => void }
  >();
  readonly #readers = new Map<number, (served: boolean) => void>();
  #readable: { readonly index: number; readonly token: number }[] = [];

  constructor(parts: ToyNodeParts) {
    this.#parts = parts;
    this.id = parts.id;
    const { storage, process } = parts;
    const { snapshot, hardState } = storage;
    this.#registers = new Map(snapshot.registers);
    this.#applied = snapshot.meta.index;
    this.#appliedTerm = snapshot.meta.term;
    this.#conf = snapshot.meta.conf;
    parts.observer.recovered(parts.group, { hardState, applied: this.#applied, last: storage.lastIndex() });
    this.raft = new Raft(
      {
        id: parts.id,
        group: parts.group,
        electionTicks: ELECTION_TICKS,
        applied: this.#applied,
        appendBytesMax: 256,
        inflightMessagesMax: 4,
        ...(parts.canary !== undefined && { canary: parts.canary }),
        ...(parts.lease && {
          readMode: 'lease' as const,
          lease: { nowMs: () => process.monotonicMs(), durationMs: parts.tickMs * (ELECTION_TICKS - 3) },
        }),
      },
      storage,
      process.random.fork(),
    );
    this.#planTick();
  }

  get conf(): ConfState {
    return this.#conf;
  }

  get applied(): number {
    return this.#applied;
  }

  #planTick(): void {
    this.#parts.process.schedule(this.#parts.tickMs, () => {
      // What arrived before the timer ran is read first.
      this.#parts.process.plan(0, Phase.input, () => {
        this.raft.tick();
        this.#planPump();
      });
      this.#planTick();
    });
  }

  receive(from: NodeId, received: ToyMessage): void {
    switch (received.kind) {
      case 'raft':
        this.raft.step(received.message);
        break;
      case 'snapshot':
        this.#incoming.set(received.snapshot.meta.index, received.snapshot);
        this.raft.step(received.message);
        this.#parts.send(from, { kind: 'snapshot-stored', ok: true });
        break;
      case 'snapshot-stored':
        this.raft.reportSnapshot(from, received.ok);
        break;
    }
    this.#planPump();
  }

  /** False: not the leader, certainly without effect. */
  write(key: string, value: string, done: (outcome: WriteOutcome) => void): boolean {
    const result = this.raft.propose([utf8(`${key}=${value}`)]);
    if (!result.ok) return false;
    this.#writers.get(result.index)?.done('lost');
    this.#writers.set(result.index, { term: result.term, done });
    this.#planPump();
    return true;
  }

  read(key: string, done: (served: boolean, value: string | undefined) => void): void {
    const token = ++this.#readToken;
    this.#readers.set(token, (served) => done(served, this.#registers.get(key)));
    this.raft.readIndex(token);
    this.#planPump();
  }

  changeConf(change: ConfChange): boolean {
    const { ok } = this.raft.proposeConfChange(change);
    this.#planPump();
    return ok;
  }

  transfer(to: NodeId): void {
    this.raft.transferLeadership(to);
    this.#planPump();
  }

  /** A connection to `peer` closed: true or false, Raft must cope (D9). */
  suspect(peer: NodeId): void {
    this.raft.leaderUnreachable(peer);
    this.raft.reportUnreachable(peer);
    this.#planPump();
  }

  #planPump(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    this.#parts.process.defer(() => {
      this.#pumpPlanned = false;
      while (this.raft.hasReady()) this.#perform(this.raft.ready());
    });
  }

  #perform(ready: Ready): void {
    const { observer, group, storage, process } = this.#parts;
    observer.ready(group, ready);
    if (ready.softState !== undefined) {
      observer.role(group, ready.softState.role, this.raft.term, ready.softState.leader);
    }
    this.#send(ready.messages);
    storage.queue(ready, ready.snapshot && this.#incoming.get(ready.snapshot.index));
    const [low, high] = STORAGE_DELAY_US;
    this.#storageFreeUs =
      Math.max(this.#storageFreeUs, process.nowUs) + randomInteger(process.random, low, high);
    process.plan(this.#storageFreeUs - process.nowUs, Phase.input, () => this.#stored());
    for (const entry of ready.committed) this.#apply(entry);
    for (const { token, index } of ready.readStates) this.#readable.push({ token, index });
    for (const token of ready.readsDropped) this.#answerRead(token, false);
    for (const { to } of ready.snapshotsNeeded) this.#sendSnapshot(to);
    this.raft.advance(ready);
    this.#serveReads();
  }

  #stored(): void {
    const { observer, group, storage } = this.#parts;
    const ready = storage.complete();
    if (ready.snapshot !== undefined) this.#install(storage.snapshot);
    for (const index of this.#incoming.keys()) if (index <= this.#applied) this.#incoming.delete(index);
    observer.persisted(group, ready);
    this.raft.persisted(ready);
    this.#send(ready.messagesAfterPersist);
    this.#compact();
    this.#planPump();
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#parts.observer.sent(message);
      this.#parts.send(message.to, { kind: 'raft', message });
    }
  }

  #sendSnapshot(to: NodeId): void {
    const snapshot = this.#snapshotNow();
    this.#parts.send(to, {
      kind: 'snapshot',
      snapshot,
      message: this.raft.snapshotMessage(to, snapshot.meta),
    });
    // The transfer or its answer may be lost.
    this.#parts.process.schedule(this.#parts.tickMs * ELECTION_TICKS, () =>
      this.raft.reportSnapshot(to, false),
    );
  }

  #snapshotNow(): ToySnapshot {
    const meta = { index: this.#applied, term: this.#appliedTerm, conf: this.#conf };
    return { meta, registers: new Map(this.#registers) };
  }

  #install({ meta, registers }: ToySnapshot): void {
    if (meta.index <= this.#applied) return;
    this.#registers = new Map(registers);
    this.#applied = meta.index;
    this.#appliedTerm = meta.term;
    this.#conf = meta.conf;
    this.#serveReads();
  }

  #compact(): void {
    const { storage, compactEvery } = this.#parts;
    if (this.#applied - storage.snapshot.meta.index >= compactEvery) storage.compact(this.#snapshotNow());
  }

  #apply(entry: Entry): void {
    if (entry.kind === EntryKind.confChange)
      this.#conf = this.raft.applyConfChange(decodeConfChange(entry.data));
    else if (entry.data.length > 0) {
      const [key, value] = (decodeUtf8(entry.data) ?? '').split('=');
      this.#registers.set(key, value);
    }
    this.#applied = entry.index;
    this.#appliedTerm = entry.term;
    this.#parts.observer.applied(this.#parts.group, entry);
    this.raft.applied(entry.index);
    const writer = this.#writers.get(entry.index);
    if (writer === undefined) return;
    this.#writers.delete(entry.index);
    writer.done(writer.term === entry.term ? 'committed' : 'lost');
  }

  #serveReads(): void {
    const ready = this.#readable.filter(({ index }) => index <= this.#applied);
    if (ready.length === 0) return;
    this.#readable = this.#readable.filter(({ index }) => index > this.#applied);
    for (const { token } of ready) this.#answerRead(token, true);
  }

  #answerRead(token: number, served: boolean): void {
    const reader = this.#readers.get(token);
    this.#readers.delete(token);
    reader?.(served);
  }
}
