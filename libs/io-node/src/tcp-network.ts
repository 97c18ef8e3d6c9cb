import { type AddressInfo, connect as connectSocket, createServer, type Server, Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Address, Connection, Listener, Network } from '@holdfast/io';
import { formatAddress, parseAddress } from './tcp-address.ts';
import { TcpConnection, type TcpLimits } from './tcp-connection.ts';
import { checkTlsIdentity, serverName, TLS_VERSION, type TlsIdentity } from './tls-identity.ts';

/** Connections that the system keeps waiting for `accept`. */
const BACKLOG = 511;
/** Connections that may be in the middle of their TLS handshake; more are closed unheard. */
export const TLS_HANDSHAKES_MAX = 1000;

export const TCP_LIMITS_DEFAULT: TcpLimits = {
  connectMs: 3_000,
  lingerMs: 5_000,
  highWaterBytes: 1024 * 1024,
  lowWaterBytes: 256 * 1024,
};

export interface TcpNetworkOptions extends Partial<TcpLimits> {
  /**
   * Encrypts every connection, and both ends prove who they are (mutual TLS). Certificates name the hosts and addresses
   * under which their owners are reached.
   */
  readonly tls?: TlsIdentity;
  /** Hears of connections that ended before they had a stream: no certificate, a wrong one, no TLS at all. */
  readonly onTlsRefused?: (remoteAddress: Address, reason: Error) => void;
}

/** Streams over TCP, in clear or inside of TLS. */
export class TcpNetwork implements Network {
  readonly #limits: TcpLimits;
  readonly #tls: TlsIdentity | undefined;
  readonly #onTlsRefused: ((remoteAddress: Address, reason: Error) => void) | undefined;
  readonly #sockets = new Set<Socket>();
  /** Accepted, and not through their TLS handshake; by their remote address. */
  readonly #shaking = new Map<Address, Socket>();

  /** @throws Error for a certificate or key that is none. */
  constructor({ tls, onTlsRefused, ...limits }: TcpNetworkOptions = {}) {
    if (tls !== undefined) checkTlsIdentity(tls);
    this.#limits = { ...TCP_LIMITS_DEFAULT, ...limits };
    this.#tls = tls;
    this.#onTlsRefused = onTlsRefused;
  }

  /** Connections that exist, accepted ones and own ones. */
  get connections(): number {
    return this.#sockets.size;
  }

  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const target = parseAddress(address);
      if (target === undefined) return reject(invalid(address));
      const server = this.#createServer((socket) => {
        this.#track(socket);
        accept(new TcpConnection(socket, remoteOf(socket), undefined, this.#limits));
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
    const tls = this.#tls;
    const socket = target === undefined ? new Socket() : this.#open(target);
    if (target === undefined) socket.destroy(invalid(address));
    this.#track(socket);
    const opening = tls === undefined ? 'connect' : 'secureConnect';
    return new TcpConnection(socket, address, opening, this.#limits);
  }

  /** Breaks every connection: the last step of a shutdown. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const socket of this.#shaking.values()) socket.destroy();
  }

  #open(target: { readonly host: string; readonly port: number }): Socket {
    const options = { ...target, allowHalfOpen: true };
    if (this.#tls === undefined) return connectSocket(options);
    const secured = {
      ...options,
      ...this.#tls,
      servername: serverName(target.host),
      minVersion: TLS_VERSION,
    };
    return connectTls(secured);
  }

  /** Its sockets are paused until `start`: no byte is read before there is somebody to read it. */
  #createServer(accept: (socket: Socket) => void): Server {
    const tls = this.#tls;
    if (tls === undefined) return createServer({ pauseOnConnect: true, allowHalfOpen: true }, accept);
    const server = createTlsServer(
      {
        ...tls,
        pauseOnConnect: true,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: TLS_VERSION,
        handshakeTimeout: this.#limits.connectMs,
      },
      (socket) => {
        this.#shaking.delete(remoteOf(socket));
        // Only now: a peer that leaves in the middle of the handshake is gone.
        socket.allowHalfOpen = true;
        accept(socket);
      },
    );
    server.on('connection', (socket: Socket) => {
      if (this.#shaking.size >= TLS_HANDSHAKES_MAX) {
        socket.destroy();
        return;
      }
      const remote = remoteOf(socket);
      this.#shaking.set(remote, socket);
      socket.once('close', () => this.#shaking.delete(remote));
    });
    server.on('tlsClientError', (reason, socket) => {
      this.#onTlsRefused?.(remoteOf(socket), reason);
      socket.destroy();
    });
    return server;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function remoteOf({ remoteAddress = '?', remotePort = 0 }: Socket): Address {
  return formatAddress(remoteAddress, remotePort);
}

function invalid(address: Address): Error {
  return Object.assign(new Error(`EINVAL: ${address} is not host:port`), { code: 'EINVAL' });
}
