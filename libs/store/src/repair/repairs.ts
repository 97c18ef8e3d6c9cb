import { asError, isDiskFull, type NodeId, type RangeId } from '@holdfast/io';
import { ClosedError, CorruptionError, type DamagedSpan, type Tree, type TreeEvent } from '@holdfast/lsm';
import type { NodeObserver } from '../node/observer.ts';
import type { Replica } from '../range/replica.ts';
import { localKeys } from '../tree-keys.ts';
import { nextRepairStep, REPAIR_RETRY_TICKS, type Span, touches, unclaimed } from './repair-plan.ts';

/** Who brings sound copies. */
export interface SoundCopies {
  /** Asks the leader of the range for a snapshot of it. May be lost. */
  ask(range: RangeId, leader: NodeId): void;
}

export interface RepairsHost {
  readonly tree: Pick<Tree, 'damagedSpans' | 'quarantine' | 'ingest'>;
  wake(replica: Replica): void;
  fail(error: Error): void;
}

/**
 * Replaces what rotted in this node's tables by what the other replicas have. A damaged table is taken out of the
 * tree; every range that had keys in its span gives its leadership away, asks the new leader for a snapshot, applies
 * nothing until that has arrived, and installs it although it may be no newer than what it has.
 *
 * A table is left where it is as long as one of its ranges has no other voter: most of it is still readable.
 */
export class Repairs {
  readonly #host: RepairsHost;
  readonly #replicas: ReadonlyMap<RangeId, Replica>;
  readonly #copies: SoundCopies;
  readonly #observer: NodeObserver;
  /** Damaged tables that are still in the tree, by number. */
  readonly #damaged = new Map<number, DamagedSpan>();
  /** Ranges under repair, and the ticks since the last step of each. */
  readonly #waited = new Map<Replica, number>();
  #busy = false;
  /** Until the next try after the disk was full. */
  #ticksPaused = 0;

  constructor(
    host: RepairsHost,
    replicas: ReadonlyMap<RangeId, Replica>,
    copies: SoundCopies,
    observer: NodeObserver,
  ) {
    this.#host = host;
    this.#copies = copies;
    this.#replicas = replicas;
    this.#observer = observer;
  }

  /** Nothing is done before the next tick: the tree is in the middle of something. */
  heard(event: TreeEvent): void {
    if (event.type === 'corruption' && event.table !== undefined) {
      this.#damaged.set(event.table.table, event.table);
    }
  }

  tick(): void {
    if (this.#ticksPaused > 0) this.#ticksPaused--;
    this.#takeOut();
    const spans = this.#host.tree.damagedSpans();
    const isHealthy = spans.length === 0 && this.#waited.size === 0;
    if (!isHealthy) this.#giveUpUnclaimed(spans);
    for (const replica of this.#replicas.values()) {
      if (replica.isStuck || (spans.length > 0 && touchesAny(replica, spans))) this.#step(replica);
      else if (this.#waited.delete(replica)) {
        replica.hold(false);
        this.#observer.repaired?.(replica.id);
        this.#host.wake(replica);
      }
    }
  }

  #step(replica: Replica): void {
    const ticksWaited = (this.#waited.get(replica) ?? REPAIR_RETRY_TICKS) + 1;
    const { isLeader, leader } = replica;
    const step = nextRepairStep({ isLeader, leader, ticksWaited });
    this.#waited.set(replica, step.kind === 'wait' ? ticksWaited : 0);
    // Whoever leads must apply: clients wait for it, and another may not be there to take over.
    if (isLeader) replica.hold(false);
    if (step.kind === 'hand-over') replica.raft.transferLeadership();
    if (step.kind === 'ask') {
      replica.hold(true);
      this.#copies.ask(replica.id, step.leader);
    }
    this.#host.wake(replica);
  }

  #takeOut(): void {
    if (this.#damaged.size === 0 || !this.#mayWork) return;
    for (const span of this.#damaged.values()) {
      const owners = [...this.#replicas.values()].filter((replica) => touchesAny(replica, [span]));
      if (!owners.every((replica) => replica.hasOtherVoters)) continue;
      this.#damaged.delete(span.table);
      this.#work(this.#host.tree.quarantine(span.table), () => this.#damaged.set(span.table, span));
      return;
    }
  }

  /** Of a range that this node holds no more, or between two ranges. */
  #giveUpUnclaimed(spans: readonly DamagedSpan[]): void {
    if (!this.#mayWork || spans.length === 0) return;
    const held = [...this.#replicas.values()].flatMap((replica) => keysOf(replica));
    const replace = unclaimed(spans, held);
    if (replace.length > 0) this.#work(this.#host.tree.ingest([], { replace }));
  }

  get #mayWork(): boolean {
    return !this.#busy && this.#ticksPaused === 0;
  }

  /** @param undone nothing has happened, for want of room: it is to be done again */
  #work(work: Promise<void>, undone: () => void = () => undefined): void {
    this.#busy = true;
    void work.then(
      () => (this.#busy = false),
      (error: unknown) => {
        this.#busy = false;
        // A neighbour that had to be read is damaged too. Nothing has changed; it was heard of, and is the next to go.
        if (error instanceof CorruptionError || error instanceof ClosedError) return;
        if (isDiskFull(error)) {
          this.#ticksPaused = REPAIR_RETRY_TICKS;
          undone();
          return;
        }
        this.#host.fail(asError(error));
      },
    );
  }
}

/** All keys that belong to a range. */
function keysOf(replica: Replica): readonly Span[] {
  const { id, descriptor } = replica;
  return [descriptor, localKeys(id)];
}

function touchesAny(replica: Replica, spans: readonly Span[]): boolean {
  return keysOf(replica).some((keys) => spans.some((span) => touches(keys, span)));
}
