import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { CallerReader } from './caller.ts';
import type { Host, Link } from './link.ts';
import type { Links, NodeHost } from './links.ts';
import { Pipe } from './pipe.ts';

const HOST = '127.0.0.1';
/** A caller has this long to say who it is. */
const HELLO_MS_MAX = 10_000;

interface Channel {
  readonly from: Host;
  readonly pipes: readonly Pipe[];
  readonly sockets: readonly Socket[];
}

/** Stands in front of one node: everybody else knows only this address. */
export class NodeProxy {
  readonly node: NodeHost;
  readonly #links: Links;
  readonly #target: number;
  readonly #server: Server;
  readonly #channels = new Set<Channel>();
  readonly #sockets = new Set<Socket>();
  /** Whose new connections are forgotten. */
  readonly #forgetting = new Set<(from: Host) => boolean>();

  /** @param target port of the node itself. */
  static async open(node: NodeHost, target: number, links: Links): Promise<NodeProxy> {
    const proxy = new NodeProxy(node, target, links);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, HOST, resolve);
    });
    return proxy;
  }

  private constructor(node: NodeHost, target: number, links: Links) {
    this.node = node;
    this.#target = target;
    this.#links = links;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  get address(): string {
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks connections, at once or inside the next frame. Gives how many. */
  reset(chosen: (from: Host) => boolean, insideFrame: boolean): number {
    const channels = [...this.#channels].filter(({ from }) => chosen(from));
    for (const { pipes, sockets } of channels) {
      if (insideFrame) for (const pipe of pipes) pipe.breakInside();
      else for (const socket of sockets) socket.resetAndDestroy();
    }
    return channels.length;
  }

  /**
   * Connections that exist now, and those that are made until the returned function is called, carry nothing for ever, and
   * nobody is told.
   */
  forget(chosen: (from: Host) => boolean): () => void {
    for (const { from, pipes } of this.#channels) if (chosen(from)) forgetAll(pipes);
    this.#forgetting.add(chosen);
    return () => this.#forgetting.delete(chosen);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    // What it means is in the 'close' that follows.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #accept(caller: Socket): void {
    this.#track(caller);
    const reader = new CallerReader();
    const impatience = setTimeout(() => caller.destroy(), HELLO_MS_MAX);
    const stop = (): void => clearTimeout(impatience);
    caller.once('close', stop);
    const listen = (chunk: Buffer): void => {
      let from: Host | undefined;
      try {
        from = reader.push(chunk);
      } catch {
        caller.destroy();
        return;
      }
      if (from === undefined) return;
      stop();
      caller.off('data', listen);
      caller.pause();
      this.#dial(caller, from, reader.held);
    };
    caller.on('data', listen);
    caller.on('end', () => reader.held.length === 0 && caller.destroy());
  }

  /** A connection is made when both directions work: until then the packets of the handshake are lost. */
  #dial(caller: Socket, from: Host, first: readonly Buffer[]): void {
    const forth = this.#links.link(from, this.node);
    const back = this.#links.link(this.node, from);
    if (!forth.isCut && !back.isCut) {
      this.#join(caller, from, first, forth, back);
      return;
    }
    const retry = (): void => {
      if (forth.isCut || back.isCut) return;
      stopWaiting();
      if (!caller.destroyed) this.#join(caller, from, first, forth, back);
    };
    const waits = [forth.onHeal(retry), back.onHeal(retry)];
    const stopWaiting = (): void => waits.forEach((stop) => stop());
    caller.once('close', stopWaiting);
  }

  #join(caller: Socket, from: Host, first: readonly Buffer[], forth: Link, back: Link): void {
    const callee = connect({ host: HOST, port: this.#target, allowHalfOpen: true, noDelay: true });
    this.#track(callee);
    const pipes = [new Pipe(forth, caller, callee), new Pipe(back, callee, caller)];
    if ([...this.#forgetting].some((chosen) => chosen(from))) forgetAll(pipes);
    for (const chunk of first) pipes[0]?.take(chunk);
    const channel: Channel = { from, pipes, sockets: [caller, callee] };
    this.#channels.add(channel);
    for (const socket of channel.sockets) socket.once('close', () => this.#channels.delete(channel));
    caller.resume();
  }
}

function forgetAll(pipes: readonly Pipe[]): void {
  for (const pipe of pipes) pipe.forget();
}
