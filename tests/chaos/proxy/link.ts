import { type Random, randomChance, randomInteger } from '@holdfast/io';

/** Who sends or receives: a node by its id, the clients of this process, or the gateway. */
export type Host = 1 | 2 | 3 | 'clients' | 'gateway';

/** How a link is worse than a wire. */
export interface LinkQuality {
  /** Added to the way of every chunk, in milliseconds. */
  readonly delayMs: number;
  /** Up to this much more, by chance. */
  readonly jitterMs: number;
  /** Chance of a chunk to be lost. TCP sends it again, so that it and all behind it come {@link RETRANSMIT_MS} later. */
  readonly loss: number;
  /** Chance of a chunk to arrive with one bit flipped. */
  readonly corruption: number;
}

const PERFECT: LinkQuality = { delayMs: 0, jitterMs: 0, loss: 0, corruption: 0 };
const RETRANSMIT_MS = 200;

/**
 * The way from one host to another, for the bytes of every connection between the two that flow in this direction.
 * While it is cut nothing gets through, not even that a connection was closed; what was sent arrives after the heal,
 * as TCP would have it.
 */
export class Link {
  readonly from: Host;
  readonly to: Host;
  readonly #random: Random;
  /** Told when the link changes. */
  readonly #waiters = new Set<() => void>();
  #cuts = 0;
  #quality: LinkQuality = PERFECT;

  constructor(from: Host, to: Host, random: Random) {
    this.from = from;
    this.to = to;
    this.#random = random;
  }

  get isCut(): boolean {
    return this.#cuts > 0;
  }

  /** Cuts may overlap: the link works again when every one of them was healed. Gives what heals this one. */
  cut(): () => void {
    this.#cuts++;
    let healed = false;
    return () => {
      if (healed) return;
      healed = true;
      if (--this.#cuts === 0) this.#changed();
    };
  }

  /** Until {@link restore}, or until it is degraded in another way. */
  degrade(quality: LinkQuality): void {
    this.#quality = quality;
  }

  /** As good as a wire again. */
  restore(): void {
    this.#quality = PERFECT;
  }

  /** How long the next chunk is under way. */
  nextDelayMs(): number {
    const { delayMs, jitterMs, loss } = this.#quality;
    const jitter = jitterMs === 0 ? 0 : randomInteger(this.#random, 0, jitterMs);
    const lost = loss > 0 && randomChance(this.#random, loss);
    return delayMs + jitter + (lost ? RETRANSMIT_MS : 0);
  }

  /** The chunk as it arrives. */
  carry(chunk: Buffer): Buffer {
    const { corruption } = this.#quality;
    if (corruption === 0 || !randomChance(this.#random, corruption)) return chunk;
    const damaged = Buffer.from(chunk);
    const at = randomInteger(this.#random, 0, damaged.length - 1);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << randomInteger(this.#random, 0, 7));
    return damaged;
  }

  /** Calls back at every heal until the returned function is called. */
  onHeal(callback: () => void): () => void {
    this.#waiters.add(callback);
    return () => this.#waiters.delete(callback);
  }

  #changed(): void {
    for (const waiter of this.#waiters) waiter();
  }
}
