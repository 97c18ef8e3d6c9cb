import type { Socket } from 'node:net';
import type { Link } from './link.ts';

/** Bytes held for one direction of a connection; above it the sender is no longer read, and feels it. */
const HELD_BYTES_MAX = 1024 * 1024;

type Item =
  | { readonly kind: 'bytes'; readonly atMs: number; readonly chunk: Buffer }
  | { readonly kind: 'end' | 'reset'; readonly atMs: number };

/** One direction of a proxied connection: takes from `source`, gives to `sink` what the link lets through. */
export class Pipe {
  readonly #link: Link;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #queue: Item[] = [];
  readonly #stopListening: () => void;
  #heldBytes = 0;
  #lastAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;
  #forgotten = false;
  #breaking = false;
  #over = false;

  constructor(link: Link, source: Socket, sink: Socket) {
    this.#link = link;
    this.#source = source;
    this.#sink = sink;
    this.#stopListening = link.onHeal(() => this.#pump());
    source.on('data', (chunk: Buffer) => this.take(chunk));
    source.on('end', () => this.#push('end'));
    source.on('close', () => this.#push('reset'));
    sink.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
    sink.on('close', () => this.#finish());
  }

  /** Takes bytes as if the source had just sent them. */
  take(chunk: Buffer): void {
    if (this.#over || this.#forgotten) return;
    this.#heldBytes += chunk.length;
    this.#queue.push({ kind: 'bytes', atMs: this.#arrivalMs(), chunk });
    if (this.#heldBytes > HELD_BYTES_MAX) this.#source.pause();
    this.#pump();
  }

  /** From now on everything vanishes without a word, for ever: a middle box that has lost the connection. */
  forget(): void {
    this.#forgotten = true;
    this.#queue.length = 0;
    this.#heldBytes = 0;
    clearTimeout(this.#timer);
    this.#source.resume();
  }

  /** Lets half of the next chunk through and ends the connection there: inside a frame. */
  breakInside(): void {
    this.#breaking = true;
  }

  #push(kind: 'end' | 'reset'): void {
    if (this.#over || this.#forgotten) return;
    this.#queue.push({ kind, atMs: this.#arrivalMs() });
    this.#pump();
  }

  /** Nothing overtakes: the stream keeps its order. */
  #arrivalMs(): number {
    this.#lastAtMs = Math.max(this.#lastAtMs, performance.now() + this.#link.nextDelayMs());
    return this.#lastAtMs;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#over && !this.#blocked && !this.#forgotten && !this.#link.isCut) {
      const item = this.#queue[0];
      if (item === undefined) return;
      const waitMs = item.atMs - performance.now();
      if (waitMs > 0.5) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#deliver(item);
    }
  }

  #deliver(item: Item): void {
    switch (item.kind) {
      case 'bytes':
        this.#heldBytes -= item.chunk.length;
        if (this.#breaking) {
          this.#sink.end(item.chunk.subarray(0, item.chunk.length / 2));
          this.#source.resetAndDestroy();
          this.#finish();
          break;
        }
        if (this.#heldBytes <= HELD_BYTES_MAX && this.#source.isPaused()) this.#source.resume();
        this.#blocked = !this.#sink.write(this.#link.carry(item.chunk));
        break;
      case 'end':
        this.#sink.end();
        break;
      case 'reset':
        // After an orderly end on both sides there is nothing left to reset.
        if (this.#sink.writableEnded) this.#sink.destroySoon();
        else this.#sink.resetAndDestroy();
        break;
    }
  }

  #finish(): void {
    this.#over = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
    this.#stopListening();
  }
}
