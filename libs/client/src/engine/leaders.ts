import { assert, type Clock, type NodeId, type Random, randomFraction } from '@holdfast/io';
import { SEARCH_FIRST_MS, SEARCH_PATIENCE_MS, SEARCH_ROUND_MS } from '../limits.ts';
import type { NodeLink } from '../link/node-link.ts';
import type { ClientObserver } from '../observer.ts';
import { LeaderSearch } from '../routing/leader-search.ts';
import type { Route } from '../routing/route.ts';
import type { PendingOp } from './pending-op.ts';

export interface LeadersHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: ClientObserver;
  linkOf(node: NodeId): NodeLink | undefined;
  /** The map seems to be older than the cluster: asks for a newer one. */
  refreshMap(): void;
  routes(): Iterable<Route>;
  /** Sends an operation on its way again. */
  dispatch(op: PendingOp): void;
}

/**
 * Keeps track of who leads each range. While a leader is unknown, operations that need it are parked, and one of them
 * at a time is sent to a replica to find out: hundreds of waiting operations do not ask hundreds of times, and a
 * write that is lost on the way is one, not all.
 */
export class Leaders {
  readonly #host: LeadersHost;

  constructor(host: LeadersHost) {
    this.#host = host;
  }

  /** Keeps an operation until the leader is found. */
  park(route: Route, op: PendingOp): void {
    route.parked.push(op);
    if (route.search === undefined) this.#begin(route, 0);
    else if (route.cancelTimer === undefined) this.#drive(route);
  }

  /** `node` has proved that it leads the range. */
  found(route: Route, node: NodeId): void {
    if (route.leader === node && route.search === undefined) return;
    route.leader = node;
    route.lostLeader = 0;
    route.search = undefined;
    this.#stopTimer(route);
    this.#host.observer.leaderFound?.(route.rangeId, node);
    this.release(route);
  }

  /** `node` says that it does not lead; `hint` is who may, 0 = unknown. */
  refused(route: Route, node: NodeId, hint: NodeId | 0): void {
    if (route.search === undefined) {
      // An answer from a node that is no longer believed to lead says nothing new.
      if (route.leader !== node) return;
      this.#forget(route);
      this.#begin(route, hint === node ? 0 : hint);
      return;
    }
    const asked = route.search.refused(node);
    const worthwhile = hint !== 0 && hint !== node && route.search.hinted(hint);
    if (worthwhile) this.#hinted(hint);
    if (worthwhile || (asked && !route.pausing)) {
      this.#stopTimer(route);
      this.#drive(route);
    }
  }

  /** `node` cannot be reached, or does not work as a leader now. */
  lost(route: Route, node: NodeId): void {
    route.search?.refused(node);
    if (route.leader === node) this.#forget(route);
  }

  /** The same for everything that the node leads. */
  nodeDown(node: NodeId): void {
    for (const route of this.#host.routes()) this.lost(route, node);
  }

  /** Sends everything that is parked on its way again. */
  release(route: Route): void {
    // Operations that find no way come back to the end of the list.
    for (let left = route.parked.length; left > 0; left--) {
      const op = route.parked.shift();
      if (op === undefined) return;
      this.#host.dispatch(op);
    }
  }

  /** Ends the search, without a result. */
  stop(route: Route): void {
    route.search = undefined;
    this.#stopTimer(route);
  }

  #forget(route: Route): void {
    assert(route.leader !== 0, 'there was a leader');
    this.#host.observer.leaderLost?.(route.rangeId, route.leader);
    route.lostLeader = route.leader;
    route.leader = 0;
  }

  #begin(route: Route, hint: NodeId | 0): void {
    const { range, lostLeader } = route;
    const options = { roundMs: SEARCH_ROUND_MS, patienceMs: SEARCH_PATIENCE_MS };
    route.search = new LeaderSearch(range.replicas, lostLeader, hint, options);
    if (hint !== 0) this.#hinted(hint);
    if (hint === 0 && lostLeader !== 0) {
      // It has just been lost: give the others the time of an election before they are asked.
      const { min, max } = SEARCH_FIRST_MS;
      this.#pause(route, min + (max - min) * randomFraction(this.#host.random), false);
    } else {
      this.#drive(route);
    }
  }

  /** Somebody names `node`. One that the map does not know has joined since. */
  #hinted(node: NodeId): void {
    const link = this.#host.linkOf(node);
    if (link === undefined) this.#host.refreshMap();
    else link.breaker.hinted(this.#host.clock.monotonicMs());
  }

  /** Asks the next candidate with the operation that waits longest, or pauses. */
  #drive(route: Route): void {
    const { search } = route;
    if (search === undefined || route.parked.first === undefined) return;
    const { clock, random } = this.#host;
    const nowMs = clock.monotonicMs();
    const node = search.next(nowMs, (candidate) => this.#host.linkOf(candidate)?.usable(nowMs) === true);
    const link = node === 0 ? undefined : this.#host.linkOf(node);
    if (link === undefined || !link.admit(nowMs)) {
      this.#pause(route, search.pauseMs(random), true);
      return;
    }
    const op = route.parked.first;
    route.parked.remove(op);
    link.enqueue(op);
    this.#stopTimer(route);
    // Whoever says nothing is not waited for: the next operation asks the next candidate, and so does this one when
    // it has not left because its connection is not there yet.
    const { serial } = op;
    route.cancelTimer = clock.schedule(SEARCH_PATIENCE_MS, () => {
      route.cancelTimer = undefined;
      if (op.serial === serial && link.takeBack(op)) route.parked.unshift(op);
      this.#drive(route);
    });
  }

  #pause(route: Route, delayMs: number, newRound: boolean): void {
    this.#stopTimer(route);
    route.pausing = true;
    route.cancelTimer = this.#host.clock.schedule(delayMs, () => {
      route.cancelTimer = undefined;
      route.pausing = false;
      if (newRound) {
        // Nobody that the map names leads: the range may have moved to others.
        this.#host.refreshMap();
        route.search?.beginRound();
      }
      this.#drive(route);
    });
  }

  #stopTimer(route: Route): void {
    route.cancelTimer?.();
    route.cancelTimer = undefined;
    route.pausing = false;
  }
}
