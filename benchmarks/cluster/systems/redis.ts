import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts, startChild, waitUntil } from './child.ts';
import { findBinary } from './find-binary.ts';
import type { System } from './system.ts';

const findRedis = (): string | undefined => findBinary(['redis-server', 'valkey-server'], 'REDIS_BIN');

export const redis: System = redisWith('redis', 'a connection per client', false);
export const redisShared: System = redisWith(
  'redis-shared',
  'one connection for all clients, pipelined',
  true,
);

/** One server that syncs every write before it answers; no replicas. */
function redisWith(name: string, connections: string, shared: boolean): System {
  return {
    name,
    about: `one Redis, appendfsync always, no replication; ${connections}`,
    replicas: 1,
    workloads: ['put', 'get', 'mixed'],
    missing: () => (findRedis() === undefined ? 'no redis-server on PATH, and no REDIS_BIN' : undefined),
    async start(options) {
      mkdirSync(options.directory, { recursive: true });
      const [port] = await freePorts(1);
      const child = startChild({
        name: 'redis',
        command: findRedis()!,
        args: [
          '--port',
          String(port),
          '--bind',
          '127.0.0.1',
          '--dir',
          options.directory,
          '--appendonly',
          'yes',
          '--appendfsync',
          'always',
          '--save',
          '',
        ],
        logFile: join(options.directory, 'redis.log'),
      });
      await waitUntil('Redis', [child], () => accepts(port));
      return {
        children: [child],
        target: { kind: 'redis', address: `127.0.0.1:${port}`, shared },
        leader: () => Promise.resolve(undefined),
        restart: () => Promise.reject(new Error('a single server does not fail over')),
        stop: () => child.stop(),
      };
    },
  };
}

/** Somebody listens on this port of the loopback interface. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
