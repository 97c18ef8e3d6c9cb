import { assert, type Kernels } from '@holdfast/io';
import { checkFrameHeader, checkFrameMagic, FRAME_HEADER_BYTES, type Frame, openFrame } from './frame.ts';
import { FRAME_BYTES_MAX } from './limits.ts';

/** Least memory for a frame that is split over chunks and whose length is known, unless the frame is smaller. */
const PARTIAL_BYTES_MIN = 16 * 1024;

export interface FrameDecoderOptions {
  /** Largest frame accepted, in bytes; see {@link FrameDecoder.accept}. Default: FRAME_BYTES_MAX. */
  readonly frameBytesMax?: number;
}

/**
 * Bytes of one connection, split anywhere, to frames.
 *
 * - A frame that lies inside one chunk is a view of that chunk; one that is split is put together in memory of
 *   its own. Either way nobody writes to it afterwards, given the promise of `ConnectionHandler.onData`.
 * - A length is believed only when the header's CRC holds and it is inside the limit; and even then memory is
 *   taken only as bytes arrive, twice as much as is there: whoever claims 16 MiB and sends 100 bytes costs 16 KiB.
 * - After a violation the decoder is broken for good: each further `push` throws the same error.
 */
export class FrameDecoder {
  readonly #kernels: Kernels;
  #frameBytesMax: number;
  #version = 0;
  /** Bytes of the frame that is not complete. */
  #partial: Uint8Array | undefined;
  #partialLength = 0;
  /** Its length, 0 while its header is not complete. */
  #frameLength = 0;
  #failure: Error | undefined;
  #stopped = false;

  constructor(kernels: Kernels, options: FrameDecoderOptions = {}) {
    this.#kernels = kernels;
    this.#frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX;
    assert(this.#frameBytesMax <= FRAME_BYTES_MAX, 'frameBytesMax above FRAME_BYTES_MAX');
  }

  /** Bytes held of a frame that is not complete. */
  get bytesHeld(): number {
    return this.#partialLength;
  }

  /**
   * Once the handshake is done: from the next frame on, frames up to `frameBytesMax` bytes are accepted, and only
   * those of the protocol version agreed on (0 = any).
   */
  accept(frameBytesMax: number, version = 0): void {
    assert(frameBytesMax <= FRAME_BYTES_MAX, 'frameBytesMax above FRAME_BYTES_MAX');
    this.#frameBytesMax = frameBytesMax;
    this.#version = version;
  }

  /** Drops what is held and everything to come, without a word: the connection is being closed. */
  stop(): void {
    this.#stopped = true;
    this.#partial = undefined;
    this.#partialLength = 0;
  }

  /**
   * Takes the next bytes and calls `onFrame` for every frame that they complete, in order, before it returns.
   * `onFrame` may call `stop` and `accept`, not `push`. What it throws comes out here and breaks the decoder.
   *
   * @throws ProtocolError at the first violation; frames before it have been delivered.
   */
  push(received: Uint8Array, onFrame: (frame: Frame) => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    // A subclass (Node's) has a `slice` that does not copy and a slower `subarray`: payloads are plain.
    const chunk = received.constructor === Uint8Array ? received : plainBytes(received);
    try {
      let offset = 0;
      if (this.#partialLength > 0) offset = this.#complete(chunk, onFrame);
      while (!this.#stopped && chunk.length - offset >= FRAME_HEADER_BYTES) {
        const length = checkFrameHeader(this.#kernels, chunk, offset, this.#frameBytesMax, this.#version);
        if (chunk.length - offset < length) {
          this.#frameLength = length;
          break;
        }
        const frame = openFrame(this.#kernels, chunk, offset, length);
        offset += length;
        onFrame(frame);
      }
      if (!this.#stopped && offset < chunk.length) this.#hold(chunk, offset, chunk.length);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#partial = undefined;
      this.#partialLength = 0;
      throw error;
    }
  }

  /** Feeds the frame that is not complete; gives how many bytes of `chunk` it took. */
  #complete(chunk: Uint8Array, onFrame: (frame: Frame) => void): number {
    let taken = 0;
    if (this.#frameLength === 0) {
      taken = Math.min(FRAME_HEADER_BYTES - this.#partialLength, chunk.length);
      this.#hold(chunk, 0, taken);
      if (this.#partialLength < FRAME_HEADER_BYTES) return taken;
    }
    const end = Math.min(taken + this.#frameLength - this.#partialLength, chunk.length);
    this.#hold(chunk, taken, end);
    if (this.#partialLength < this.#frameLength) return end;
    const bytes = this.#partial!;
    const length = this.#frameLength;
    this.#partial = undefined;
    this.#partialLength = 0;
    this.#frameLength = 0;
    onFrame(openFrame(this.#kernels, bytes, 0, length));
    return end;
  }

  /** Copies `chunk[start .. end)` behind what is held, and learns the frame's length once its header is there. */
  #hold(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#partialLength + end - start;
    const partial = this.#roomFor(length);
    partial.set(chunk.subarray(start, end), this.#partialLength);
    this.#partialLength = length;
    // A stranger that talks another protocol and then waits is told so at once.
    if (length >= 4 && length < FRAME_HEADER_BYTES) checkFrameMagic(partial, 0);
    if (this.#frameLength === 0 && length >= FRAME_HEADER_BYTES) {
      this.#frameLength = checkFrameHeader(this.#kernels, partial, 0, this.#frameBytesMax, this.#version);
    }
  }

  /** Memory for `length` bytes of the frame that is not complete, with those that are held. */
  #roomFor(length: number): Uint8Array {
    const partial = this.#partial;
    if (partial !== undefined && partial.length >= length) return partial;
    const wanted = Math.max(2 * length, PARTIAL_BYTES_MIN);
    const grown = new Uint8Array(
      this.#frameLength === 0 ? FRAME_HEADER_BYTES : Math.min(wanted, this.#frameLength),
    );
    if (partial !== undefined) grown.set(partial.subarray(0, this.#partialLength));
    this.#partial = grown;
    return grown;
  }
}

function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
