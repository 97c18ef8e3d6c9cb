import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Prng } from '@holdfast/io';
import type { NodeSettings } from '@holdfast/store';
import { freePorts } from '../../../scripts/cluster/free-ports.ts';
import { HopelessError, until } from '../deadline.ts';
import { Links, NODE_HOSTS, type NodeHost } from '../proxy/links.ts';
import { NodeProxy } from '../proxy/node-proxy.ts';
import { fetchStatus, type NodeStatus } from './node-status.ts';
import { STORE_SETTINGS_VARIABLE } from './store-settings.ts';
import { type Ending, Supervised } from './supervised.ts';

const HOST = '127.0.0.1';
/** Of the gateway; known to these tests alone. */
export const ROOT_KEY = `hf_dev_${randomBytes(32).toString('base64url')}`;
const root = join(import.meta.dirname, '..', '..', '..');
const PLAIN_NODE = fileURLToPath(import.meta.resolve('./plain-node.ts'));

export interface ClusterOptions {
  /** Data directories and logs of the processes go here. */
  readonly directory: string;
  readonly random: Prng;
  /** Undefined: the data node as it is shipped. Otherwise the plain node with these settings. */
  readonly storage: Partial<NodeSettings> | undefined;
  /** A process ended that nobody had ended. */
  readonly onUnexpectedEnd: (name: string, ending: Ending) => void;
}

export interface ChaosNode {
  readonly id: NodeHost;
  readonly process: Supervised;
  readonly proxy: NodeProxy;
  readonly dataDirectory: string;
  /** Why it is down on purpose: it starts again when nobody has a reason any more. */
  readonly downFor: Set<string>;
  readonly frozenFor: Set<string>;
  status(): Promise<NodeStatus>;
}

/** Three data nodes and a gateway as processes of this machine; whoever talks to a node does so through its proxy. */
export class ChaosCluster {
  readonly links: Links;
  readonly clusterId: string;
  readonly nodes: readonly ChaosNode[];
  readonly gateway: Supervised;
  readonly gatewayUrl: string;

  static async create(options: ClusterOptions): Promise<ChaosCluster> {
    const links = new Links(options.random.fork());
    const ports = await freePorts(2 * NODE_HOSTS.length + 1);
    const proxies: NodeProxy[] = [];
    for (const [i, node] of NODE_HOSTS.entries())
      proxies.push(await NodeProxy.open(node, ports[i] ?? 0, links));
    return new ChaosCluster(options, links, ports, proxies);
  }

  private constructor(
    { directory, storage, onUnexpectedEnd }: ClusterOptions,
    links: Links,
    ports: readonly number[],
    proxies: readonly NodeProxy[],
  ) {
    this.links = links;
    this.clusterId = randomBytes(16).toString('hex');
    const members = proxies.map(({ node, address }) => `${node}=${address}`).join(',');
    this.nodes = proxies.map((proxy, i) => {
      const name = `node-${proxy.node}`;
      const dataDirectory = join(directory, name);
      const httpPort = ports[NODE_HOSTS.length + i] ?? 0;
      const program = {
        name,
        args:
          storage === undefined
            ? [join(root, 'apps', 'data-node', 'dist', 'main.js')]
            : ['--conditions=source', PLAIN_NODE],
        settings: {
          HOLDFAST_NODE_ID: String(proxy.node),
          HOLDFAST_CLUSTER_ID: this.clusterId,
          HOLDFAST_MEMBERS: members,
          HOLDFAST_ADDRESS: `${HOST}:${ports[i]}`,
          HOLDFAST_DATA_DIRECTORY: dataDirectory,
          HOLDFAST_HTTP_HOST: HOST,
          HOLDFAST_HTTP_PORT: String(httpPort),
          [STORE_SETTINGS_VARIABLE]: JSON.stringify(storage ?? {}),
        },
        logFile: join(directory, `${name}.log`),
      };
      return {
        id: proxy.node,
        process: new Supervised(program, (ending) => onUnexpectedEnd(name, ending)),
        proxy,
        dataDirectory,
        downFor: new Set<string>(),
        frozenFor: new Set<string>(),
        status: () => fetchStatus(`http://${HOST}:${httpPort}/status`),
      };
    });
    const gatewayPort = ports[2 * NODE_HOSTS.length] ?? 0;
    this.gatewayUrl = `http://${HOST}:${gatewayPort}`;
    this.gateway = new Supervised(
      {
        name: 'gateway',
        args: [join(root, 'apps', 'gateway', 'dist', 'main.js')],
        settings: {
          HOLDFAST_HTTP_HOST: HOST,
          HOLDFAST_HTTP_PORT: String(gatewayPort),
          HOLDFAST_SEEDS: this.addresses.join(','),
          HOLDFAST_CLUSTER_ID: this.clusterId,
          HOLDFAST_ROOT_KEY: ROOT_KEY,
          HOLDFAST_LOG_LEVEL: 'warn',
        },
        logFile: join(directory, 'gateway.log'),
      },
      (ending) => onUnexpectedEnd('gateway', ending),
    );
  }

  /** Where clients find the nodes: the proxies. */
  get addresses(): readonly string[] {
    return this.nodes.map(({ proxy }) => proxy.address);
  }

  node(id: NodeHost): ChaosNode {
    const node = this.nodes.find((candidate) => candidate.id === id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  startAll(): void {
    for (const { process } of this.nodes) process.start();
    this.gateway.start();
  }

  /**
   * Every node knows a leader of every range, and the gateway finds them.
   *
   * @throws DeadlineError; HopelessError when one of them does not run at all.
   */
  async ready(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    const left = (): number => Math.max(1, endMs - performance.now());
    for (const node of this.nodes) {
      await until(`node ${node.id} is ready`, left(), async () => {
        demandRunning(node.process);
        return (await node.status()).ready;
      });
    }
    await until('the gateway is ready', left(), async () => {
      demandRunning(this.gateway);
      const response = await fetch(`${this.gatewayUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return response.ok;
    });
  }

  /** The node that leads most ranges, as far as the living ones know. */
  async leader(): Promise<NodeHost | undefined> {
    const led = new Map<NodeHost, number>();
    const asked = this.nodes.map((node) =>
      node.status().then(
        ({ ranges }) => led.set(node.id, ranges.filter(({ role }) => role === 'leader').length),
        () => undefined,
      ),
    );
    await Promise.all(asked);
    const [most] = [...led].sort((a, b) => b[1] - a[1]);
    return most === undefined || most[1] === 0 ? undefined : most[0];
  }

  /** Ends every process at once and forgets every connection. */
  async destroy(): Promise<void> {
    await Promise.all([...this.nodes.map(({ process }) => process.kill()), this.gateway.kill()]);
    for (const { proxy } of this.nodes) proxy.close();
  }
}

function demandRunning(process: Supervised): void {
  if (!process.running) throw new HopelessError(`${process.program.name} does not run: ${process.logTail()}`);
}
