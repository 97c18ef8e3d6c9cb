import { asError, assert, compareBytes, EMPTY_BYTES, type Kernels } from '@holdfast/io';
import {
  type ChangeKind,
  encodeChange,
  encodeWatchEnd,
  encodeWatchEvents,
  WATCHES_PER_FRAME_MAX,
} from '@holdfast/wire';
import type { ChangeTap } from '../range/change-tap.ts';
import { readStoredValue } from '../range/stored-value.ts';
import { toHex } from '../range/descriptor.ts';
import { REVISIONS_PER_MS } from '../hybrid-clock.ts';
import { userKeyOf } from '../tree-keys.ts';
import { ChangeRing } from './change-ring.ts';
import type { Piece } from './catch-up.ts';
import { framesOf } from './cut-frames.ts';
import { type Interval, IntervalIndex } from './interval-index.ts';
import type { EndReason, Shape, Watcher, WatchPort, WatchQuery } from './watcher.ts';

/** Who was told that its changes are gone has this long to begin anew, in milliseconds. */
const RETURN_MS = 10_000;

export interface FeedLimits {
  /** Recent changes kept in memory while somebody watches, per range. */
  readonly ringBytesMax: number;
  /** Changes in one frame, unless one transaction is larger. */
  readonly frameBytesMax: number;
  /** Bytes queued for a connection above which its watchers wait. */
  readonly queueBytesMax: number;
  /** Changes of the ring that are looked at for watchers behind the head before other work gets its turn. */
  readonly visitsPerTurn: number;
  /**
   * Between two deliveries, for each connection that watches, in milliseconds: every one costs a system call, and what
   * comes meanwhile shares it.
   */
  readonly deliveryMsPerConnection: number;
  /** Between two deliveries, at most, in milliseconds. */
  readonly deliveryMsMax: number;
  /** A watcher that takes nothing for this long is told so and dropped, in milliseconds. */
  readonly stallMsMax: number;
}

export interface FeedHost {
  readonly kernels: Kernels;
  readonly limits: FeedLimits;
  nowMs(): number;
  /** Changes in the interval at or below this revision may be gone from the tree. */
  horizon(interval: Interval): number;
  /** Reads a piece of `interval` out of the tree as it is when the read begins, which may be later. */
  read(interval: Interval, after: () => number, head: () => number): Promise<Piece>;
  /** Calls back after `delayMs`; with 0, at the end of this turn. */
  later(delayMs: number, task: () => void): void;
}

/**
 * The changes of one range on their way to those who watch it.
 *
 * A watcher is a position, not a queue. Live ones are at the head and get each turn's changes in one frame for all
 * that want the same. One that could not take them stays behind and is served from the ring of recent changes, or,
 * when that has moved on, from the versions that the tree keeps. So a slow watcher costs no memory of its own.
 *
 * The head is the range's applied revision, as of the last delivery. Revisions grow along the log, so nothing at or below it is still to
 * come: every frame tells it as progress.
 */
export class RangeFeed implements ChangeTap {
  readonly #host: FeedHost;
  readonly #shapes = new Map<string, Shape>();
  readonly #index = new IntervalIndex<Shape>();
  readonly #watchers = new Map<WatchPort, Map<number, Watcher>>();
  readonly #behind = new Set<Watcher>();
  #ring: ChangeRing;
  /** What the live are complete up to. */
  #head: number;
  /** What the range has applied: it becomes the head with the next delivery. */
  #reached: number;
  #deliveryPlanned = false;
  /** Number in the ring of the first change that the live have not got. */
  #sent: number;
  #count = 0;
  #pumpPlanned = false;
  /** When the head moved last, monotonic milliseconds. */
  #movedMs: number;

  /** @param head the revision that the range has applied. */
  constructor(host: FeedHost, head: number) {
    this.#host = host;
    this.#head = head;
    this.#reached = head;
    this.#ring = new ChangeRing(head, host.limits.ringBytesMax);
    this.#sent = this.#ring.next;
    this.#movedMs = host.nowMs();
  }

  get watchers(): number {
    return this.#count;
  }

  get head(): number {
    return this.#head;
  }

  /** How long the head has stood still, in milliseconds. */
  stillMs(): number {
    return this.#host.nowMs() - this.#movedMs;
  }

