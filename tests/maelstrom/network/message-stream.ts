import type { Address, Cancel, Clock, Connection, ConnectionHandler } from '@holdfast/io';
import type { Packet, Segment } from './packet.ts';

const SEGMENT_BYTES_MAX = 32 * 1024;
/** Segments sent and not acknowledged. */
const WINDOW_SEGMENTS = 64;
/** Pause before what is not acknowledged is sent again; doubled while nothing is heard. */
const RESEND_MS = { first: 100, most: 800 } as const;
/** Silence of a peer that owes an acknowledgement, after which it is given up. */
const SILENCE_MS_MAX = 15_000;
/** `write` asks to wait above the first, and `onDrain` comes at the second. Bytes. */
const QUEUED_BYTES = { high: 1024 * 1024, low: 256 * 1024 } as const;

export interface StreamHost {
  readonly clock: Clock;
  send(packet: Packet): void;
  /** The stream is over; packets for it find nobody. */
  forget(): void;
}

export function streamError(code: string, detail: string): Error {
  return Object.assign(new Error(`${code}: ${detail}`), { code });
}

/** One end of a byte stream over messages: numbers what it sends, repeats what is not acknowledged, sorts what comes. */
export class MessageStream implements Connection {
  readonly remoteAddress: Address;
  readonly #name: string;
  readonly #host: StreamHost;
  #handler: ConnectionHandler | undefined;
  #state: 'opening' | 'open' | 'closed' = 'opening';
  /** Segments that are not acknowledged, oldest first; those before `#sent` have left. */
  #outgoing: Segment[] = [];
  #sent = 0;
  #seqNext = 0;
  #ending = false;
  #endAcknowledged = false;
  #bytesQueued = 0;
  #wantsDrain = false;
  #cancelResend: Cancel | undefined;
  #resendMs: number = RESEND_MS.first;
  #heardMs: number;
  /** The next segment to hand out; later ones wait. */
  #expected = 0;
  readonly #early = new Map<number, Segment>();
  #paused = false;
  #peerEnded = false;
  #delivering = false;

  constructor(name: string, remoteAddress: Address, host: StreamHost, connectTo: Address | undefined) {
    this.#name = name;
    this.remoteAddress = remoteAddress;
    this.#host = host;
    this.#heardMs = host.clock.monotonicMs();
    this.#push({ kind: 'open', seq: 0, ...(connectTo !== undefined && { address: connectTo }) });
  }

  get bytesQueued(): number {
    return this.#bytesQueued;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#pump();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === 'closed' || this.#ending) return false;
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES_MAX) {
      const part = bytes.subarray(at, at + SEGMENT_BYTES_MAX);
      this.#push({ kind: 'data', seq: this.#seqNext, data: Buffer.from(part).toString('base64') });
    }
    this.#bytesQueued += bytes.length;
    this.#pump();
    if (this.#bytesQueued <= QUEUED_BYTES.high) return true;
    this.#wantsDrain = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#host.clock.defer(() => this.#deliver());
  }

  close(): void {
    if (this.#state === 'closed' || this.#ending) return;
    this.#ending = true;
    this.#push({ kind: 'end', seq: this.#seqNext });
    this.#pump();
  }

  destroy(reason?: Error): void {
    if (this.#state === 'closed') return;
    this.#host.send({ stream: this.#name, kind: 'reset', refused: false });
    this.#over(reason);
  }

  /** A packet for this end. Never called from within one of the methods above. */
  receive(packet: Packet): void {
    if (this.#state === 'closed') return;
    this.#heardMs = this.#host.clock.monotonicMs();
    switch (packet.kind) {
      case 'ack':
        this.#acknowledged(packet.seq);
        break;
      case 'reset':
        // After its own end, a peer forgets the stream as soon as it can.
        if (this.#peerEnded) this.#over(undefined);
        else this.#over(streamError(packet.refused ? 'ECONNREFUSED' : 'ECONNRESET', this.remoteAddress));
        break;
      default:
        if (packet.seq >= this.#expected && packet.seq < this.#expected + WINDOW_SEGMENTS)
          this.#early.set(packet.seq, packet);
        this.#deliver();
        if (!this.#isOver()) this.#acknowledge();
    }
  }

  #isOver(): boolean {
    return this.#state === 'closed';
  }

  /** Hands out what is in order. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    for (;;) {
      const segment = this.#early.get(this.#expected);
      if (segment === undefined || this.#isOver()) break;
      if (this.#paused && segment.kind !== 'open') break;
      this.#early.delete(this.#expected++);
      this.#handOut(segment);
    }
    this.#delivering = false;
    this.#endIfDone();
  }

  #handOut(segment: Segment): void {
    switch (segment.kind) {
      case 'open':
        this.#state = 'open';
        this.#handler?.onOpen();
        break;
      case 'data':
        this.#handler?.onData(Uint8Array.from(Buffer.from(segment.data, 'base64')));
        break;
      case 'end':
        this.#peerEnded = true;
        this.close();
        break;
    }
    this.#pump();
    // What was handed out after a pause is acknowledged by nobody else.
    if (!this.#isOver()) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#host.send({ stream: this.#name, kind: 'ack', seq: this.#expected });
  }

  #acknowledged(below: number): void {
    let first = this.#outgoing[0];
    if (first === undefined || first.seq >= below) return;
    for (; first !== undefined && first.seq < below; first = this.#outgoing[0]) {
      this.#outgoing.shift();
      this.#sent = Math.max(0, this.#sent - 1);
      if (first.kind === 'data') this.#bytesQueued -= Buffer.byteLength(first.data, 'base64');
      if (first.kind === 'end') this.#endAcknowledged = true;
    }
    this.#resendMs = RESEND_MS.first;
    this.#pump();
    if (this.#wantsDrain && !this.#ending && this.#bytesQueued <= QUEUED_BYTES.low) {
      this.#wantsDrain = false;
      this.#handler?.onDrain();
    }
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#endAcknowledged && this.#peerEnded && !this.#isOver()) this.#over(undefined);
  }

  #push(segment: Segment): void {
    this.#outgoing.push(segment);
    this.#seqNext++;
  }

  /** Sends what the window takes: the first segment alone, until the peer has answered it. */
  #pump(): void {
    if (this.#isOver() || this.#handler === undefined) return;
    const window = this.#state === 'open' ? WINDOW_SEGMENTS : 1;
    for (; this.#sent < Math.min(window, this.#outgoing.length); this.#sent++) this.#send(this.#sent);
    if (this.#outgoing.length > 0) this.#cancelResend ??= this.#planResend();
  }

  #send(index: number): void {
    const segment = this.#outgoing[index];
    if (segment !== undefined) this.#host.send({ stream: this.#name, ...segment });
  }

  #planResend(): Cancel {
    return this.#host.clock.schedule(this.#resendMs, () => {
      this.#cancelResend = undefined;
      if (this.#isOver() || this.#outgoing.length === 0) return;
      if (this.#host.clock.monotonicMs() - this.#heardMs > SILENCE_MS_MAX) {
        this.#over(streamError('ETIMEDOUT', this.remoteAddress));
        return;
      }
      this.#resendMs = Math.min(this.#resendMs * 2, RESEND_MS.most);
      for (let i = 0; i < this.#sent; i++) this.#send(i);
      this.#pump();
    });
  }

  #over(reason: Error | undefined): void {
    this.#state = 'closed';
    this.#cancelResend?.();
    this.#outgoing = [];
    this.#early.clear();
    this.#bytesQueued = 0;
    this.#host.forget();
    this.#host.clock.defer(() => this.#handler?.onClose(reason));
  }
}
