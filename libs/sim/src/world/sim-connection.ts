import {
  type Address,
  assert,
  type Connection,
  type ConnectionHandler,
  randomChance,
  randomInteger,
} from '@holdfast/io';
import type { Random } from '@holdfast/io';
import type { Incarnation } from './incarnation.ts';
import type { Link, LinkUser } from './network-link.ts';
import { Phase, type Scheduler } from './scheduler.ts';

/** Bytes in flight (in kernel buffers and on the wire) before `write` starts to queue. */
export const WINDOW_BYTES = 256 * 1024;
/** `write` returns false while more than this is queued. */
export const HIGH_WATER_BYTES = 64 * 1024;
/** `onDrain` comes when the queue has fallen to this. */
export const LOW_WATER_BYTES = 16 * 1024;
/** One `onData` carries at most this, as one read of a socket does. */
const CHUNK_BYTES_MAX = 64 * 1024;
/** First pause before bytes for a machine without power are sent again; it doubles. */
const RETRY_US_FIRST = 200_000;
const RETRY_US_MAX = 10_000_000;

/** What connections need from the network they belong to. */
export interface NetworkContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** False after a power loss until the machine is started again: nothing answers there. */
  isUp(host: string): boolean;
  /** Input arrives at multiples of this: one turn of the receiver's loop handles what came meanwhile. */
  readonly turnUs: number;
  /** Memory that nobody else has, as a slice of a larger piece. Its content is anything. */
  memory(bytes: number): Uint8Array;
  onDelivered(chunk: Uint8Array, corrupted: boolean): void;
  forget(connection: SimConnection): void;
}

interface Segment {
  bytes: Uint8Array;
  readonly arrivesAtUs: number;
}

/** An error as Node's sockets give it. */
export function networkError(code: string, detail: string): Error {
  return Object.assign(new Error(`${code}: ${detail}`), { code });
}

/**
 * One end of a stream. Bytes keep their order and lose their borders: what was written may arrive merged or
 * split anywhere. The two ends learn of each other's death only by bytes that pass the links between them.
 */
export class SimConnection implements Connection, LinkUser {
  readonly remoteAddress: Address;
  readonly #context: NetworkContext;
  readonly #process: Incarnation;
  readonly #out: Link;
  #peer: SimConnection | undefined;
  #handler: ConnectionHandler | undefined;
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  readonly #queue: Uint8Array[] = [];
  #bytesQueued = 0;
  #needDrain = false;
  #bytesInFlight = 0;
  #lastArrivalUs = 0;
  /** Bytes from the peer, the first still underway or waiting for `resume`. */
  readonly #inbox: Segment[] = [];
  #paused = false;
  #deliveryPlanned = false;
  #endSent = false;
  #peerEnded = false;

  constructor(context: NetworkContext, process: Incarnation, out: Link, remoteAddress: Address) {
    this.#context = context;
    this.#process = process;
    this.#out = out;
    this.remoteAddress = remoteAddress;
    out.users.add(this);
  }

  get bytesQueued(): number {
    return this.#bytesQueued;
  }

  get process(): Incarnation {
    return this.#process;
  }

  get connecting(): boolean {
    return this.#state === 'connecting';
  }

  /** The other side has accepted, whether this side knows it yet or not. */
  get joined(): boolean {
    return this.#peer !== undefined;
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  get started(): boolean {
    return this.#handler !== undefined;
  }

  get remoteHost(): string {
    return this.#out.to;
  }

  start(handler: ConnectionHandler): void {
    assert(this.#handler === undefined, 'a connection is started once');
    this.#handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === 'closing' || this.#state === 'closed') return false;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#bytesQueued += bytes.length;
      this.#pump();
    }
    const more = this.#bytesQueued <= HIGH_WATER_BYTES;
    if (!more) this.#needDrain = true;
    return more;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#planDelivery();
  }

  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const wasConnecting = this.#state === 'connecting';
    this.#state = 'closing';
    if (wasConnecting) this.destroy();
    else this.#finishIfFlushed();
  }