  /** The shortest time between progress marks that somebody wants, in milliseconds. */
  progressMsMin(): number {
    let shortest = Number.POSITIVE_INFINITY;
    for (const watcher of this.#all()) shortest = Math.min(shortest, watcher.progressMs);
    return shortest;
  }

  // ChangeTap

  changed(kind: ChangeKind, key: Uint8Array, revision: number, stored: Uint8Array | undefined): void {
    const treeKey = key.slice();
    const { contentType, value } = stored === undefined ? NOTHING : readStoredValue(stored);
    const bytes = encodeChange(kind, revision, userKeyOf(treeKey), contentType, value);
    this.#ring.push({ revision, key: treeKey, bytes });
  }

  advanced(revision: number): void {
    assert(revision >= this.#reached, 'the applied revision never goes back');
    this.#reached = revision;
    if (revision === this.#head || this.#deliveryPlanned) return;
    const { deliveryMsPerConnection, deliveryMsMax } = this.#host.limits;
    const pauseMs = Math.min(deliveryMsMax, this.#watchers.size * deliveryMsPerConnection);
    this.#deliveryPlanned = true;
    // Writers hear before watchers do.
    this.#host.later(Math.max(0, this.#movedMs + pauseMs - this.#host.nowMs()), () => this.#deliver());
  }

  #deliver(): void {
    this.#deliveryPlanned = false;
    const before = this.#head;
    this.#head = this.#reached;
    this.#movedMs = this.#host.nowMs();
    if (this.#ring.floor > before) {
      // More in one turn than the ring holds.
      for (const watcher of this.#all()) if (watcher.live) this.#fallBehind(watcher, before);
      this.#sent = this.#ring.first;
    }
    this.#sendLive(before);
    this.#pump();
  }

  replaced(): void {
    this.endAll({ reason: 'HF_NOT_LEADER', detail: 'the replica took over a snapshot' });
  }

  // Watchers

  start(port: WatchPort, id: number, query: WatchQuery): void {
    assert(this.find(port, id) === undefined, 'a watch has a name of its own');
    const shape = this.#shapeOf(query);
    const watcher: Watcher = {
      port,
      id,
      shape,
      progressMs: query.progressMs,
      position: query.after === 0 ? this.#head : query.after,
      live: false,
      credit: query.credit,
      toldMs: this.#host.nowMs(),
      blockedMs: undefined,
    };
    shape.watchers.add(watcher);
    const ofPort = this.#watchers.get(port) ?? new Map<number, Watcher>();
    this.#watchers.set(port, ofPort.set(id, watcher));
    this.#count++;
    this.#behind.add(watcher);
    // The first frame says that the watch stands, and from where.
    if (!this.#isCompacted(watcher)) this.#send([watcher], [], watcher.position);
    this.#pump();
  }

  find(port: WatchPort, id: number): Watcher | undefined {
    return this.#watchers.get(port)?.get(id);
  }

  credit(watcher: Watcher, bytes: number): void {
    watcher.credit += bytes;
    if (!watcher.live) this.#pump();
  }

  cancel(watcher: Watcher): void {
    this.#remove(watcher);
  }

  /** The connection is gone. */
  drop(port: WatchPort): void {
    for (const watcher of this.#watchers.get(port)?.values() ?? []) this.#remove(watcher);
  }

  endAll(reason: EndReason): void {
    for (const watcher of this.#all()) this.#end(watcher, reason);
  }

  /** Ends watches of which a part lies outside `bounds`: the range has given it away. */
  keepInside(bounds: Interval, reason: EndReason): void {
    for (const shape of this.#shapes.values()) {
      if (isInside(shape, bounds)) continue;
      for (const watcher of shape.watchers) this.#end(watcher, reason);
    }
  }

  /** Progress marks that are due, watchers that take nothing, connections that have drained. */
  tick(): void {
    const nowMs = this.#host.nowMs();
    const due = new Map<WatchPort, Watcher[]>();
    for (const watcher of this.#all()) {
      const { blockedMs, live } = watcher;
      if (blockedMs !== undefined && nowMs - blockedMs > this.#host.limits.stallMsMax) {
        this.#end(watcher, {
          reason: 'HF_WATCH_OVERRUN',
          detail: `took nothing for ${Math.round(nowMs - blockedMs)} ms`,
        });
      } else if (live && watcher.position < this.#head && nowMs - watcher.toldMs >= watcher.progressMs) {
        due.set(watcher.port, [...(due.get(watcher.port) ?? []), watcher]);
      }
    }
    for (const watchers of due.values()) this.#send(watchers, [], this.#head);
    this.#pump();
  }

  // To those at the head

  /** What came since the last time goes to everybody whom it concerns and who was at the head then. */
  #sendLive(before: number): void {
    const ring = this.#ring;
    const touched = new Set<Shape>();
    for (; this.#sent < ring.next; this.#sent++) {
      const { key, bytes, revision } = ring.at(this.#sent);
      // Of a command that is still being applied.
      if (revision > this.#head) break;
      this.#index.stab(key, (shape) => {
        shape.fresh.push(bytes);
        shape.freshRevisions.push(revision);
        touched.add(shape);
      });
    }
    for (const shape of touched) {
      const groups = this.#liveByPort(shape, before);
      for (const { changes, upTo } of framesOf(
        shape.fresh,
        shape.freshRevisions,
        this.#head,
        this.#host.limits.frameBytesMax,
      )) {
        for (const watchers of groups) this.#send(watchers, changes, upTo);
      }
      shape.fresh.length = 0;
      shape.freshRevisions.length = 0;
    }
  }

  /** Those who can take changes now, by connection; the others fall behind. */
  #liveByPort(shape: Shape, before: number): readonly (readonly Watcher[])[] {
    const groups = new Map<WatchPort, Watcher[]>();
    for (const watcher of shape.watchers) {
      if (!watcher.live) continue;
      if (!this.#takes(watcher)) {
        this.#fallBehind(watcher, before);
        continue;
      }
      const group = groups.get(watcher.port);
      if (group === undefined) groups.set(watcher.port, [watcher]);
      else group.push(watcher);
    }
    return [...groups.values()];
  }

  // To those behind it

  #pump(): void {
    let visits = this.#host.limits.visitsPerTurn;
    for (const watcher of this.#behind) {
      while (visits > 0 && this.#wantsMore(watcher)) {
        if (watcher.position === this.#head) {
          this.#catchUp(watcher);
        } else if (watcher.position >= this.#ring.floor) {
          visits -= this.#sendFromRing(watcher);
        } else if (this.#isCompacted(watcher)) {
          this.#end(watcher, { reason: 'HF_COMPACTED', oldest: this.#nextStart(watcher.shape) });
        } else {
          this.#readTree(watcher.shape);
          break;
        }
      }
    }
    if (visits <= 0) this.#pumpLater();
  }

  /** Behind the head, or about to be live; a replica may itself lie behind what a watcher has seen elsewhere. */
  #wantsMore(watcher: Watcher): boolean {
    const { live, position, shape } = watcher;
    return !live && shape.watchers.has(watcher) && position <= this.#head && this.#takes(watcher);
  }

  /** Changes behind its position are in neither ring nor tree any more. */
  #isCompacted({ position, shape }: Watcher): boolean {
    return position < this.#head && position < this.#ring.floor && position < this.#host.horizon(shape);
  }

