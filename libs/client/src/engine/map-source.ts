import type { Cancel, Clock, Random } from '@holdfast/io';
import type { HoldfastError } from '@holdfast/wire';
import { MAP_PATIENCE_MS, MAP_RETRY_MS } from '../limits.ts';
import type { NodeLink } from '../link/node-link.ts';
import { fullJitterMs } from '../retry/backoff.ts';
import { OpList } from './op-list.ts';
import type { PendingOp } from './pending-op.ts';

export interface MapSourceHost {
  readonly clock: Clock;
  readonly random: Random;
  /** Links to ask, best first. */
  linksToAsk(): readonly NodeLink[];
  /** Generation of the map in use, 0 = none. */
  mapGeneration(): number;
  dispatch(op: PendingOp): void;
}

/**
 * Gets the range map: one question at a time, to one node at a time, another node when that one is silent. Operations
 * wait for an answer to a question that was asked after they came, because only that one can know what they miss.
 */
export class MapSource {
  readonly #host: MapSourceHost;
  /** For the answer to the question that is out. */
  readonly #waiting = new OpList<PendingOp>();
  /** For the next one. */
  readonly #late = new OpList<PendingOp>();
  readonly #asked = new Set<NodeLink>();
  #wanted = false;
  #link: NodeLink | undefined;
  #failures = 0;
  #cancelTimer: Cancel | undefined;
  #closed = false;

  constructor(host: MapSourceHost) {
    this.#host = host;
  }

  /** Asks for a map, unless a question is out. */
  refresh(): void {
    if (this.#wanted || this.#closed) return;
    this.#wanted = true;
    this.#ask();
  }

  /** Keeps the operation until a map has come that was asked for after this call. */
  wait(op: PendingOp): void {
    (this.#link === undefined ? this.#waiting : this.#late).push(op);
    this.refresh();
  }

  /** A link can be asked now. */
  linkReady(): void {
    if (this.#wanted && this.#link === undefined) this.#ask();
  }

  arrived(link: NodeLink): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#wanted = false;
    this.#failures = 0;
    this.#asked.clear();
    this.#stopTimer();
    const settled = new OpList<PendingOp>();
    this.#waiting.moveTo(settled);
    this.#late.moveTo(this.#waiting);
    if (this.#waiting.length > 0) this.refresh();
    for (let op = settled.shift(); op !== undefined; op = settled.shift()) this.#host.dispatch(op);
  }

  failed(link: NodeLink, _reason: HoldfastError): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    // Those who came late have seen no question of their own yet; the next one is for all.
    this.#late.moveTo(this.#waiting);
    this.#stopTimer();
    this.#ask();
  }

  /** Hands over everything that waits. */
  giveUp(each: (op: PendingOp) => void): void {
    const waiting = new OpList<PendingOp>();
    this.#waiting.moveTo(waiting);
    this.#late.moveTo(waiting);
    for (let op = waiting.shift(); op !== undefined; op = waiting.shift()) each(op);
  }

  close(): void {
    this.#closed = true;
    this.#wanted = false;
    this.#stopTimer();
  }

  #ask(): void {
    if (this.#closed) return;
    const { clock } = this.#host;
    const nowMs = clock.monotonicMs();
    for (const link of this.#host.linksToAsk()) {
      if (this.#asked.has(link)) continue;
      if (link.ready) {
        if (!link.askMap(this.#host.mapGeneration())) continue;
        this.#asked.add(link);
        this.#link = link;
        this.#stopTimer();
        this.#cancelTimer = clock.schedule(MAP_PATIENCE_MS, () => {
          link.forgetMapQuestion();
          this.#cancelTimer = undefined;
          this.#link = undefined;
          this.#late.moveTo(this.#waiting);
          this.#ask();
        });
        return;
      }
      // A connection that is being made calls back through `linkReady`.
      if (link.admit(nowMs)) link.connect();
    }
    if (this.#cancelTimer !== undefined) return;
    const delayMs = fullJitterMs(MAP_RETRY_MS, this.#failures++, this.#host.random);
    this.#cancelTimer = clock.schedule(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#asked.clear();
      this.#ask();
    });
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
