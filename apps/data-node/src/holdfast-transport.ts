import { type DataCall, Node, type NodeOptions } from '@holdfast/store';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';

/** The pattern of the one handler behind this transport. */
export const DATA_PATTERN = 'data';

/**
 * The node's listener as a NestJS transport. A message is a whole batch of operations, verified by the node before it
 * gets here; its answers go straight back to the connection, each as soon as it is known, so a handler returns nothing
 * and nothing waits for it. Raft and the handshake share the listener and never come this way.
 */
export class HoldfastTransport extends Server implements CustomTransportStrategy {
  readonly node: Node;
  readonly #drainMs: number;
  #handler: MessageHandler<DataCall> | undefined;
  #stopping: Promise<void> | undefined;

  /** Recovers the node; nothing is served before {@link listen}. @throws what `Node.open` throws. */
  static async open(options: Omit<NodeOptions, 'onData'>, drainMs: number): Promise<HoldfastTransport> {
    // Nothing arrives before `listen`, so `transport` stands when it is used.
    const node = await Node.open({ ...options, onData: (call) => transport.deliver(call) });
    const transport = new HoldfastTransport(node, drainMs);
    return transport;
  }

  private constructor(node: Node, drainMs: number) {
    super();
    this.node = node;
    this.#drainMs = drainMs;
  }

  listen(callback: (error?: unknown) => void): void {
    this.#handler = this.getHandlerByPattern(DATA_PATTERN) ?? undefined;
    if (this.#handler === undefined) {
      callback(new Error(`no handler for the pattern ${DATA_PATTERN}`));
      return;
    }
    this.node.listen().then(() => callback(), callback);
  }

  /** Hands leadership over, answers what is in work, syncs and closes. Calling it again waits for the same end. */
  close(): Promise<void> {
    this.#stopping ??= this.node.stop(this.#drainMs);
    return this.#stopping;
  }

  /** Gives a batch to its handler. The promise of NestJS tells nothing: the answers are the handler's business. */
  deliver(call: DataCall): void {
    void this.#handler?.(call);
  }

  /** This transport has no events. */
  on(): never {
    throw new Error('the transport has no events');
  }

  unwrap<T>(): T {
    return this.node as T;
  }
}
