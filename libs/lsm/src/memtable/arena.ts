import { RECORD_HEAD_BYTES } from './record.ts';

/**
 * Address 0 means "no record", so the arena starts with one head that nothing points at.
 */
export const ARENA_START: number = RECORD_HEAD_BYTES;

/** Contiguous memory for records, filled from the front and forgotten as a whole. */
export class Arena {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  #top = ARENA_START;

  /** The same memory as {@link bytes}, when other threads may read it. */
  readonly shared: Uint8Array<SharedArrayBuffer> | undefined;

  constructor(capacity: number, isShared = false) {
    const rounded = (capacity + 3) & ~3;
    this.shared = isShared ? new Uint8Array(new SharedArrayBuffer(rounded)) : undefined;
    this.bytes = this.shared ?? new Uint8Array(rounded);
    this.words = new Uint32Array(this.bytes.buffer);
  }

  get capacity(): number {
    return this.bytes.length;
  }

  /** Address behind the last record. */
  get top(): number {
    return this.#top;
  }

  get free(): number {
    return this.bytes.length - this.#top;
  }

  /** Copies whole records and returns their address. The caller has checked `free`. */
  append(records: Uint8Array): number {
    const address = this.#top;
    this.bytes.set(records, address);
    this.#top = address + records.length;
    return address;
  }

  reset(): void {
    this.#top = ARENA_START;
  }
}
