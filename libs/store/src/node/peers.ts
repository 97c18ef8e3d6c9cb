import type { NodeId } from '@holdfast/io';
import type { Member } from '../membership/roster.ts';
import { PeerLink, type PeerLinkHost } from './peer-link.ts';

/** The links to the other nodes, one each, opened and closed as the cluster changes. */
export class Peers {
  readonly #host: PeerLinkHost;
  readonly #links = new Map<NodeId, PeerLink>();
  #started = false;

  constructor(host: PeerLinkHost, members: readonly Member[]) {
    this.#host = host;
    this.follow(members, () => true);
  }

  get links(): ReadonlyMap<NodeId, PeerLink> {
    return this.#links;
  }

  connected(node: NodeId): boolean {
    return this.#links.get(node)?.connected === true;
  }

  start(): void {
    this.#started = true;
    for (const link of this.#links.values()) link.start();
  }

  /** Links to `members` and to nobody else, but those that `keep` asks for. */
  follow(members: readonly Member[], keep: (node: NodeId) => boolean): void {
    const addresses = new Map(members.map(({ id, address }) => [id, address]));
    for (const [node, link] of this.#links) {
      const address = addresses.get(node);
      if (address === link.address || (address === undefined && keep(node))) continue;
      this.#links.delete(node);
      link.stop();
    }
    for (const member of members) {
      if (member.id === this.#host.self.nodeId || this.#links.has(member.id)) continue;
      const link = new PeerLink(this.#host, member);
      this.#links.set(member.id, link);
      if (this.#started) link.start();
    }
  }

  stop(): void {
    for (const link of this.#links.values()) link.stop();
  }
}
