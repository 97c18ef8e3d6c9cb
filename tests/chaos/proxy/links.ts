import type { Prng } from '@holdfast/io';
import { type Host, Link } from './link.ts';

export const NODE_HOSTS = [1, 2, 3] as const;
export type NodeHost = (typeof NODE_HOSTS)[number];
const CALLERS = ['clients', 'gateway'] as const;

/** The directed links between all hosts. */
export class Links {
  readonly #links = new Map<string, Link>();

  constructor(random: Prng) {
    const connect = (a: Host, b: Host): void => {
      this.#links.set(`${a} ${b}`, new Link(a, b, random.fork()));
    };
    for (const node of NODE_HOSTS) {
      for (const other of NODE_HOSTS) if (other !== node) connect(node, other);
      for (const caller of CALLERS) {
        connect(caller, node);
        connect(node, caller);
      }
    }
  }

  readonly hosts: readonly Host[] = [...NODE_HOSTS, ...CALLERS];

  get all(): readonly Link[] {
    return [...this.#links.values()];
  }

  get betweenNodes(): readonly Link[] {
    return this.all.filter(({ from, to }) => typeof from === 'number' && typeof to === 'number');
  }

  link(from: Host, to: Host): Link {
    const link = this.#links.get(`${from} ${to}`);
    if (link === undefined) throw new Error(`there is no link from ${from} to ${to}`);
    return link;
  }

  /** Both directions. */
  pair(a: Host, b: Host): readonly Link[] {
    return [this.link(a, b), this.link(b, a)];
  }

  /** The links between a node and the other nodes, both directions. */
  around(node: NodeHost): readonly Link[] {
    return this.betweenNodes.filter(({ from, to }) => from === node || to === node);
  }
}
