import { Buffer } from 'node:buffer';
import { copyInto } from './copy-into.ts';

/** The forms in which `abstract-level` hands keys and values to a database, and takes them back. */
export type Format = 'utf8' | 'buffer' | 'view';
export type Encoded = string | Uint8Array;

const NO_MEMORY = new ArrayBuffer(0);

/** Bytes of a key or value, without a copy where it is bytes already. */
export function bytesOf(data: Encoded): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
}

/** Turns bytes in the engine's memory into what a caller asked for. */
export class FormatReader {
  // The engine's memory comes in few large buffers: one view of the last one serves most texts.
  #memory: ArrayBufferLike = NO_MEMORY;
  #buffer: Buffer = Buffer.from(NO_MEMORY);

  /** A copy of `bytes[start .. end)`: text, Buffer or Uint8Array. */
  read(bytes: Uint8Array, start: number, end: number, format: Format): Encoded {
    if (format === 'utf8') {
      if (bytes.buffer !== this.#memory) {
        this.#memory = bytes.buffer;
        this.#buffer = Buffer.from(bytes.buffer);
      }
      const offset = bytes.byteOffset;
      return this.#buffer.toString('utf8', offset + start, offset + end);
    }
    const length = end - start;
    const copy = format === 'buffer' ? Buffer.allocUnsafe(length) : new Uint8Array(length);
    copyInto(copy, 0, bytes, start, end);
    return copy;
  }

  /** Forgets the engine's memory, so that it can be freed. */
  clear(): void {
    this.#memory = NO_MEMORY;
    this.#buffer = Buffer.from(NO_MEMORY);
  }
}

/** Bytes that are the caller's own already, in the form that was asked for: no copy but for text. */
export function ownedAs(bytes: Uint8Array, format: Format): Encoded {
  if (format === 'view') return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return format === 'buffer' ? buffer : buffer.toString('utf8');
}
