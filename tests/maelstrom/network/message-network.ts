import type { Address, Clock, Connection, Listener, Network } from '@holdfast/io';
import { MessageStream, streamError } from './message-stream.ts';
import type { Packet } from './packet.ts';

/** `listen` on port 0 gets one from here. */
const PORT_FIRST = 40_000;

export interface MessageNetworkOptions {
  /** The name by which others send to this process: the host of its addresses. */
  readonly host: string;
  /** Different for every life of the process: streams of an earlier one are unknown. */
  readonly life: string;
  readonly clock: Clock;
  /** Sends one message. It may be lost, repeated, or arrive behind later ones. */
  readonly send: (to: string, packet: Packet) => void;
}

/**
 * Streams between processes that can only send messages: {@link Network} for places where messages are all there is.
 * An address is `host:port`, and the host is the name of a process.
 */
export class MessageNetwork implements Network {
  readonly #options: MessageNetworkOptions;
  readonly #listening = new Map<Address, (connection: Connection) => void>();
  /** By the other process and the name that whoever connected gave. */
  readonly #streams = new Map<string, MessageStream>();
  #connects = 0;
  #portNext = PORT_FIRST;

  constructor(options: MessageNetworkOptions) {
    this.#options = options;
  }

  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener> {
    const bound = address.endsWith(':0') ? `${hostOf(address)}:${this.#portNext++}` : address;
    if (this.#listening.has(bound)) return Promise.reject(streamError('EADDRINUSE', bound));
    this.#listening.set(bound, accept);
    return Promise.resolve({
      address: bound,
      close: () => {
        if (this.#listening.get(bound) === accept) this.#listening.delete(bound);
        return Promise.resolve();
      },
    });
  }

  connect(address: Address): Connection {
    const { host, life } = this.#options;
    return this.#make(hostOf(address), `${host}/${life}/${++this.#connects}`, address, address);
  }

  /** A message has arrived. Never call it from within {@link MessageNetworkOptions.send}. */
  receive(from: string, packet: Packet): void {
    const stream = this.#streams.get(keyOf(from, packet.stream));
    if (stream !== undefined) {
      stream.receive(packet);
      return;
    }
    if (packet.kind === 'reset') return;
    const accept =
      packet.kind === 'open' && packet.address !== undefined
        ? this.#listening.get(packet.address)
        : undefined;
    if (accept === undefined) {
      const refused = packet.kind === 'open';
      this.#options.send(from, { stream: packet.stream, kind: 'reset', refused });
      return;
    }
    const accepted = this.#make(from, packet.stream, `${from}:${this.#portNext++}`, undefined);
    accept(accepted);
    // `onOpen` comes in a turn of its own.
    this.#options.clock.defer(() => accepted.receive(packet));
  }

  #make(peer: string, name: string, remoteAddress: Address, connectTo: Address | undefined): MessageStream {
    const { clock, send } = this.#options;
    const key = keyOf(peer, name);
    const stream = new MessageStream(
      name,
      remoteAddress,
      { clock, send: (packet) => send(peer, packet), forget: () => this.#streams.delete(key) },
      connectTo,
    );
    this.#streams.set(key, stream);
    return stream;
  }
}

function keyOf(peer: string, stream: string): string {
  return `${peer} ${stream}`;
}

function hostOf(address: Address): string {
  return address.slice(0, address.lastIndexOf(':'));
}
