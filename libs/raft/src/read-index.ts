import type { NodeId } from '@holdfast/io';

/** Somebody waits for a read index: this node (`from` is 0) or a follower that forwarded its read. */
export interface ReadWaiter {
  readonly from: NodeId | 0;
  /** Of the local reader, or the follower's batch. */
  readonly token: number;
}

/** One quorum round. Every heartbeat that carries its sequence was sent after each of its reads had arrived. */
export interface ReadRound {
  readonly sequence: number;
  /** Commit index when the round began; at least that of every read in it. */
  readonly index: number;
  readonly waiters: readonly ReadWaiter[];
  /** Lease clock when the round began; 0 without a lease. */
  readonly sentMs: number;
  readonly sentTick: number;
}

/** A follower's reads under way to the leader. */
export interface ForwardedReads {
  readonly batch: number;
  readonly tokens: readonly number[];
  readonly sentTick: number;
}

/**
 * Reads that wait (thesis 6.4). On a leader: for the next round, then for the quorum of their round. Elsewhere:
 * for the leader's answer. Sequences and batches are never used twice, so an answer that comes late cannot be
 * taken for the answer to a newer question; a sequence belongs to the term in which it was made, and messages
 * of other terms are dropped before they get here.
 */
export class ReadQueue {
  /** Arrived since the last round began or the last batch was forwarded. */
  waiting: ReadWaiter[] = [];
  /** In order of sequence. */
  rounds: ReadRound[] = [];
  forwarded: ForwardedReads[] = [];
  /** The latest sequence given to a round; 0 before the first. */
  sequence = 0;
  /** Reads in `waiting`, `rounds` and `forwarded`. */
  size = 0;
  private batch: number;

  /** @param incarnation 32 random bits, so that an answer to an earlier life of this node is not taken for ours. */
  constructor(incarnation: number) {
    this.batch = incarnation * 2 ** 20;
  }

  add(from: NodeId | 0, token: number): void {
    this.waiting.push({ from, token });
    this.size++;
  }

  /** Begins a round with everything that waits. */
  openRound(index: number, sentMs: number, sentTick: number): ReadRound {
    const round = { sequence: ++this.sequence, index, waiters: this.waiting, sentMs, sentTick };
    this.rounds.push(round);
    this.waiting = [];
    return round;
  }

  /** Removes everything that waits for a round: it needs none. */
  takeWaiting(): readonly ReadWaiter[] {
    const waiting = this.waiting;
    this.waiting = [];
    this.size -= waiting.length;
    return waiting;
  }

  /** Removes the rounds that a quorum has confirmed: it cannot have heard of a later one and not of these. */
  takeConfirmed(sequence: number): readonly ReadRound[] {
    let count = 0;
    while (count < this.rounds.length && this.rounds[count].sequence <= sequence) count++;
    if (count === 0) return [];
    const confirmed = this.rounds.splice(0, count);
    for (const round of confirmed) this.size -= round.waiters.length;
    return confirmed;
  }

  /** Bundles everything that waits into one question to the leader. */
  forward(tick: number): ForwardedReads {
    const reads = { batch: ++this.batch, tokens: this.waiting.map((waiter) => waiter.token), sentTick: tick };
    this.forwarded.push(reads);
    this.waiting = [];
    return reads;
  }

  /** The bundle that an answer belongs to; undefined when it was answered or given up before. */
  takeForwarded(batch: number): ForwardedReads | undefined {
    const at = this.forwarded.findIndex((reads) => reads.batch === batch);
    if (at < 0) return undefined;
    const reads = this.forwarded.splice(at, 1)[0];
    this.size -= reads.tokens.length;
    return reads;
  }

  /** Gives up bundles sent before `tick`; their tokens go to `dropped`. */
  expireForwarded(tick: number, dropped: number[]): void {
    while (this.forwarded.length > 0 && this.forwarded[0].sentTick < tick) {
      const reads = this.forwarded.shift()!;
      this.size -= reads.tokens.length;
      for (const token of reads.tokens) dropped.push(token);
    }
  }

  /** The role has changed: nobody will answer. Local tokens go to `dropped`; followers find out by themselves. */
  clear(dropped: number[]): void {
    if (this.size === 0 && this.rounds.length === 0) return;
    this.expireForwarded(Number.POSITIVE_INFINITY, dropped);
    for (const round of this.rounds) dropLocal(round.waiters, dropped);
    dropLocal(this.waiting, dropped);
    this.waiting = [];
    this.rounds = [];
    this.size = 0;
  }
}

function dropLocal(waiters: readonly ReadWaiter[], dropped: number[]): void {
  for (const waiter of waiters) if (waiter.from === 0) dropped.push(waiter.token);
}
