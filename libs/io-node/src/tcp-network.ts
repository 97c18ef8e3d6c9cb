import { type AddressInfo, connect as connectSocket, createServer, Socket } from 'node:net';
import type { Address, Connection, Listener, Network } from '@holdfast/io';
import { formatAddress, parseAddress } from './tcp-address.ts';
import { TcpConnection, type TcpLimits } from './tcp-connection.ts';

/** Connections that the system keeps waiting for `accept`. */
const BACKLOG = 511;

export const TCP_LIMITS_DEFAULT: TcpLimits = {
  connectMs: 3_000,
  lingerMs: 5_000,
  highWaterBytes: 1024 * 1024,
  lowWaterBytes: 256 * 1024,
};

/** Streams over TCP. */
export class TcpNetwork implements Network {
  readonly #limits: TcpLimits;
  readonly #sockets = new Set<Socket>();

  constructor(limits: Partial<TcpLimits> = {}) {
    this.#limits = { ...TCP_LIMITS_DEFAULT, ...limits };
  }

  /** Connections that exist, accepted ones and own ones. */
  get connections(): number {
    return this.#sockets.size;
  }

  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const target = parseAddress(address);
      if (target === undefined) return reject(invalid(address));
      // Paused until `start`: no byte is read before there is somebody to read it.
      const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
        this.#track(socket);
        const { remoteAddress = '?', remotePort = 0 } = socket;
        accept(new TcpConnection(socket, formatAddress(remoteAddress, remotePort), 'open', this.#limits));
      });
      server.once('error', reject);
      server.listen({ host: target.host, port: target.port, backlog: BACKLOG }, () => {
        server.off('error', reject);
        // Running out of descriptors, for example: this connection is lost, the listener lives on.
        server.on('error', () => undefined);
        const bound = server.address() as AddressInfo;
        resolve({
          address: formatAddress(target.host, bound.port),
          close: () => {
            // Its callback would wait for the connections; the port is free at once.
            server.close();
            return Promise.resolve();
          },
        });
      });
    });
  }

  connect(address: Address): Connection {
    const target = parseAddress(address);
    const socket = target === undefined ? new Socket() : connectSocket({ ...target, allowHalfOpen: true });
    if (target === undefined) socket.destroy(invalid(address));
    this.#track(socket);
    return new TcpConnection(socket, address, 'connecting', this.#limits);
  }

  /** Breaks every connection: the last step of a shutdown. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function invalid(address: Address): Error {
  return Object.assign(new Error(`EINVAL: ${address} is not host:port`), { code: 'EINVAL' });
}
