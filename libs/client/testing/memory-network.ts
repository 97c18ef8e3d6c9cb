import {
  type Address,
  type Clock,
  type Connection,
  type ConnectionHandler,
  EMPTY_BYTES,
  type Listener,
  type Network,
} from '@holdfast/io';

/** What a test can do to a listening address. */
interface Server {
  readonly accept: (connection: Connection) => void;
}

/** Byte streams inside one process, with latency, cuts and deaths. */
export class MemoryNetwork implements Network {
  readonly #clock: Clock;
  readonly #servers = new Map<Address, Server>();
  readonly #silent = new Set<Address>();
  readonly #ends = new Set<MemoryConnection>();
  /** One way, in milliseconds. */
  latencyMs = 0.1;
  /** Chunks are split into pieces of at most this many bytes. */
  chunkBytesMax = 64 * 1024;
  connectionsMade = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    this.#servers.set(address, { accept });
    return Promise.resolve({
      address,
      close: () => {
        this.#servers.delete(address);
        return Promise.resolve();
      },
    });
  }

  connect(address: Address): Connection {
    this.connectionsMade++;
    const near = new MemoryConnection(this, this.#clock, address);
    const server = this.#servers.get(address);
    if (this.#silent.has(address)) return near;
    if (server === undefined) {
      this.#clock.schedule(this.latencyMs, () => near.ended(new Error(`ECONNREFUSED ${address}`)));
      return near;
    }
    const far = new MemoryConnection(this, this.#clock, 'client:0');
    near.peer = far;
    far.peer = near;
    this.#ends.add(near);
    this.#ends.add(far);
    this.#clock.schedule(this.latencyMs, () => {
      server.accept(far);
      far.opened();
      near.opened();
    });
    return near;
  }

  /** The process at `address` dies: its connections are reset, new ones refused. */
  kill(address: Address): void {
    this.#servers.delete(address);
    for (const end of this.#ends) {
      if (end.remoteAddress !== address) continue;
      end.peer?.ended(new Error('killed'));
      this.#clock.schedule(this.latencyMs, () => end.ended(new Error('ECONNRESET')));
    }
  }

  /** Nothing from or to `address` arrives any more, and nobody is told. */
  silence(address: Address): void {
    this.#silent.add(address);
  }

  heal(address: Address): void {
    this.#silent.delete(address);
  }

  isSilent(address: Address): boolean {
    return this.#silent.has(address);
  }

  forget(end: MemoryConnection): void {
    this.#ends.delete(end);
  }
}

class MemoryConnection implements Connection {
  readonly remoteAddress: Address;
  readonly #network: MemoryNetwork;
  readonly #clock: Clock;
  peer: MemoryConnection | undefined;
  #handler: ConnectionHandler | undefined;
  #open = false;
  #over = false;
  bytesQueued = 0;

  constructor(network: MemoryNetwork, clock: Clock, remoteAddress: Address) {
    this.#network = network;
    this.#clock = clock;
    this.remoteAddress = remoteAddress;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#over) return true;
    const copy = bytes.slice();
    this.#clock.schedule(this.#network.latencyMs, () => {
      const { peer } = this;
      if (peer === undefined || this.#cut()) return;
      const step = this.#network.chunkBytesMax;
      for (let at = 0; at < copy.length; at += step) peer.received(copy.slice(at, at + step));
    });
    return true;
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.destroy();
  }

  destroy(reason?: Error): void {
    if (this.#over) return;
    const { peer } = this;
    this.#clock.schedule(0, () => this.ended(reason));
    this.#clock.schedule(this.#network.latencyMs, () => {
      if (!this.#cut()) peer?.ended(undefined);
    });
  }

  opened(): void {
    if (this.#over) return;
    this.#open = true;
    this.#handler?.onOpen();
  }

  received(chunk: Uint8Array): void {
    if (this.#open && !this.#over && chunk.length > EMPTY_BYTES.length) this.#handler?.onData(chunk);
  }

  ended(reason: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#network.forget(this);
    this.#handler?.onClose(reason);
  }

  #cut(): boolean {
    return (
      this.#network.isSilent(this.remoteAddress) ||
      (this.peer !== undefined && this.#network.isSilent(this.peer.remoteAddress))
    );
  }
}