  /** Where the next watch may begin. The horizon moves on with time, and whoever comes back must not find it there. */
  #nextStart(shape: Shape): number {
    return Math.min(this.#head, this.#host.horizon(shape) + RETURN_MS * REVISIONS_PER_MS);
  }

  #pumpLater(): void {
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    this.#host.later(0, () => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  /** Those who stand exactly where the watcher does, on the same connection: what it is sent is for all of them. */
  #companions(watcher: Watcher): readonly Watcher[] {
    const { shape, port, position } = watcher;
    const companions: Watcher[] = [];
    for (const other of shape.watchers) {
      const isBeside = !other.live && other.port === port && other.position === position;
      if (isBeside && this.#takes(other)) companions.push(other);
    }
    return companions;
  }

  /** One frame of what the ring has for the watcher; gives the number of changes looked at. */
  #sendFromRing(watcher: Watcher): number {
    const ring = this.#ring;
    const { frameBytesMax, visitsPerTurn } = this.#host.limits;
    const changes: Uint8Array[] = [];
    const first = ring.after(watcher.position);
    let bytes = 0;
    let upTo = watcher.position;
    let number = first;
    for (; number < ring.next; number++) {
      const change = ring.at(number);
      const full = bytes >= frameBytesMax || number - first >= visitsPerTurn;
      if (change.revision > this.#head || (full && change.revision !== upTo)) break;
      upTo = change.revision;
      if (!contains(watcher.shape, change.key)) continue;
      changes.push(change.bytes);
      bytes += change.bytes.length;
    }
    const isAll = number === ring.next || ring.at(number).revision > this.#head;
    this.#send(this.#companions(watcher), changes, isAll ? this.#head : upTo);
    return number - first + 1;
  }

  #readTree(shape: Shape): void {
    if (shape.reading) return;
    shape.reading = true;
    const waiting = (): Watcher[] => [...shape.watchers].filter((watcher) => this.#needsTree(watcher));
    const after = (): number => waiting().reduce((low, { position }) => Math.min(low, position), this.#head);
    let from = 0;
    this.#host
      .read(
        shape,
        () => (from = after()),
        () => this.#head,
      )
      .then(
        (piece) => this.#sendPieces(shape, from, piece),
        (error: unknown) => {
          shape.reading = false;
          const detail = asError(error).message;
          for (const watcher of waiting()) this.#end(watcher, { reason: 'HF_CORRUPTION', detail });
        },
      );
  }

  /** One connection in each turn: a piece is large, and there may be many. */
  #sendPieces(shape: Shape, from: number, piece: Piece): void {
    // Whoever came later lies further back; whoever has moved on was a companion.
    const waits = (watcher: Watcher): boolean =>
      watcher.position >= from && watcher.position < piece.upTo && this.#needsTree(watcher);
    const next = [...shape.watchers].find(waits);
    if (next === undefined) {
      shape.reading = false;
      this.#pump();
      return;
    }
    this.#sendPiece(next, piece);
    this.#host.later(0, () => this.#sendPieces(shape, from, piece));
  }

