import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, startChild, waitUntil } from './child.ts';
import { nodeArguments } from './node-command.ts';
import { accepts } from './redis.ts';
import type { System } from './system.ts';

const ENTRY = join(import.meta.dirname, '..', 'gate', 'reference-node.ts');
const NODES = 3;

/** The gate's peer: see `gate/reference-node.ts` for what it is and is not. */
export const reference: System = {
  name: 'reference',
  about: 'three processes that replicate and sync in a few lines, without anything that makes a store',
  replicas: NODES,
  workloads: ['put', 'get', 'mixed'],
  missing: () => undefined,
  async start(options) {
    mkdirSync(options.directory, { recursive: true });
    const [leaderPort, ...followerPorts] = await freePorts(NODES);
    const start = (i: number, args: readonly string[]): ReturnType<typeof startChild> =>
      startChild({
        name: `node-${i}`,
        command: process.execPath,
        args: [...nodeArguments(), ENTRY, ...args],
        logFile: join(options.directory, `node-${i}.log`),
        ipc: true,
      });
    const file = (i: number): string => join(options.directory, `node-${i}.data`);
    const followers = followerPorts.map((port, i) => start(i + 2, ['follower', String(port), file(i + 2)]));
    const up = async (ports: readonly number[]): Promise<boolean> =>
      (await Promise.all(ports.map(accepts))).every((isUp) => isUp);
    await waitUntil('the followers', followers, () => up(followerPorts));
    const leader = start(1, ['leader', String(leaderPort), file(1), followerPorts.join(',')]);
    const children = [leader, ...followers];
    await waitUntil('the leader', children, () => up([leaderPort]));
    return {
      children,
      target: { kind: 'reference', address: `127.0.0.1:${leaderPort}` },
      leader: () => Promise.resolve(leader),
      restart: () => Promise.reject(new Error('the reference does not fail over')),
      async stop() {
        await Promise.all(children.map((child) => child.stop()));
      },
    };
  },
};
