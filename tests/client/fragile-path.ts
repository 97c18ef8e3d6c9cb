import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A path to a server of this machine whose connections can be broken, or made to carry nothing. */
export class FragilePath {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that have been carried so far. */
  carried = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param url of the server, with a port. */
  static async to(url: string): Promise<FragilePath> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const path = new FragilePath(server);
    server.on('connection', (near) => path.#carry(near, connect(Number(port), hostname)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return path;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Every connection that there is stays open and carries nothing any more. */
  silence(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(near: Socket, far: Socket): void {
    this.carried++;
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(one);
      one.pipe(other);
      // What breaks one half breaks the path.
      one.on('error', () => one.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
