import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, startChild, waitUntil } from './child.ts';
import { findBinary } from './find-binary.ts';
import { accepts } from './redis.ts';
import type { System } from './system.ts';

const SERVERS = 3;

const findNats = (): string | undefined => findBinary(['nats-server'], 'NATS_BIN');

/** JetStream's key-value store with three replicas. It syncs every two minutes, not before it acknowledges. */
export const nats: System = {
  name: 'nats',
  about: 'NATS JetStream KV, three replicas on files, no sync before the acknowledgement',
  replicas: SERVERS,
  workloads: ['put', 'stale'],
  missing: () => (findNats() === undefined ? 'no nats-server on PATH, and no NATS_BIN' : undefined),
  async start(options) {
    mkdirSync(options.directory, { recursive: true });
    const ports = await freePorts(2 * SERVERS);
    const clientPorts = ports.slice(0, SERVERS);
    const routePorts = ports.slice(SERVERS);
    const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`);
    const children = clientPorts.map((port, i) =>
      startChild({
        name: `node-${i + 1}`,
        command: findNats()!,
        args: [
          '-js',
          '-sd',
          join(options.directory, `node-${i + 1}`),
          '-a',
          '127.0.0.1',
          '-p',
          String(port),
          '-n',
          `node-${i + 1}`,
          '--cluster_name',
          'bench',
          '--cluster',
          routes[i],
          '--routes',
          routes.join(','),
        ],
        logFile: join(options.directory, `node-${i + 1}.log`),
      }),
    );
    await waitUntil('NATS', children, async () =>
      (await Promise.all(clientPorts.map(accepts))).every((isUp) => isUp),
    );
    return {
      children,
      target: { kind: 'nats', addresses: clientPorts.map((port) => `127.0.0.1:${port}`) },
      leader: () => Promise.resolve(undefined),
      restart: () => Promise.reject(new Error('failover of NATS is not measured')),
      async stop() {
        await Promise.all(children.map((child) => child.stop()));
      },
    };
  },
};
