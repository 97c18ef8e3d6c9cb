import { type Random, randomChance, randomFraction } from '@holdfast/io';
import type { Microseconds } from './scheduler.ts';

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

/** Something that waits for a link: told when the link carries bytes again. */
export interface LinkUser {
  linkHealed(link: Link): void;
}

/** One direction between two hosts. Every connection between them shares it. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly users = new Set<LinkUser>();
  readonly #random: Random;
  readonly #latency: LatencyModel;
  #cut = false;
  /** Extra delay of everything, milliseconds: a clogged link. */
  clogMs = 0;
  /** Chance that a delivered chunk has a wrong bit. */
  corruption = 0;
  /** Chance, per chunk, that the connection breaks. */
  drops = 0;

  constructor(from: string, to: string, random: Random, latency: LatencyModel) {
    this.from = from;
    this.to = to;
    this.#random = random;
    this.#latency = latency;
  }

  get cut(): boolean {
    return this.#cut;
  }

  /** Nothing passes until {@link heal}; nobody is told, as with a cable pulled. */
  sever(): void {
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

  delayUs(bytes: number): Microseconds {
    const { minMs, meanMs, spikes, bandwidth } = this.#latency;
    const random = meanMs === 0 ? 0 : -meanMs * Math.log(1 - randomFraction(this.#random));
    const spike = spikes > 0 && randomChance(this.#random, spikes) ? 10 : 1;
    return Math.round(((minMs + random) * spike + bytes / bandwidth + this.clogMs) * 1000);
  }
}