  #sendPiece(watcher: Watcher, { changes, upTo }: Piece): void {
    const wanted = changes.filter(({ revision }) => revision > watcher.position);
    const bytes = wanted.map((change) => change.bytes);
    const revisions = wanted.map(({ revision }) => revision);
    for (const frame of framesOf(bytes, revisions, upTo, this.#host.limits.frameBytesMax)) {
      if (!this.#takes(watcher)) break;
      this.#send(this.#companions(watcher), frame.changes, frame.upTo);
    }
  }

  #needsTree(watcher: Watcher): boolean {
    const { live, position, shape } = watcher;
    if (live || position >= this.#ring.floor || position < this.#host.horizon(shape)) return false;
    return this.#takes(watcher);
  }

  // One watcher

  /** Whether it can be sent changes now; notes since when not. */
  #takes(watcher: Watcher): boolean {
    const takes = watcher.credit > 0 && watcher.port.bytesQueued <= this.#host.limits.queueBytesMax;
    watcher.blockedMs = takes ? undefined : (watcher.blockedMs ?? this.#host.nowMs());
    return takes;
  }

  #fallBehind(watcher: Watcher, position: number): void {
    watcher.live = false;
    watcher.position = position;
    this.#behind.add(watcher);
  }

  #catchUp(watcher: Watcher): void {
    watcher.live = true;
    this.#behind.delete(watcher);
  }

  /** Sends to watchers of one connection. */
  #send(watchers: readonly Watcher[], changes: readonly Uint8Array[], upTo: number): void {
    const nowMs = this.#host.nowMs();
    const bytes = changes.reduce((sum, change) => sum + change.length, 0);
    const { port } = watchers[0];
    for (let at = 0; at < watchers.length; at += WATCHES_PER_FRAME_MAX) {
      const group = watchers.slice(at, at + WATCHES_PER_FRAME_MAX);
      for (const watcher of group) {
        watcher.position = upTo;
        watcher.credit -= bytes;
        watcher.toldMs = nowMs;
      }
      if (!port.open) continue;
      const ids = group.map(({ id }) => id);
      port.reply(encodeWatchEvents(this.#host.kernels, port.version, ids, changes, upTo));
    }
  }

  #end(watcher: Watcher, end: EndReason): void {
    const { port, id, live } = watcher;
    this.#remove(watcher);
    if (!port.open) return;
    // Changes that it has not got may lie between what it was told and the head, but for the live there are none.
    const progress = live ? this.#head : watcher.position;
    const full = { leaderHint: 0, retryAfterMs: 0, oldest: 0, detail: '', progress, ...end } as const;
    port.reply(encodeWatchEnd(this.#host.kernels, port.version, id, full));
  }

  #remove(watcher: Watcher): void {
    const { port, id, shape } = watcher;
    if (!shape.watchers.delete(watcher)) return;
    this.#count--;
    this.#behind.delete(watcher);
    const ofPort = this.#watchers.get(port);
    ofPort?.delete(id);
    if (ofPort?.size === 0) this.#watchers.delete(port);
    if (shape.watchers.size > 0) return;
    this.#shapes.delete(shape.name);
    this.#index.delete(shape);
  }

  #shapeOf({ start, end }: Interval): Shape {
    const name = `${toHex(start)}-${toHex(end)}`;
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    const shape: Shape = {
      name,
      start,
      end,
      watchers: new Set(),
      fresh: [],
      freshRevisions: [],
      reading: false,
    };
    this.#shapes.set(name, shape);
    this.#index.add(shape);
    return shape;
  }

  *#all(): Iterable<Watcher> {
    for (const ofPort of this.#watchers.values()) yield* ofPort.values();
  }
}

const NOTHING = { contentType: EMPTY_BYTES, value: EMPTY_BYTES } as const;

function contains({ start, end }: Interval, key: Uint8Array): boolean {
  return compareBytes(key, start) >= 0 && compareBytes(key, end) < 0;
}

function isInside(inner: Interval, outer: Interval): boolean {
  return compareBytes(inner.start, outer.start) >= 0 && compareBytes(inner.end, outer.end) <= 0;
}
