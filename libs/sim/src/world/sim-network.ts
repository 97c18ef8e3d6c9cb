import { type Address, assert, type Connection, type Listener, type Network, Prng } from '@holdfast/io';
import { checksum } from './host-kernels.ts';
import type { Incarnation } from './incarnation.ts';
import { type LatencyModel, Link } from './network-link.ts';
import { Phase, type Scheduler } from './scheduler.ts';
import { networkError, SimConnection, type NetworkContext } from './sim-connection.ts';

/** An unanswered connection attempt is repeated after one second, then after twice as long, and so on (Linux). */
const CONNECT_RETRY_US_FIRST = 1_000_000;
/** After this many repetitions the kernel gives up: 127 seconds. */
const CONNECT_RETRIES_MAX = 6;
const EPHEMERAL_PORT_FIRST = 40_000;
/** What is delivered is cut from pieces of this size: memory of its own for each chunk costs more than its bytes. */
const MEMORY_PIECE_BYTES = 64 * 1024;

interface Listening {
  readonly process: Incarnation;
  readonly accept: (connection: Connection) => void;
}

/** What happened on the network since the start. */
export interface NetworkCounters {
  connects: number;
  refused: number;
  deliveries: number;
  bytes: number;
  corrupted: number;
}

/**
 * All hosts, the links between every two of them, and the streams on them. A process gets its view by
 * {@link SimNetwork.of}; faults are set on {@link SimNetwork.link}.
 */
export class SimNetwork implements NetworkContext {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly turnUs: number;
  readonly counters: NetworkCounters = { connects: 0, refused: 0, deliveries: 0, bytes: 0, corrupted: 0 };
  readonly #latency: LatencyModel;
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Map<Address, Listening>();
  readonly #connections = new Set<SimConnection>();
  readonly #down = new Set<string>();
  #portNext = EPHEMERAL_PORT_FIRST;
  #memory = new Uint8Array(MEMORY_PIECE_BYTES);
  #memoryUsed = 0;

  constructor(scheduler: Scheduler, seed: number, latency: LatencyModel, turnUs = 50) {
    this.scheduler = scheduler;
    this.random = new Prng(seed);
    this.#latency = latency;
    this.turnUs = turnUs;
  }

  /** The network as one process sees it. */
  of(process: Incarnation): Network {
    return {
      listen: (address, accept) => this.#listen(process, address, accept),
      connect: (address) => this.#connect(process, address),
    };
  }

