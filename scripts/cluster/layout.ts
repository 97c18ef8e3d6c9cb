import { join } from 'node:path';

/** Everything listens here and nowhere else. */
export const HOST = '127.0.0.1';
const PORT_BASE_DEFAULT = 7700;
/** The nodes that found a cluster. */
export const FOUNDERS: readonly number[] = [1, 2, 3];
/** Beyond, the ports of one node would be those of another. */
export const NODE_ID_MAX = 9;

export interface NodePorts {
  readonly id: number;
  /** Clients and other nodes. */
  readonly tcp: number;
  /** Health, metrics, status. */
  readonly http: number;
}

export interface Ports {
  readonly gateway: number;
  readonly admin: number;
  readonly nodes: readonly NodePorts[];
}

/** One process of the cluster: what is run, with which settings, and how it says that it is ready. */
export interface ProcessSpec {
  /** `node-1`, `gateway`, `admin`. */
  readonly name: string;
  /** File that Node.js runs. */
  readonly entry: string;
  /** Settings, by the names of their variables. */
  readonly settings: Readonly<Record<string, string>>;
  /** `http://127.0.0.1:7721`. */
  readonly url: string;
  readonly ports: readonly number[];
}

/**
 * The ports of a cluster on this machine: all of them move with `HOLDFAST_PORT_BASE`, and each can be set alone
 * (`HOLDFAST_GATEWAY_PORT`, `HOLDFAST_ADMIN_PORT`, `HOLDFAST_NODE_1_PORT`, `HOLDFAST_NODE_1_HTTP_PORT` …).
 */
export function portsOf(
  environment: Readonly<Record<string, string | undefined>>,
  nodeIds: readonly number[] = FOUNDERS,
): Ports {
  const base = port(environment, 'HOLDFAST_PORT_BASE', PORT_BASE_DEFAULT);
  return {
    gateway: port(environment, 'HOLDFAST_GATEWAY_PORT', base),
    admin: port(environment, 'HOLDFAST_ADMIN_PORT', base + 100),
    nodes: nodeIds.map((id) => ({
      id,
      tcp: port(environment, `HOLDFAST_NODE_${id}_PORT`, base + 10 + id),
      http: port(environment, `HOLDFAST_NODE_${id}_HTTP_PORT`, base + 20 + id),
    })),
  };
}

function port(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  otherwise: number,
): number {
  const text = environment[name];
  const value = text === undefined || text === '' ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new Error(`${name} is a port from 1 to 65535`);
  return value;
}

export function httpUrl(portNumber: number): string {
  return `http://${HOST}:${portNumber}`;
}

/** Where a node is reached by other nodes and by clients that speak with nodes. */
export function addressOf({ tcp }: NodePorts): string {
  return `${HOST}:${tcp}`;
}

/** For `connect`: these nodes, without a gateway between. */
export function nodesUrl(nodes: readonly NodePorts[]): string {
  return `holdfast://${nodes.map(addressOf).join(',')}`;
}

export interface LayoutOptions {
  readonly root: string;
  readonly dataDirectory: string;
  readonly clusterId: string;
  /** Root key of the gateway. */
  readonly rootKey: string;
  readonly ports: Ports;
  readonly logLevel: string;
}

/** The processes of a cluster, data nodes first. */
export function processesOf({
  root,
  dataDirectory,
  clusterId,
  rootKey,
  ports,
  logLevel,
}: LayoutOptions): ProcessSpec[] {
  const { gateway, admin, nodes } = ports;
  const entry = (app: string): string => join(root, 'apps', app, 'dist', 'main.js');
  const common = { HOLDFAST_HTTP_HOST: HOST, HOLDFAST_LOG_LEVEL: logLevel };
  const http = (portNumber: number): Record<string, string> => ({
    ...common,
    HOLDFAST_HTTP_PORT: String(portNumber),
  });
  return [
    ...nodes.map((node) => ({
      name: nodeName(node.id),
      entry: entry('data-node'),
      settings: {
        ...http(node.http),
        HOLDFAST_NODE_ID: String(node.id),
        HOLDFAST_CLUSTER_ID: clusterId,
        HOLDFAST_MEMBERS: nodes.map((one) => `${one.id}=${addressOf(one)}`).join(','),
        HOLDFAST_JOIN: String(!FOUNDERS.includes(node.id)),
        HOLDFAST_DATA_DIRECTORY: join(dataDirectory, nodeName(node.id)),
      },
      url: httpUrl(node.http),
      ports: [node.tcp, node.http],
    })),
    {
      name: 'gateway',
      entry: entry('gateway'),
      settings: {
        ...http(gateway),
        HOLDFAST_CLUSTER_ID: clusterId,
        HOLDFAST_ROOT_KEY: rootKey,
        HOLDFAST_SEEDS: nodes.map(addressOf).join(','),
      },
      url: httpUrl(gateway),
      ports: [gateway],
    },
    {
      name: 'admin',
      entry: entry('admin'),
      settings: {
        ...http(admin),
        HOLDFAST_NODES: nodes.map((node) => `${node.id}=${httpUrl(node.http)}`).join(','),
      },
      url: httpUrl(admin),
      ports: [admin],
    },
  ];
}

export function nodeName(id: number): string {
  return `node-${id}`;
}
