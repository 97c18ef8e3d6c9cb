import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeId, Prng } from '@holdfast/io';
import {
  FileDisk,
  nodeKernels,
  SystemClock,
  systemRandomSeed,
  TcpNetwork,
  type TlsIdentity,
} from '@holdfast/io-node';
import { type Member, Node, type NodeSettings } from '@holdfast/store';
import type { HoldfastError } from '@holdfast/wire';
import { freePorts } from '../../scripts/cluster/free-ports.ts';

export const CLUSTER_ID = 'c11e27c11e27c11e27c11e27c11e27c1';

/** Why a node closed a connection that was made to it, as its own code saw it. */
export interface Closing {
  readonly node: number;
  readonly reason:
    | (Error & Partial<Pick<HoldfastError, 'code'>> & { readonly violation?: string })
    | undefined;
}

export interface LocalClusterOptions {
  readonly nodes?: number;
  readonly settings?: Partial<NodeSettings>;
  /** Who each node is, by its id, where they speak TLS. */
  readonly tls?: (node: number) => TlsIdentity;
  /** What each node knows of tokens, by its id. */
  readonly tokens?: (node: number) => readonly string[];
  /** Protocol versions that the nodes speak, in order; those of the release where undefined. */
  readonly versions?: readonly (readonly [min: number, max: number] | undefined)[];
}

/** Real store nodes in this process, over TCP on this machine, with real files. */
export class LocalCluster {
  readonly nodes: readonly Node[];
  readonly members: readonly Member[];
  /** Every connection that a node has seen end, oldest first. */
  readonly closings: Closing[];
  readonly fatal: readonly Error[];
  readonly #directory: string;
  readonly #networks: readonly TcpNetwork[];

  private constructor(
    nodes: readonly Node[],
    members: readonly Member[],
    directory: string,
    networks: readonly TcpNetwork[],
    seen: { readonly closings: Closing[]; readonly fatal: Error[] },
  ) {
    this.closings = seen.closings;
    this.fatal = seen.fatal;
    this.nodes = nodes;
    this.members = members;
    this.#directory = directory;
    this.#networks = networks;
  }

  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const { nodes: count = 3, versions = [] } = options;
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-client-'));
    const ports = await freePorts(count);
    const members = ports.map((port, i) => ({ id: nodeId(i + 1), address: `127.0.0.1:${port}` }));
    const { tls, tokens } = options;
    const seen = { closings: [] as Closing[], fatal: [] as Error[] };
    const networks = members.map(
      ({ id }) =>
        new TcpNetwork({
          ...(tls === undefined ? {} : { tls: tls(id) }),
          onTlsRefused: (_address, reason) => seen.closings.push({ node: id, reason }),
        }),
    );
    const nodes: Node[] = [];
    for (const [i, member] of members.entries()) {
      const node = await Node.open({
        disk: new FileDisk(),
        network: networks[i],
        clock: new SystemClock(),
        random: new Prng(systemRandomSeed()),
        kernels: nodeKernels,
        directory: join(directory, `node-${member.id}`),
        clusterId: CLUSTER_ID,
        nodeId: member.id,
        address: member.address,
        members,
        tokens: tokens?.(member.id) ?? [],
        settings: { electionTicks: 6, heartbeatTicks: 2, leaders: 'spread', ...options.settings },
        observer: {
          disconnected: (_address, _peer, reason) => seen.closings.push({ node: member.id, reason }),
          fatal: (error) => seen.fatal.push(error),
        },
      });
      const range = versions[i];
      if (range !== undefined) Object.assign(node.self, { versionMin: range[0], versionMax: range[1] });
      nodes.push(node);
    }
    const cluster = new LocalCluster(nodes, members, directory, networks, seen);
    for (const node of nodes) await node.listen();
    return cluster;
  }

  get addresses(): readonly string[] {
    return this.members.map(({ address }) => address);
  }

  /** What `connect` takes. */
  get target(): string {
    return `holdfast://${this.addresses.join(',')}`;
  }

  /** Breaks every connection of a node. */
  cut(node: number): void {
    this.#networks[node - 1].destroyAll();
  }

  /** Ends every node and removes its files. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop(0)));
    for (const network of this.#networks) network.destroyAll();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
