import type { Socket } from 'node:net';
import { type Address, assert, type Connection, type ConnectionHandler } from '@holdfast/io';
import { deferToTurnEnd, flushAtTurnEnd } from './turn.ts';

export interface TcpLimits {
  /** An attempt to connect ends with `ETIMEDOUT` after this. */
  readonly connectMs: number;
  /** After `close`: the longest wait for a peer that neither takes the rest nor closes its side. */
  readonly lingerMs: number;
  /** `write` returns false while more than this is queued. */
  readonly highWaterBytes: number;
  /** `onDrain` comes when the queue has fallen to this. */
  readonly lowWaterBytes: number;
}

/** Chunks are copied together up to this size, so that many small ones cost one call of the system. */
const COALESCE_BYTES_MAX = 64 * 1024;
/** An idle connection is probed after this, so that a peer that vanished without a word is noticed. */
const KEEP_ALIVE_MS = 15_000;

/**
 * One TCP stream. What is written in a turn of the event loop leaves together at its end; while the system
 * does not take it, everything new waits behind and leaves as one batch when it does.
 */
export class TcpConnection implements Connection {
  readonly remoteAddress: Address;
  readonly #socket: Socket;
  readonly #limits: TcpLimits;
  #handler: ConnectionHandler | undefined;
  #state: 'connecting' | 'open' | 'closing' | 'closed';
  #queue: Uint8Array[] = [];
  #queueBytes = 0;
  /** Handed to the socket, which has not reported yet that the system took it. */
  #writingBytes = 0;
  #flushPlanned = false;
  #needDrain = false;
  #paused = false;
  #opened = false;
  #reason: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param opening the event with which a connection that is being made is there; undefined when it is there already */
  constructor(
    socket: Socket,
    remoteAddress: Address,
    opening: 'connect' | 'secureConnect' | undefined,
    limits: TcpLimits,
  ) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#state = opening === undefined ? 'open' : 'connecting';
    this.#limits = limits;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('error', (error) => (this.#reason ??= error));
    socket.on('close', () => this.#closed());
    if (opening !== undefined) {
      const timedOut = Object.assign(new Error(`ETIMEDOUT: connect ${remoteAddress}`), { code: 'ETIMEDOUT' });
      this.#timer = setTimeout(() => socket.destroy(timedOut), limits.connectMs);
      socket.on(opening, () => this.#open());
    }
    deferToTurnEnd(() =>
      assert(this.#handler !== undefined, 'a connection is started in the turn it was obtained in'),
    );
  }

  get bytesQueued(): number {
    return this.#queueBytes + this.#writingBytes;
  }

  start(handler: ConnectionHandler): void {
    assert(this.#handler === undefined, 'a connection is started once');
    this.#handler = handler;
    if (this.#state === 'open') queueMicrotask(() => this.#open());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === 'closing' || this.#state === 'closed') return false;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queueBytes += bytes.length;
      this.#planFlush();
    }
    if (this.bytesQueued <= this.#limits.highWaterBytes) return true;
    this.#needDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#opened) this.#socket.resume();
  }

  close(): void {
    if (this.#state === 'connecting') return this.destroy();
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#watchClosing();
    this.#planFlush();
  }

  destroy(reason?: Error): void {
    if (this.#state === 'closed') return;
    this.#reason ??= reason;
    this.#state = 'closing';
    this.#queue = [];
    this.#queueBytes = 0;
    // An error given to `destroy` would come back as an event of its own; the reason is kept here instead.
    this.#socket.destroy();
  }

  #open(): void {
    if (this.#state !== 'connecting' && this.#state !== 'open') return;
    clearTimeout(this.#timer);
    this.#state = 'open';
    this.#opened = true;
    this.#handler?.onOpen();
    // Not a Buffer: its `slice` is a view, and code that knows only `Uint8Array` takes it for a copy.
    this.#socket.on('data', (data) => {
      assert(typeof data !== 'string', 'no encoding was set');
      this.#handler?.onData(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
    // The peer's end ends this side too, after what is queued has left.
    this.#socket.on('end', () => this.close());
    if (this.#paused) this.#socket.pause();
    else this.#socket.resume();
    this.#planFlush();
  }

  #planFlush(): void {
    if (this.#flushPlanned || this.#writingBytes > 0 || this.#state === 'connecting') return;
    this.#flushPlanned = true;
    flushAtTurnEnd(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  /** The one place that hands bytes to the socket; at most one batch is under way. */
  #flush(): void {
    if (this.#state === 'closed' || this.#writingBytes > 0) return;
    if (this.#queue.length === 0) {
      if (this.#state === 'closing' && !this.#socket.writableEnded) this.#socket.end();
      return;
    }
    const chunks = this.#queue;
    this.#writingBytes = this.#queueBytes;
    this.#queue = [];
    this.#queueBytes = 0;
    const batches = coalesce(chunks);
    // A corked stream keeps a list first and writes then: worth it for several.
    if (batches.length > 1) this.#socket.cork();
    for (let i = 0; i < batches.length - 1; i++) this.#socket.write(batches[i]);
    this.#socket.write(batches.at(-1)!, this.#onWritten);
    if (batches.length > 1) this.#socket.uncork();
  }

  readonly #onWritten = (error: Error | null | undefined): void => {
    if (!error) this.#written();
  };

  #written(): void {
    this.#writingBytes = 0;
    if (this.#state === 'closed') return;
    if (this.#queueBytes > 0 || this.#state === 'closing') this.#flush();
    if (this.#needDrain && this.#state === 'open' && this.bytesQueued <= this.#limits.lowWaterBytes) {
      this.#needDrain = false;
      this.#handler?.onDrain();
    }
  }

  /** Ends a close that makes no progress: the peer neither reads nor closes. */
  #watchClosing(): void {
    let before = -1;
    this.#timer = setInterval(() => {
      const left = this.bytesQueued;
      if (left === before) this.#socket.destroy();
      before = left;
    }, this.#limits.lingerMs / 2);
  }

  #closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#queueBytes = 0;
    this.#writingBytes = 0;
    this.#handler?.onClose(this.#reason);
  }
}

/** Copies runs of small chunks together; large ones pass as they are. */
function coalesce(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  if (chunks.length === 1) return chunks;
  const batches: Uint8Array[] = [];
  let start = 0;
  let bytes = 0;
  const join = (end: number): void => {
    if (end - start === 1) batches.push(chunks[start]);
    else if (end > start) {
      const joined = Buffer.allocUnsafeSlow(bytes);
      let offset = 0;
      for (let i = start; i < end; i++) {
        joined.set(chunks[i], offset);
        offset += chunks[i].length;
      }
      batches.push(joined);
    }
    start = end;
    bytes = 0;
  };
  for (let i = 0; i < chunks.length; i++) {
    const length = chunks[i].length;
    if (bytes + length > COALESCE_BYTES_MAX) join(i);
    bytes += length;
  }
  join(chunks.length);
  return batches;
}
