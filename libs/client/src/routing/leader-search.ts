import type { NodeId, Random } from '@holdfast/io';
import { type BackoffRange, equalJitterMs } from '../retry/backoff.ts';

export interface LeaderSearchOptions {
  readonly roundMs: BackoffRange;
  /** A node that was asked and is silent for this long no longer counts as asked. */
  readonly patienceMs: number;
}

/** Hints followed without a pause; two nodes that point at each other must not make a storm. */
const HINTS_PER_ROUND_MAX = 2;

/**
 * Finds the leader of one range by asking: a hint first, then each replica in turn, then a pause that grows, then
 * again. Decides only; its owner sends one operation to each node that {@link next} names and tells how it went.
 */
export class LeaderSearch {
  readonly #options: LeaderSearchOptions;
  readonly #replicas: readonly NodeId[];
  readonly #triedInRound = new Set<NodeId>();
  /** When nodes were asked that have not answered, in milliseconds. */
  readonly #askedAtMs = new Map<NodeId, number>();
  #hint: NodeId | 0;
  #hintsInRound = 0;
  #round = 0;

  /** @param lost the leader until now, which is asked last; 0 = none. */
  constructor(replicas: readonly NodeId[], lost: NodeId | 0, hint: NodeId | 0, options: LeaderSearchOptions) {
    const at = replicas.indexOf(lost as NodeId);
    this.#replicas = at < 0 ? replicas : [...replicas.slice(at + 1), ...replicas.slice(0, at), replicas[at]];
    this.#hint = hint;
    this.#options = options;
  }

  get round(): number {
    return this.#round;
  }

  /** Someone says that `node` leads. True when it is worth asking before the pause is over. */
  hinted(node: NodeId): boolean {
    if (this.#hintsInRound >= HINTS_PER_ROUND_MAX || this.#askedAtMs.has(node)) return false;
    this.#hint = node;
    return true;
  }

  /** `node` does not lead, or cannot be reached. True when it had been asked. */
  refused(node: NodeId): boolean {
    if (this.#hint === node) this.#hint = 0;
    return this.#askedAtMs.delete(node);
  }

  /** Whom to ask now, 0 = nobody: pause for {@link pauseMs}, then {@link beginRound}. */
  next(nowMs: number, usable: (node: NodeId) => boolean): NodeId | 0 {
    const hint = this.#hint;
    this.#hint = 0;
    if (hint !== 0 && !this.#isAsked(hint, nowMs) && usable(hint)) {
      this.#hintsInRound++;
      return this.#ask(hint, nowMs);
    }
    for (const node of this.#replicas) {
      if (!this.#triedInRound.has(node) && !this.#isAsked(node, nowMs) && usable(node))
        return this.#ask(node, nowMs);
    }
    return 0;
  }

  /** How long to pause before the next round, in milliseconds. */
  pauseMs(random: Random): number {
    return equalJitterMs(this.#options.roundMs, this.#round, random);
  }

  beginRound(): void {
    this.#round++;
    this.#hintsInRound = 0;
    this.#triedInRound.clear();
  }

  #ask(node: NodeId, nowMs: number): NodeId {
    this.#triedInRound.add(node);
    this.#askedAtMs.set(node, nowMs);
    return node;
  }

  #isAsked(node: NodeId, nowMs: number): boolean {
    const atMs = this.#askedAtMs.get(node);
    return atMs !== undefined && nowMs - atMs < this.#options.patienceMs;
  }
}