  /** The link from one host to another: made at first use. */
  link(from: string, to: string): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new Link(from, to, this.scheduler, this.random, this.#latency);
      this.#links.set(name, link);
    }
    return link;
  }

  /** Every link that was ever used, in the order of first use. */
  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** Nothing passes between the hosts of one group and those of another. Hosts in no group stay as they are. */
  partition(...groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue;
        for (const from of group) for (const to of other) this.link(from, to).sever();
      }
    }
  }

  healAll(): void {
    for (const link of this.#links.values()) link.heal();
  }

  /** Breaks connections chosen by `choose`; both ends get `ECONNRESET`. Returns how many. */
  breakConnections(choose: (from: string, to: string) => boolean): number {
    let broken = 0;
    for (const connection of this.#connections) {
      if (!choose(connection.process.host, connection.remoteHost)) continue;
      connection.destroy(networkError('ECONNRESET', 'connection broken'));
      broken++;
    }
    return broken;
  }

  /** The process died. `kernelLives`: its machine closes its sockets; otherwise the power is gone. */
  processDied(process: Incarnation, kernelLives: boolean): void {
    for (const [address, listening] of this.#listeners) {
      if (listening.process === process) this.#listeners.delete(address);
    }
    for (const connection of this.#connections) {
      if (connection.process === process) connection.processDied(kernelLives);
    }
    if (!kernelLives) this.#down.add(process.host);
  }

  /** The machine has power again. */
  hostUp(host: string): void {
    this.#down.delete(host);
  }

  isUp(host: string): boolean {
    return !this.#down.has(host);
  }

  memory(bytes: number): Uint8Array {
    if (bytes > MEMORY_PIECE_BYTES / 4) return new Uint8Array(bytes);
    if (this.#memoryUsed + bytes > MEMORY_PIECE_BYTES) {
      this.#memory = new Uint8Array(MEMORY_PIECE_BYTES);
      this.#memoryUsed = 0;
    }
    const start = this.#memoryUsed;
    this.#memoryUsed += bytes;
    return this.#memory.subarray(start, start + bytes);
  }

  onDelivered(chunk: Uint8Array, corrupted: boolean): void {
    this.counters.deliveries++;
    this.counters.bytes += chunk.length;
    if (corrupted) this.counters.corrupted++;
    this.scheduler.fold(checksum(chunk));
  }

  forget(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  #listen(
    process: Incarnation,
    address: Address,
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    const bound = address.endsWith(':0') ? `${hostOf(address)}:${this.#portNext++}` : address;
    if (this.#listeners.has(bound)) return Promise.reject(networkError('EADDRINUSE', bound));
    const listening = { process, accept };
    this.#listeners.set(bound, listening);
    return Promise.resolve({
      address: bound,
      close: () => {
        if (this.#listeners.get(bound) === listening) this.#listeners.delete(bound);
        return Promise.resolve();
      },
    });
  }

  #connect(process: Incarnation, address: Address): Connection {
    this.counters.connects++;
    const there = this.link(process.host, hostOf(address));
    const connection = new SimConnection(this, process, there, address);
    this.#connections.add(connection);
    process.plan(0, Phase.input, () => assert(connection.started, 'a connection is started in its turn'));
    this.#knock(process, connection, there, CONNECT_RETRIES_MAX, CONNECT_RETRY_US_FIRST);
    return connection;
  }

  /** Sends the first packet of a connection, and again when nobody answers. */
  #knock(
    process: Incarnation,
    connection: SimConnection,
    there: Link,
    retries: number,
    retryUs: number,
  ): void {
    const address = connection.remoteAddress;
    let answered = false;
    process.plan(retryUs, Phase.input, () => {
      if (answered || !connection.connecting) return;
      if (retries > 0) this.#knock(process, connection, there, retries - 1, retryUs * 2);
      else connection.destroy(networkError('ETIMEDOUT', address));
    });
    this.scheduler.schedule(there.delayUs(0), Phase.input, undefined, () => {
      if (there.cut || !this.isUp(there.to) || !connection.connecting) return;
      const listening = this.#listeners.get(address);
      if (listening === undefined) {
        this.#refuse(process, connection);
        return;
      }
      answered = true;
      if (!connection.joined) this.#accept(listening, connection);
    });
  }

  #refuse(process: Incarnation, connection: SimConnection): void {
    const back = this.link(connection.remoteHost, process.host);
    if (back.cut) return;
    this.counters.refused++;
    process.plan(back.delayUs(0), Phase.input, () => {
      connection.gone(networkError('ECONNREFUSED', connection.remoteAddress));
    });
  }

  /** The kernel accepts, even for a process that is paused; the process hears of it when it runs. */
  #accept(listening: Listening, connection: SimConnection): void {
    const host = connection.process.host;
    const back = this.link(listening.process.host, host);
    const accepted = new SimConnection(this, listening.process, back, `${host}:${this.#portNext++}`);
    this.#connections.add(accepted);
    connection.join(accepted);
    listening.process.plan(0, Phase.input, () => {
      if (accepted.closed) return;
      if (this.#listeners.get(connection.remoteAddress) !== listening) {
        accepted.destroy();
        return;
      }
      listening.accept(accepted);
      assert(accepted.started, 'an accepted connection is started in its turn');
      accepted.opened();
    });
  }
}

export function hostOf(address: Address): string {
  return address.slice(0, address.lastIndexOf(':'));
}