  destroy(reason?: Error): void {
    if (this.#state === 'closed') return;
    this.#sendReset();
    this.gone(reason);
  }

  // --- Called by the network ---

  /** Joins the two ends. This side is open when the answer has travelled. */
  join(peer: SimConnection): void {
    this.#peer = peer;
    peer.#peer = this;
    peer.#overLink(0, () => this.opened());
  }

  opened(): void {
    if (this.#state !== 'connecting') return;
    this.#process.plan(0, Phase.input, () => {
      if (this.#state !== 'connecting') return;
      this.#state = 'open';
      this.#handler?.onOpen();
      this.#pump();
      this.#planDelivery();
    });
  }

  /** This end is over: the owner hears of it once, in an event of its own. */
  gone(reason: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#release();
    this.#process.plan(0, Phase.input, () => this.#handler?.onClose(reason));
  }

  /** The owner's process died. A living kernel tells the peer; a machine without power tells nobody. */
  processDied(kernelLives: boolean): void {
    if (this.#state === 'closed') return;
    if (kernelLives) {
      if (randomChance(this.#context.random, 0.5)) this.#sendReset();
      else this.#sendEnd();
    }
    this.#state = 'closed';
    this.#release();
  }

  linkHealed(): void {
    this.#context.scheduler.schedule(this.#out.retransmitUs(), Phase.input, undefined, () => {
      const peer = this.#peer;
      if (peer === undefined) return;
      this.#pump();
      peer.#planDelivery();
      peer.#pump(); // Its acknowledgements come back over this link.
    });
  }

  // --- Sending ---

  /** Moves bytes from the queue into the window. */
  #pump(): void {
    const peer = this.#peer;
    if (peer === undefined || this.#state === 'connecting' || this.#state === 'closed') return;
    const now = this.#context.scheduler.nowUs;
    while (this.#queue.length > 0 && this.#bytesInFlight < WINDOW_BYTES) {
      const bytes = this.#queue.shift()!;
      this.#bytesQueued -= bytes.length;
      this.#bytesInFlight += bytes.length;
      const arrivesAtUs = Math.max(now + this.#out.delayUs(bytes.length), this.#lastArrivalUs);
      this.#lastArrivalUs = arrivesAtUs;
      peer.#inbox.push({ bytes, arrivesAtUs });
      if (peer.#inbox.length === 1) peer.#planDelivery();
    }
    if (this.#needDrain && this.#bytesQueued <= LOW_WATER_BYTES) {
      this.#needDrain = false;
      this.#process.plan(0, Phase.input, () => {
        if (this.#state === 'open') this.#handler?.onDrain();
      });
    }
    this.#finishIfFlushed();
  }

  #finishIfFlushed(): void {
    if (this.#state !== 'closing' || this.#queue.length > 0 || this.#endSent) return;
    this.#endSent = true;
    this.#sendEnd();
    if (this.#peerEnded && this.#inbox.length === 0) this.gone(undefined);
  }

  #sendEnd(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    this.#overLink(this.#lastArrivalUs, () => {
      peer.#peerEnded = true;
      peer.#planDelivery();
    });
  }

  #sendReset(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    this.#overLink(0, () => peer.gone(networkError('ECONNRESET', `by ${peer.remoteAddress}`)));
  }

