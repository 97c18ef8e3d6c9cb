import { type Random, randomChance, randomInteger } from '@holdfast/io';
import { type LatencyModel, Link } from '../world/network-link.ts';
import { Phase, type Scheduler } from '../world/scheduler.ts';

/** More than two election timeouts: messages of one term arrive in the next. */
const DELAY_US_MAX = 4_000_000;

/** Chances per message. */
export interface DatagramFaults {
  loss: number;
  duplication: number;
  /** Chance that a message is held back for seconds: it then arrives behind later ones. */
  delay: number;
}

/**
 * A network that carries whole messages and promises nothing: it loses, repeats and reorders them. Harsher
 * than streams, because Raft must not need more.
 */
export class Datagrams<Message> {
  readonly faults: DatagramFaults = { loss: 0, duplication: 0, delay: 0 };
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #latency: LatencyModel;
  readonly #links = new Map<number, Link>();
  readonly #deliver: (from: number, to: number, message: Message) => void;

  constructor(
    scheduler: Scheduler,
    random: Random,
    latency: LatencyModel,
    deliver: (from: number, to: number, message: Message) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#latency = latency;
    this.#deliver = deliver;
  }

  link(from: number, to: number): Link {
    const name = from * 1000 + to;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new Link(`${from}`, `${to}`, this.#scheduler, this.#random, this.#latency);
      this.#links.set(name, link);
    }
    return link;
  }

  send(from: number, to: number, message: Message): void {
    const { loss, duplication } = this.faults;
    if (this.link(from, to).cut) return; // What is underway when a link is cut still arrives.
    if (loss > 0 && randomChance(this.#random, loss)) return;
    this.#fly(from, to, message);
    if (duplication > 0 && randomChance(this.#random, duplication)) this.#fly(from, to, message);
  }

  #fly(from: number, to: number, message: Message): void {
    const link = this.link(from, to);
    const { delay } = this.faults;
    const extraUs =
      delay > 0 && randomChance(this.#random, delay) ? randomInteger(this.#random, 0, DELAY_US_MAX) : 0;
    this.#scheduler.schedule(link.delayUs(0) + extraUs, Phase.input, undefined, () => {
      this.#deliver(from, to, message);
    });
  }
}
