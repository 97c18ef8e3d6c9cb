import type { Address, NodeId } from '@holdfast/io';
import { HoldfastError } from '@holdfast/wire';
import { WARM_NODES_MAX } from '../limits.ts';
import type { LinkOwner } from '../link/link-owner.ts';
import { NodeLink } from '../link/node-link.ts';
import type { RangeMap } from '../routing/range-map.ts';

/** The one link of each node, and those of the seeds before the nodes are known. */
export class LinkTable {
  readonly #owner: LinkOwner;
  readonly #seeds: ReadonlySet<Address>;
  readonly #byAddress = new Map<Address, NodeLink>();
  readonly #byNode = new Map<NodeId, NodeLink>();
  #rotation = 0;

  constructor(owner: LinkOwner, seeds: readonly Address[]) {
    this.#owner = owner;
    this.#seeds = new Set(seeds);
    for (const seed of this.#seeds) this.#byAddress.set(seed, new NodeLink(owner, seed, 0));
  }

  /** Undefined when the map does not know the node. */
  of(node: NodeId): NodeLink | undefined {
    return this.#byNode.get(node);
  }

  all(): Iterable<NodeLink> {
    return this.#byAddress.values();
  }

  /** All links, each time beginning with another one. */
  rotated(): readonly NodeLink[] {
    const links = [...this.#byAddress.values()];
    const at = this.#rotation++ % Math.max(1, links.length);
    return [...links.slice(at), ...links.slice(0, at)];
  }

  /** Links for exactly the nodes of the map; connections to the first few are opened in advance. */
  follow(map: RangeMap): void {
    const leaving = new Set(this.#byAddress.values());
    this.#byNode.clear();
    for (const { nodeId, address } of map.nodes) {
      let link = this.#byAddress.get(address);
      if (link === undefined || (link.expected !== 0 && link.expected !== nodeId)) {
        link = new NodeLink(this.#owner, address, nodeId);
        this.#byAddress.set(address, link);
      } else {
        leaving.delete(link);
        // A seed that has turned out to be another node than the map says stays out until it is asked again.
        link.expect(nodeId);
      }
      this.#byNode.set(nodeId, link);
    }
    let warm = 0;
    for (const link of this.#byNode.values()) {
      if (warm++ < WARM_NODES_MAX) link.connect();
    }
    for (const link of leaving) {
      const isSeed = this.#seeds.has(link.address) && this.#byAddress.get(link.address) === link;
      if (isSeed) {
        link.rest();
        continue;
      }
      if (this.#byAddress.get(link.address) === link) this.#byAddress.delete(link.address);
      link.close(new HoldfastError('HF_UNAVAILABLE', { detail: `${link.address} has left the cluster` }));
    }
  }

  close(reason: HoldfastError): void {
    for (const link of this.#byAddress.values()) link.close(reason);
  }
}
