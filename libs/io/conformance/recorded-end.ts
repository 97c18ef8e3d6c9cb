import type { Connection, ConnectionHandler } from '@holdfast/io';
import { Signal } from './world.ts';

/** One end of a connection that writes down what it hears, and lets a test wait for it. */
export class RecordedEnd {
  readonly connection: Connection;
  /** `open`, `drain`, `close`, in order; bytes are in {@link bytes}. */
  readonly events: string[] = [];
  readonly #chunks: Uint8Array[] = [];
  readonly #copies: Uint8Array[] = [];
  #length = 0;
  /** The `code` of the error that `onClose` brought, if any. */
  closeCode: string | undefined;
  closeReason: Error | undefined;
  #waits: { readonly ready: () => boolean; readonly signal: Signal }[] = [];
  onData: ((chunk: Uint8Array) => void) | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    const heard = (event: string): void => {
      this.events.push(event);
      this.#wake();
    };
    const handler: ConnectionHandler = {
      onOpen: () => heard('open'),
      onDrain: () => heard('drain'),
      onClose: (reason) => {
        this.closeReason = reason;
        this.closeCode = (reason as { readonly code?: string } | undefined)?.code;
        heard('close');
      },
      onData: (chunk) => {
        if (this.events.at(-1) === 'close') this.events.push('data after close');
        this.#chunks.push(chunk);
        this.#copies.push(Uint8Array.from(chunk));
        this.#length += chunk.length;
        this.onData?.(chunk);
        this.#wake();
      },
    };
    connection.start(handler);
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return join(this.#copies);
  }

  /** The same bytes from the chunks themselves: differs when a chunk was written again after its delivery. */
  get bytesNow(): Uint8Array {
    return join(this.#chunks);
  }

  get text(): string {
    return String.fromCharCode(...this.bytes);
  }

  /** Resolves when `ready` holds after some event. */
  until(ready: () => boolean): Promise<void> {
    const signal = new Signal();
    this.#waits.push({ ready, signal });
    this.#wake();
    return signal.promise;
  }

  heard(event: string): Promise<void> {
    return this.until(() => this.events.includes(event));
  }

  received(bytes: number): Promise<void> {
    return this.until(() => this.#length >= bytes);
  }

  #wake(): void {
    this.#waits = this.#waits.filter(({ ready, signal }) => {
      if (!ready()) return true;
      signal.set();
      return false;
    });
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}
