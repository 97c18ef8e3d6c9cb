import type { Socket } from 'node:net';

const FIRST_BYTES = 64 * 1024;

/** Collects what is written to a socket in one turn of the event loop and writes it at once. */
export class OutputQueue {
  readonly #socket: Socket;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  #planned = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Room for `length` bytes, to be filled by the caller at once; returns where they begin in {@link buffer}. */
  reserve(length: number): number {
    if (this.#length + length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    const start = this.#length;
    this.#length += length;
    if (!this.#planned) {
      this.#planned = true;
      setImmediate(this.#flush);
    }
    return start;
  }

  get buffer(): Buffer {
    return this.#bytes;
  }

  write(bytes: Uint8Array): void {
    const start = this.reserve(bytes.length);
    this.#bytes.set(bytes, start);
  }

  readonly #flush = (): void => {
    this.#planned = false;
    const length = this.#length;
    this.#length = 0;
    if (this.#socket.destroyed) return;
    // The socket may keep what it could not send at once, so it gets a copy that nobody writes again.
    this.#socket.write(Uint8Array.prototype.slice.call(this.#bytes, 0, length));
  };
}
