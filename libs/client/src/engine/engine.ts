import type { Address, Cancel, Clock, Kernels, Network, NodeId, Random, RangeId } from '@holdfast/io';
import {
  Consistency,
  type DataResponseReader,
  DEADLINE_MS_MAX,
  ERRORS,
  type Frame,
  type Hello,
  HoldfastError,
  OpKind,
  type RangeMap as WireRangeMap,
} from '@holdfast/wire';
import {
  ATTEMPTS_MAX,
  CONNECTIONS_LOST_MAX,
  MAP_AGE_MAX_MS,
  POOLED_OPS_MAX,
  RETRY_BUDGET,
  RETRY_MS,
  SLOW_ANSWER_MS,
} from '../limits.ts';
import { helloOf, type VersionRange } from '../link/hello.ts';
import type { LinkOwner } from '../link/link-owner.ts';
import type { NodeLink } from '../link/node-link.ts';
import type { ClientObserver } from '../observer.ts';
import type { Operation, OpSink } from '../operation.ts';
import { fullJitterMs } from '../retry/backoff.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { chooseRetry, isSafeToResend } from '../retry/retry-policy.ts';
import type { Route } from '../routing/route.ts';
import { Alarm } from './alarm.ts';
import { anyReplica } from './any-replica.ts';
import { Answer } from './answer.ts';
import { closedError, deadlineError, FATAL, LEADER_TROUBLE, NODE_TROUBLE, toldError } from './judgement.ts';
import type { HedgeTarget } from './hedged-reads.ts';
import { Leaders, type LeadersHost } from './leaders.ts';
import { LinkTable } from './link-table.ts';
import { EverywhereLookup, type LookupHost } from './lookup.ts';
import { MapSource, type MapSourceHost } from './map-source.ts';
import { PendingOp } from './pending-op.ts';
import { Readiness, type ReadyCallback } from './readiness.ts';
import { overload, refusalOf } from './refusal.ts';
import { Router, routingRefusal } from '../routing/router.ts';
import type { WatchHandle, WatchQuery, WatchSink } from '../watch/watch-query.ts';
import type { Ticket } from '../transport.ts';
import { Watches, type WatchesHost } from '../watch/watches.ts';

export interface EngineOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;
  readonly observer: ClientObserver;
  readonly seeds: readonly Address[];
  /** CLUSTER_ID_BYTES bytes, or empty: then the first cluster that answers is the one. */
  readonly clusterId: Uint8Array;
  readonly token: string;
  readonly agent: string;
  readonly versions: VersionRange;
  readonly deadlineMs: number;
  readonly forOthers: boolean;
}

/**
 * Carries operations from {@link submit} to their sink: finds range and leader, queues on the node's link, judges what
 * comes back, tries again where that is safe (D7), and ends every wait at its deadline. Callbacks only; promises are
 * put on top.
 *
 * An operation is always on the wheel (deadline or retry) and besides in at most one of: the queue of a link, a sent
 * batch, the parked list of a route, a list of the map source.
 */
export class Engine implements HedgeTarget, LinkOwner, LeadersHost, LookupHost, MapSourceHost, WatchesHost {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly kernels: Kernels;
  readonly observer: ClientObserver;
  readonly #options: EngineOptions;
  readonly #links: LinkTable;
  readonly #router = new Router();
  readonly #leaders: Leaders;
  readonly #mapSource: MapSource;
  readonly #watches: Watches;
  readonly #budget = new RetryBudget(RETRY_BUDGET);
  readonly #alarm: Alarm;
  readonly #pool: PendingOp[] = [];
  readonly #dirty: NodeLink[] = [];
  #flushPlanned = false;
  #clusterId: Uint8Array;
  #mapAtMs = 0;
  #pendingOps = 0;
  #pendingBytes = 0;
  #closed = false;
  #lastTrouble: HoldfastError | undefined;
  /** Told when the first map is there, or never will be. */
  readonly #readiness = new Readiness();

  constructor(options: EngineOptions) {
    this.network = options.network;
    this.clock = options.clock;
    this.random = options.random;
    this.kernels = options.kernels;
    this.observer = options.observer;
    this.#options = options;
    this.#clusterId = options.clusterId;
    this.#links = new LinkTable(this, options.seeds);
    this.#alarm = new Alarm(this.clock, (op, nowMs) => this.#wake(op, nowMs));
    this.#leaders = new Leaders(this);
    this.#mapSource = new MapSource(this);
    this.#watches = new Watches(this, this.#router, this.#leaders);
  }

  get pendingOps(): number {
    return this.#pendingOps;
  }

  get lastTrouble(): HoldfastError | undefined {
    return this.#lastTrouble;
  }

