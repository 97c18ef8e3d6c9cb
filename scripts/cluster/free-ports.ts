import { type AddressInfo, createServer } from 'node:net';
import { HOST, type Ports } from './layout.ts';

/** Ports for a cluster that nobody used a moment ago. */
export async function freePorts(): Promise<Ports> {
  const ports = await Promise.all(Array.from({ length: 8 }, () => freePort()));
  const take = (): number => ports.pop() ?? 0;
  return {
    gateway: take(),
    admin: take(),
    nodes: [1, 2, 3].map((id) => ({ id, tcp: take(), http: take() })),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
