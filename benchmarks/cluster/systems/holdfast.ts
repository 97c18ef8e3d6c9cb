import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { WORKLOAD_NAMES } from '../workloads.ts';
import { type Child, freePorts, startChild, waitUntil } from './child.ts';
import { CLUSTER_ID } from './cluster-id.ts';
import { applicationArguments, nodeArguments, SERVER_FLAGS } from './node-command.ts';
import type { RunningSystem, StartOptions, System } from './system.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
const PLAIN_ENTRY = join(import.meta.dirname, '..', 'holdfast-node.ts');
const NEST_ENTRY = join(ROOT, 'apps', 'data-node', 'dist', 'main.js');
export const NODES = 3;

/** What the benchmark reads of a node's status, from the message channel or over HTTP. */
interface Status {
  readonly ready: boolean;
  readonly ranges: readonly { readonly role: string }[];
}

/** Three data nodes as plain processes: the store without a framework. */
export const holdfast: System = {
  name: 'holdfast',
  about: 'three data nodes without NestJS, each write synced on a majority; @holdfast/client over TCP',
  replicas: NODES,
  workloads: WORKLOAD_NAMES,
  missing: () => undefined,
  async start(options) {
    const ports = await freePorts(NODES);
    const addresses = ports.map((port) => `127.0.0.1:${port}`);
    return startNodes(options, addresses, {
      start: (i) =>
        startChild({
          name: `node-${i + 1}`,
          command: process.execPath,
          args: [
            ...nodeArguments([...SERVER_FLAGS, ...(options.nodeFlags ?? [])]),
            PLAIN_ENTRY,
            String(i + 1),
            join(options.directory, `node-${i + 1}`),
            addresses.join(','),
          ],
          logFile: join(options.directory, `node-${i + 1}.log`),
          ipc: true,
        }),
      status: (_, child) =>
        new Promise((resolve) => {
          child.process.once('message', (reply: { readonly status: Status }) => resolve(reply.status));
          child.process.send('status');
        }),
    });
  },
};

/** Three data node applications, as they are deployed. */
export const holdfastNest: System = {
  ...holdfast,
  name: 'holdfast-nest',
  about: 'three data node applications (NestJS), each write synced on a majority; @holdfast/client over TCP',
  missing: () => (existsSync(NEST_ENTRY) ? undefined : 'apps/data-node is not built: npm run build'),
  async start(options) {
    const ports = await freePorts(2 * NODES);
    const addresses = ports.slice(0, NODES).map((port) => `127.0.0.1:${port}`);
    const httpPorts = ports.slice(NODES);
    return startNodes(options, addresses, {
      start: (i) =>
        startChild({
          name: `node-${i + 1}`,
          command: process.execPath,
          args: [...applicationArguments(options), NEST_ENTRY],
          ipc: options.profiled === true,
          logFile: join(options.directory, `node-${i + 1}.log`),
          env: {
            HOLDFAST_NODE_ID: String(i + 1),
            HOLDFAST_CLUSTER_ID: CLUSTER_ID,
            HOLDFAST_MEMBERS: addresses.map((address, j) => `${j + 1}=${address}`).join(','),
            HOLDFAST_DATA_DIRECTORY: join(options.directory, `node-${i + 1}`),
            HOLDFAST_HTTP_PORT: String(httpPorts[i]),
            HOLDFAST_LOG_LEVEL: 'warn',
          },
        }),
      status: async (i) => {
        const answer = await fetch(`http://127.0.0.1:${httpPorts[i]}/status`);
        return (await answer.json()) as Status;
      },
    });
  },
};

interface NodeKind {
  start(i: number): Child;
  status(i: number, child: Child): Promise<Status>;
}

async function startNodes(
  options: StartOptions,
  addresses: readonly string[],
  kind: NodeKind,
): Promise<RunningSystem> {
  mkdirSync(options.directory, { recursive: true });
  const children = addresses.map((_, i) => kind.start(i));
  const statuses = (): Promise<readonly Status[]> =>
    Promise.all(children.map((child, i) => within(1000, kind.status(i, child))));
  const ready = (): Promise<void> =>
    waitUntil('the cluster', children, async () => (await statuses()).every((status) => status.ready));
  await ready();
  return {
    children,
    target: { kind: 'holdfast', addresses },
    async leader() {
      const led = (await statuses()).map(
        (status) => status.ranges.filter((range) => range.role === 'leader').length,
      );
      return children[led.indexOf(Math.max(...led))];
    },
    async restart(child) {
      const i = children.indexOf(child);
      children[i] = kind.start(i);
      await ready();
    },
    async stop() {
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<T>((_, reject) => setTimeout(() => reject(new Error('no answer in time')), ms)),
  ]);
}