  whenReady(callback: ReadyCallback): Cancel {
    const forget = this.#readiness.add(callback);
    if (this.#closed) this.#readiness.tell(closedError());
    else if (this.#router.map !== undefined) this.#readiness.tell(undefined);
    else this.#mapSource.refresh();
    return forget;
  }

  submit(operation: Operation, sink: OpSink, tag: number): Ticket | undefined {
    const everywhere = operation.kind === OpKind.lookup && operation.range === undefined;
    if (!everywhere || this.#closed || refusalOf(operation) !== undefined)
      return this.submitTo(operation, sink, tag);
    return new EverywhereLookup(this, operation, sink, tag, this.#deadlineOf(operation));
  }

  /** To one range. @param avoid a node that must not answer a weak read; 0 = none. */
  submitTo(operation: Operation, sink: OpSink, tag: number, avoid: NodeId | 0 = 0): PendingOp | undefined {
    const refusal = this.#closed
      ? closedError()
      : (refusalOf(operation) ?? overload(this.#pendingOps, this.#pendingBytes));
    if (refusal !== undefined) {
      this.clock.defer(() => sink.failed(refusal, tag));
      return undefined;
    }
    const nowMs = this.clock.monotonicMs();
    const deadlineMs = this.#deadlineOf(operation);
    const op = this.#pool.pop() ?? new PendingOp();
    op.begin(operation, sink, tag, nowMs + deadlineMs, avoid);
    this.#pendingOps++;
    this.#pendingBytes += op.bytes;
    this.#alarm.set(op, op.deadlineAtMs, nowMs);
    this.dispatch(op);
    return op;
  }

  /** Ranges of the map in use. */
  get ranges(): readonly RangeId[] {
    return this.#router.routes.map(({ rangeId }) => rangeId);
  }

  cancel(ticket: Ticket, serial: number, cause: unknown): void {
    if (ticket instanceof EverywhereLookup) ticket.cancel(cause);
    else this.#cancelOp(ticket as PendingOp, serial, cause);
  }

  #cancelOp(op: PendingOp, serial: number, cause: unknown): void {
    if (op.serial !== serial) return;
    const outcome = op.isWrite && (op.batch !== undefined || op.maybeApplied) ? 'unknown' : 'not_applied';
    this.#fail(op, new HoldfastError('HF_CANCELLED', { outcome, cause }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watches.close(closedError());
    this.#mapSource.close();
    for (const route of this.#router.routes) this.#leaders.stop(route);
    this.#alarm.drain((op) => this.cancel(op, op.serial, undefined));
    this.#links.close(closedError());
    this.#readiness.tell(closedError());
  }

  watch(query: WatchQuery, sink: WatchSink): WatchHandle {
    return this.#watches.open(query, sink);
  }

  // Routing.

  /** Sends an operation on its way, or lets it wait where it is noticed when there is one. */
  dispatch(op: PendingOp): void {
    const { map } = this.#router;
    if (map === undefined) {
      op.mapAsks++;
      this.#mapSource.wait(op);
      return;
    }
    const miss = this.#router.resolve(op);
    const refusal = routingRefusal(miss, op.mapAsks);
    if (refusal !== undefined) {
      this.#fail(op, new HoldfastError(refusal));
      return;
    }
    const { route } = op;
    if (miss !== undefined || route === undefined) {
      this.#wantMap(op, 'no range for the key');
      return;
    }
    if (op.anyReplica) {
      this.#dispatchToAny(op, route);
      return;
    }
    if (route.leader !== 0 && route.search === undefined) {
      const link = this.#links.of(route.leader);
      // A closed circuit does not look at the clock.
      if (link?.admit(link.breaker.closed ? 0 : this.clock.monotonicMs()) === true) {
        link.enqueue(op);
        return;
      }
      this.#leaders.lost(route, route.leader);
    }
    this.#leaders.park(route, op);
  }

  #dispatchToAny(op: PendingOp, route: Route): void {
    const link = anyReplica(this.#links, route, op.avoid, this.clock.monotonicMs());
    if (link !== undefined) {
      link.enqueue(op);
      return;
    }
    op.lastTrouble = 'no replica can be reached';
    this.#retryIn(op, fullJitterMs(RETRY_MS, Math.min(op.attempts + 1, 3), this.random));
  }

  #wantMap(op: PendingOp, trouble: string): void {
    op.lastTrouble = trouble;
    op.mapAsks++;
    if (op.mapAsks === 1) {
      this.#mapSource.wait(op);
      return;
    }
    op.wantsMap = true;
    this.#retryIn(op, fullJitterMs(RETRY_MS, op.mapAsks - 2, this.random));
  }

  // What links tell.

  hello(link: NodeLink): Hello {
    const { token, agent, versions } = this.#options;
    return helloOf(this.#clusterId, link.expected, token, agent, versions);
  }

  linkReady(link: NodeLink, clusterId: Uint8Array): void {
    if (this.#clusterId.length === 0) this.#clusterId = clusterId;
    if (link.nodeId !== 0) this.observer.connected?.(link.address, link.nodeId);
    this.#mapSource.linkReady();
  }

  linkDown(link: NodeLink, reason: HoldfastError): void {
    this.observer.disconnected?.(link.address, link.nodeId, reason);
    this.#watches.linkDown(link);
    if (link.nodeId !== 0) this.#leaders.nodeDown(link.nodeId);
    if (this.#closed) return;
    this.#lastTrouble = reason;
    if (reason.code === 'HF_WRONG_NODE') this.#mapSource.refresh();
    if (this.#router.map === undefined && FATAL.has(reason.code)) {
      this.#readiness.tell(reason);
      this.#mapSource.giveUp((op) => this.#fail(op, reason));
    }
  }

  watchFrame(link: NodeLink, frame: Frame): void {
    this.#watches.received(link, frame);
  }

  linkDirty(link: NodeLink): void {
    if (!link.dirty) {
      link.dirty = true;
      this.#dirty.push(link);
    }
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    this.clock.defer(this.#flush);
  }

  linkOf(node: NodeId): NodeLink | undefined {
    return this.#links.of(node);
  }

  routes(): Iterable<Route> {
    return this.#router.routes;
  }

  linksToAsk(): readonly NodeLink[] {
    const rotated = this.#links.rotated();
    // The first range holds the map itself: its leader knows of changes before anybody else.
    const leader = this.#router.routes[0]?.leader ?? 0;
    const best = leader === 0 ? undefined : this.#links.of(leader);
    return best?.ready === true ? [best, ...rotated] : rotated;
  }

  mapGeneration(): number {
    return this.#router.map?.generation ?? 0;
  }

  readonly refreshMap = (): void => this.#mapSource.refresh();

  mapArrived(link: NodeLink, content: WireRangeMap): void {
    this.#mapAtMs = this.clock.monotonicMs();
    const current = this.#router.map;
    // An empty map says that ours is the newest; one of an older generation, that this node is behind.
    if (content.nodes.length > 0 && content.generation >= (current?.generation ?? 0)) {
      const stranded = this.#router.install(content);
      if (this.#router.map !== undefined) this.#links.follow(this.#router.map);
      for (const route of stranded) {
        this.#leaders.stop(route);
        this.#leaders.release(route);
      }
      this.observer.mapLearned?.(content.generation);
      this.#lastTrouble = undefined;
      this.#readiness.tell(undefined);
    }
    if (this.#router.map === undefined) this.mapFailed(link, new HoldfastError('HF_UNAVAILABLE'));
    else this.#mapSource.arrived(link);
  }

  mapFailed(link: NodeLink, reason: HoldfastError): void {
    this.#mapSource.failed(link, reason);
  }

  answered(op: PendingOp, link: NodeLink, reader: DataResponseReader, i: number): void {
    if (!reader.ok(i)) {
      this.#tryFailed(op, link, reader.error(i));
      return;
    }
    link.breaker.succeeded();
    this.#budget.succeeded();
    const { route } = op;
    if (route !== undefined && (!op.anyReplica || reader.served(i) === Consistency.strong)) {
      this.#leads(route, link);
    }
    const isInterval = op.kind === OpKind.scan || op.kind === OpKind.deleteRange;
    const resumeKey = isInterval ? this.#router.resumeKey(op, reader.resumeKey(i)) : undefined;
    const { sink, tag, isWrite } = op;
    this.#finish(op);
    sink?.done(new Answer(reader, i, isWrite, resumeKey), tag);
  }

  refused(op: PendingOp, link: NodeLink, error: HoldfastError): void {
    this.#tryFailed(op, link, error);
  }

  lost(op: PendingOp, _link: NodeLink, reason: HoldfastError): void {
    const detail = reason.detail ?? reason.message;
    op.lastTrouble = detail;
    if (op.isWrite) op.maybeApplied = true;
    const again =
      isSafeToResend(op.isWrite, 'unknown', op.idempotent) && ++op.connectionsLost < CONNECTIONS_LOST_MAX;
    if (again) {
      this.observer.retried?.(reason.code, 0);
      this.dispatch(op);
      return;
    }
    this.#fail(op, new HoldfastError('HF_CONNECTION_LOST', { detail, cause: reason }));
  }

  unsent(op: PendingOp, _link: NodeLink, reason: HoldfastError): void {
    op.lastTrouble = reason.message;
    if (FATAL.has(reason.code)) this.#fail(op, reason);
    else this.dispatch(op);
  }

  // Judgement.

  #tryFailed(op: PendingOp, link: NodeLink, error: HoldfastError): void {
    const { code } = error;
    const { route } = op;
    const node = link.nodeId;
    const outcome = op.isWrite ? error.outcome : 'not_applied';
    if (outcome !== 'not_applied') op.maybeApplied = true;
    op.lastTrouble = error.message;
    if (NODE_TROUBLE.has(code)) link.breaker.failed(this.clock.monotonicMs(), false);
    else link.breaker.succeeded();

    if (isSafeToResend(op.isWrite, outcome, op.idempotent)) {
      if (code === 'HF_NOT_LEADER') {
        if (route !== undefined && node !== 0) this.#leaders.refused(route, node, error.leaderHint ?? 0);
        op.anyReplica = false;
        this.dispatch(op);
        return;
      }
      if (LEADER_TROUBLE.has(code) && route !== undefined && node !== 0 && !op.anyReplica) {
        // Another leader is to be expected; the search for it sets the pace.
        this.#leaders.lost(route, node);
        this.dispatch(op);
        return;
      }
      if (code === 'HF_WRONG_RANGE') {
        this.#wantMap(op, error.message);
        return;
      }
      // Another replica may be further; if none is, the leader is.
      if (code === 'HF_REPLICA_BEHIND' && op.attempts + 1 >= (route?.range.replicas.length ?? 0))
        op.anyReplica = false;
    }
    if (route !== undefined && ERRORS[code].number >= 200 && ERRORS[code].number < 300 && !op.anyReplica) {
      this.#leads(route, link);
    }
    const choice = chooseRetry({
      code,
      outcome,
      write: op.isWrite,
      idempotent: op.idempotent,
      attempts: ++op.attempts,
      attemptsMax: ATTEMPTS_MAX,
      remainingMs: op.deadlineAtMs - this.clock.monotonicMs(),
      backoffMs: fullJitterMs(RETRY_MS, op.attempts - 1, this.random),
      retryAfterMs: error.retryAfterMs ?? 0,
    });
    if (choice.kind === 'retry' && this.#budget.spend()) {
      this.observer.retried?.(code, choice.delayMs);
      this.#retryIn(op, choice.delayMs);
      return;
    }
    this.#fail(op, error);
  }

  /** The node has answered for the range as only its leader does. */
  #leads(route: Route, link: NodeLink): void {
    const { nodeId } = link;
    if (nodeId !== 0 && (route.leader !== nodeId || route.search !== undefined))
      this.#leaders.found(route, nodeId);
  }

  #expire(op: PendingOp): void {
    const { batch } = op;
    const nowMs = this.clock.monotonicMs();
    // A caller in a hurry must not close the way to a healthy node for everybody else.
    if (batch !== undefined && nowMs - batch.sentAtMs >= SLOW_ANSWER_MS)
      batch.link.breaker.failed(nowMs, false);
    const noMap = op.lastTrouble === '' && this.#router.map === undefined;
    this.#fail(op, deadlineError(op, noMap ? (this.#lastTrouble?.message ?? '') : op.lastTrouble));
  }

  /** Tells the sink. An operation that may have been applied by an earlier try is never said not to have been. */
  #fail(op: PendingOp, error: HoldfastError): void {
    const { sink, tag } = op;
    const told = toldError(op, error, this.#options.forOthers);
    this.#finish(op);
    sink?.failed(told, tag);
  }

  /** Takes an operation out of wherever it is; the object may be another operation afterwards. */
  #finish(op: PendingOp): void {
    this.#alarm.clear(op);
    op.list?.remove(op);
    op.batch?.link.forget(op);
    this.#pendingOps--;
    this.#pendingBytes -= op.bytes;
    op.end();
    if (this.#pool.length < POOLED_OPS_MAX) this.#pool.push(op);
  }

  // Time.

  #retryIn(op: PendingOp, delayMs: number): void {
    const nowMs = this.clock.monotonicMs();
    this.#alarm.clear(op);
    this.#alarm.set(op, Math.min(nowMs + delayMs, op.deadlineAtMs), nowMs);
  }

  #wake(op: PendingOp, nowMs: number): void {
    if (nowMs >= op.deadlineAtMs) {
      this.#expire(op);
      return;
    }
    this.#alarm.set(op, op.deadlineAtMs, nowMs);
    if (op.wantsMap) {
      op.wantsMap = false;
      this.#mapSource.wait(op);
    } else {
      this.dispatch(op);
    }
  }

  /** The end of the turn: every link with something to write writes. */
  readonly #flush = (): void => {
    this.#flushPlanned = false;
    const nowMs = this.clock.monotonicMs();
    for (const link of this.#dirty.splice(0)) {
      link.dirty = false;
      link.pump(nowMs);
    }
    if (this.#router.map !== undefined && nowMs - this.#mapAtMs > MAP_AGE_MAX_MS) this.#mapSource.refresh();
  };

  #deadlineOf({ deadlineMs = this.#options.deadlineMs }: Operation): number {
    return Math.min(Math.max(0, deadlineMs), DEADLINE_MS_MAX);
  }
}
