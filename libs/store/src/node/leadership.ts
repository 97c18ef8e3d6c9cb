import type { Cancel, Clock, NodeId } from '@holdfast/io';
import type { Replica } from '../range/replica.ts';

/**
 * A cluster that starts need not wait out an election timeout. Of the voters of a range, one is preferred. Asking
 * costs nothing where a leader exists: pre-vote and stickiness refuse.
 *
 * @param leaders `together`: the first voter of every range; `spread`: the voters in turn.
 */
export function campaignWherePreferred(
  replica: Replica,
  self: NodeId,
  leaders: 'together' | 'spread',
  connected: (node: NodeId) => boolean,
): void {
  const { voters } = replica.descriptor.conf;
  const reachable = voters.filter((voter) => voter === self || connected(voter)).length;
  const turn = leaders === 'spread' ? replica.id % voters.length : 0;
  const preferred = voters[turn] === self;
  if (preferred && replica.leader === 0 && reachable > voters.length / 2) replica.raft.campaign();
}

/** Ticks between two offers of a node without room: the others may have none either. */
const OFFER_TICKS = 100;

/**
 * A node whose disk is full takes no writes. Somebody else may have room: it offers the ranges that it leads to those
 * who are furthest, now and then as long as it lasts.
 */
export class RoomWatch {
  #ticks = 0;

  /** @returns the ranges that were offered: they have messages to send */
  tick(hasNoRoom: boolean, replicas: Iterable<Replica>): readonly Replica[] {
    if (!hasNoRoom) {
      this.#ticks = 0;
      return [];
    }
    if (this.#ticks++ % OFFER_TICKS !== 0) return [];
    return [...replicas].filter((replica) => replica.isLeader && replica.raft.transferLeadership().ok);
  }
}

/** A node that stops gives the ranges that it leads to others, and waits until they have them. */
export class HandOver {
  readonly #led: readonly Replica[];
  readonly #idle: () => boolean;
  #finish: (() => void) | undefined;
  #cancelDeadline: Cancel | undefined;

  /** @param idle whether every request has its answer */
  constructor(replicas: Iterable<Replica>, connected: (node: NodeId) => boolean, idle: () => boolean) {
    const led: Replica[] = [];
    for (const replica of replicas) {
      const heir = replica.descriptor.conf.voters.find((voter) => connected(voter));
      if (replica.isLeader && heir !== undefined && replica.raft.transferLeadership(heir).ok)
        led.push(replica);
    }
    this.#led = led;
    this.#idle = idle;
  }

  /** What is being given away: it has messages to send. */
  get led(): readonly Replica[] {
    return this.#led;
  }

  /** Something may have changed. Called at the end of every turn. */
  check(): void {
    if (this.#finish === undefined || !this.#done()) return;
    this.#cancelDeadline?.();
    this.#finish();
  }

  /** Resolves when it is done, or when `patienceMs` are over. */
  ended(clock: Clock, patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#cancelDeadline = clock.schedule(patienceMs, resolve);
      this.check();
    });
  }

  #done(): boolean {
    return this.#idle() && !this.#led.some((replica) => replica.isLeader);
  }
}
