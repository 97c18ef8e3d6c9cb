/** `host:port`; an IPv6 host stands in brackets. */
export type Address = string;

/**
 * What a {@link Connection} tells its owner. Calls never nest inside `write`, and nothing is called
 * after `onClose`.
 */
export interface ConnectionHandler {
  /** Bytes may flow. Called once, first; for accepted connections too. */
  onOpen(): void;
  /**
   * Bytes as they arrived, split anywhere. The chunk belongs to the receiver and is never written again;
   * a view of it keeps the whole chunk alive, so copy what outlives the call.
   */
  onData(chunk: Uint8Array): void;
  /** The write queue fell to the low-water mark after `write` had returned false. */
  onDrain(): void;
  /** The connection is gone: by either side, by an error, or because it could not be made. Called once. */
  onClose(reason: Error | undefined): void;
}

/** A byte stream between two processes: ordered, without message borders, and mortal. */
export interface Connection {
  readonly remoteAddress: Address;
  /** Bytes accepted by `write` and not yet handed to the operating system. */
  readonly bytesQueued: number;
  /** Must be called once, in the turn in which the connection was obtained. */
  start(handler: ConnectionHandler): void;
  /**
   * Queues `bytes` (which must not be changed afterwards). False asks the caller to wait for `onDrain`;
   * the caller owes a bound on what it queues in spite of it.
   */
  write(bytes: Uint8Array): boolean;
  /** Stops and resumes `onData`, which lets the peer's queue fill: back-pressure. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. `onClose` follows. */
  close(): void;
  /** Closes now and drops what is queued. `onClose` follows. */
  destroy(reason?: Error): void;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting; connections that exist live on. */
  close(): Promise<void>;
}

/** Streams between processes. Implemented over TCP (`io-node`) and in the simulator. */
export interface Network {
  /** @throws Error with `code` `EADDRINUSE` when the address is taken. */
  listen(address: Address, accept: (connection: Connection) => void): Promise<Listener>;
  /** Returns at once; `onOpen` or `onClose` tells how it went. */
  connect(address: Address): Connection;
}
