import { createServer } from 'node:net';
import { type Random, randomInteger } from '@holdfast/io';

/** Below what systems hand out to outgoing connections, so that a port is still free when its owner comes back. */
const PORTS = { low: 12_000, high: 31_999 } as const;
const TRIES_MAX = 200;

/** Different ports on 127.0.0.1 that nobody listens on now. @throws Error when there seem to be none. */
export async function freePorts(count: number, random: Random): Promise<readonly number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries === TRIES_MAX) throw new Error(`no free ports from ${PORTS.low} to ${PORTS.high}`);
    const port = randomInteger(random, PORTS.low, PORTS.high);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