  /** Runs `arrive` at the peer's host once the link lets it through. */
  #overLink(notBeforeUs: number, arrive: () => void): void {
    const { scheduler } = this.#context;
    const link = this.#out;
    const attempt = (): void => {
      if (!link.cut) arrive();
      else {
        const user: LinkUser = {
          linkHealed: () => {
            link.users.delete(user);
            scheduler.schedule(link.retransmitUs(), Phase.input, undefined, attempt);
          },
        };
        link.users.add(user);
      }
    };
    const delay = Math.max(link.delayUs(0), notBeforeUs - scheduler.nowUs);
    scheduler.schedule(delay, Phase.input, undefined, attempt);
  }

  #release(): void {
    this.#queue.length = 0;
    this.#bytesQueued = 0;
    this.#inbox.length = 0;
    this.#out.users.delete(this);
    this.#context.forget(this);
  }

  // --- Receiving ---

  #planDelivery(): void {
    if (this.#deliveryPlanned || this.#paused || this.#state === 'connecting') return;
    const head = this.#inbox[0];
    if (head === undefined && (!this.#peerEnded || this.#state === 'closed')) return;
    if (head !== undefined && this.#peer!.#out.cut) return; // Planned again when the link heals.
    const now = this.#context.scheduler.nowUs;
    const arrivesAtUs = head === undefined ? now : Math.max(now, head.arrivesAtUs);
    const delay = Math.ceil(arrivesAtUs / this.#context.turnUs) * this.#context.turnUs - now;
    this.#deliveryPlanned = true;
    if (this.#state === 'closed' || this.#process.state === 'dead') {
      this.#context.scheduler.schedule(delay, Phase.input, undefined, () => this.#refuse());
    } else {
      this.#process.plan(delay, Phase.input, () => this.#deliver());
    }
  }

  /** Bytes for an end that is gone: a kernel answers with a reset, a machine without power only when it is back. */
  #refuse(retryUs = RETRY_US_FIRST): void {
    const { scheduler } = this.#context;
    if (!this.#context.isUp(this.#process.host)) {
      scheduler.schedule(retryUs, Phase.input, undefined, () =>
        this.#refuse(Math.min(retryUs * 2, RETRY_US_MAX)),
      );
      return;
    }
    this.#deliveryPlanned = false;
    this.#inbox.length = 0;
    this.#sendReset();
  }

  #deliver(): void {
    this.#deliveryPlanned = false;
    const peer = this.#peer!;
    const link = peer.#out;
    if (this.#state === 'closed' || this.#paused || (link.cut && this.#inbox.length > 0)) return;
    const { random } = this.#context;
    if (this.#inbox.length === 0) {
      // Like a socket of Node without `allowHalfOpen`: the other side's end ends this side too.
      this.#state = 'closing';
      this.#finishIfFlushed();
      if (this.#endSent) this.gone(undefined);
      return;
    }
    if (link.drops > 0 && randomChance(random, link.drops)) {
      this.#sendReset();
      this.gone(networkError('ECONNRESET', 'connection dropped'));
      return;
    }
    const chunk = this.#takeChunk(random);
    const corrupted = link.corruption > 0 && randomChance(random, link.corruption);
    if (corrupted) chunk[randomInteger(random, 0, chunk.length - 1)] ^= 1 << randomInteger(random, 0, 7);
    this.#context.onDelivered(chunk, corrupted);
    peer.#bytesInFlight -= chunk.length;
    this.#handler?.onData(chunk);
    if (!this.#out.cut) peer.#pump();
    this.#planDelivery();
  }

  /** What has arrived by now, merged, and sometimes cut at a random place. A copy: nobody else writes it. */
  #takeChunk(random: Random): Uint8Array {
    const now = this.#context.scheduler.nowUs;
    let count = 0;
    let bytes = 0;
    while (count < this.#inbox.length && this.#inbox[count].arrivesAtUs <= now)
      bytes += this.#inbox[count++].bytes.length;
    bytes = Math.min(bytes, CHUNK_BYTES_MAX);
    const take = bytes > 1 && randomChance(random, 0.1) ? randomInteger(random, 1, bytes - 1) : bytes;
    const chunk = this.#context.memory(take);
    let filled = 0;
    while (filled < take) {
      const head = this.#inbox[0];
      const { length } = head.bytes;
      if (length <= take - filled) {
        chunk.set(head.bytes, filled);
        filled += length;
        this.#inbox.shift();
        continue;
      }
      chunk.set(head.bytes.subarray(0, take - filled), filled);
      head.bytes = head.bytes.subarray(take - filled);
      filled = take;
    }
    return chunk;
  }
}
