import { randomInt } from 'node:crypto';
import { HOST, type Ports } from './layout.ts';
import { isTaken } from './port-owner.ts';

/**
 * Below what systems give to outgoing connections and to listeners that take any port: a port stays free until its owner
 * comes, and when its owner comes back.
 */
const PORTS = { low: 12_000, high: 31_999 } as const;
const TRIES_MAX = 200;

/** Different ports on this machine that nobody listens on now. @throws Error when there seem to be none. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries === TRIES_MAX) throw new Error(`no free ports from ${PORTS.low} to ${PORTS.high}`);
    // Not from a seed: two runs at the same time must not meet.
    const port = randomInt(PORTS.low, PORTS.high + 1);
    if (!ports.has(port) && !(await isTaken(HOST, port))) ports.add(port);
  }
  return [...ports];
}

/** Free ports for a cluster of three nodes. */
export async function freeClusterPorts(): Promise<Ports> {
  const [gateway = 0, admin = 0, ...rest] = await freePorts(8);
  return {
    gateway,
    admin,
    nodes: [1, 2, 3].map((id) => ({ id, tcp: rest[2 * id - 2] ?? 0, http: rest[2 * id - 1] ?? 0 })),
  };
}
