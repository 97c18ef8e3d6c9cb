import { type Random, randomChance, randomFraction } from '@holdfast/io';
import type { Microseconds, Scheduler } from './scheduler.ts';

/** How long bytes take from one host to another, one way. */
export interface LatencyModel {
  readonly minMs: number;
  /** Mean of the exponential part above `minMs`. */
  readonly meanMs: number;
  /** Chance of a delay ten times the usual. */
  readonly spikes: number;
  /** Bytes per millisecond. */
  readonly bandwidth: number;
}

export const LAN: LatencyModel = { minMs: 0.1, meanMs: 0.2, spikes: 0.001, bandwidth: 100_000 };

/** Shortest and longest pause between two retransmissions. */
const RETRANSMIT_US_MIN = 200_000;
const RETRANSMIT_US_MAX = 10_000_000;

/** Something that waits for a link: told when the link carries bytes again. */
export interface LinkUser {
  linkHealed(link: Link): void;
}

/** One direction between two hosts. Every connection between them shares it. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly users = new Set<LinkUser>();
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #latency: LatencyModel;
  #cut = false;
  #cutAtUs = 0;
  /** Extra delay of everything, milliseconds: a clogged link. */
  clogMs = 0;
  /** Chance that a delivered chunk has a wrong bit. */
  corruption = 0;
  /** Chance, per chunk, that the connection breaks. */
  drops = 0;

  constructor(from: string, to: string, scheduler: Scheduler, random: Random, latency: LatencyModel) {
    this.from = from;
    this.to = to;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#latency = latency;
  }

  get cut(): boolean {
    return this.#cut;
  }

  /** Nothing passes until {@link heal}; nobody is told, as with a cable pulled. */
  sever(): void {
    if (!this.#cut) this.#cutAtUs = this.#scheduler.nowUs;
    this.#cut = true;
  }

  heal(): void {
    this.clogMs = 0;
    this.corruption = 0;
    this.drops = 0;
    if (!this.#cut) return;
    this.#cut = false;
    for (const user of this.users) user.linkHealed(this);
  }

  /** When TCP tries again after a heal: its pauses double, so about as long as the cut was. */
  retransmitUs(): Microseconds {
    const cutUs = this.#scheduler.nowUs - this.#cutAtUs;
    return Math.round(
      randomFraction(this.#random) * Math.min(Math.max(cutUs, RETRANSMIT_US_MIN), RETRANSMIT_US_MAX),
    );
  }

  delayUs(bytes: number): Microseconds {
    const { minMs, meanMs, spikes, bandwidth } = this.#latency;
    const random = meanMs === 0 ? 0 : -meanMs * Math.log(1 - randomFraction(this.#random));
    const spike = spikes > 0 && randomChance(this.#random, spikes) ? 10 : 1;
    return Math.round(((minMs + random) * spike + bytes / bandwidth + this.clogMs) * 1000);
  }
}
