import { assert } from '@holdfast/io';

/** A table as the cache sees it: one number for each block, kept by the table so that a lookup hashes nothing. */
export interface CachedTable {
  /** Frame of the block; {@link NOT_CACHED}; or below that, `-2 - t`: forgotten at eviction number t. */
  readonly slots: Int32Array;
}

export const NOT_CACHED = -1;

const FREQUENCY_MAX = 3;
/** Frames are allocated in multiples of this. */
const GRAIN_BYTES = 512;
/** One tenth of the bytes is on probation: S3-FIFO, section 4.1. */
const SMALL_SHARE = 0.1;
const EVICTION_CLOCK_MAX = 2 ** 31 - 4;

export interface CacheStats {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/**
 * Blocks in memory, bounded in bytes, with memory that is recycled and never given back to the collector.
 *
 * Replacement is S3-FIFO (Yang, Zhang, Yue, Rashmi, Vigfusson: "FIFO queues are all you need for cache
 * eviction", SOSP 2023): new blocks go through a small queue and only those asked for again reach the main
 * queue, so a scan flushes a tenth of the cache. A block that comes back soon after it was forgotten enters
 * the main queue at once; the memory of forgotten blocks is the eviction number in the table's `slots`.
 *
 * A pinned frame is neither evicted nor rewritten. Callers pin across anything that could load another block.
 */
export class BlockCache {
  readonly bytesMax: number;
  readonly #smallBytesMax: number;
  readonly #buffers: Uint8Array[] = [];
  readonly #tables: (CachedTable | undefined)[] = [];
  #blocks = new Int32Array(64);
  #lengths = new Uint32Array(64);
  #frequency = new Uint8Array(64);
  #pins = new Uint16Array(64);
  readonly #free: number[] = [];
  readonly #small = new FrameQueue();
  readonly #main = new FrameQueue();
  #smallBytes = 0;
  #bytes = 0;
  #evictions = 0;
  #hits = 0;
  #misses = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    this.#smallBytesMax = bytesMax * SMALL_SHARE;
  }

  get stats(): CacheStats {
    return {
      bytes: this.#bytes,
      bytesMax: this.bytesMax,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  /** Counts a use of a frame found in `slots`. */
  touch(frame: number): void {
    this.#hits++;
    const frequency = this.#frequency[frame]!;
    if (frequency < FREQUENCY_MAX) this.#frequency[frame] = frequency + 1;
  }

  buffer(frame: number): Uint8Array {
    return this.#buffers[frame]!;
  }

  length(frame: number): number {
    return this.#lengths[frame]!;
  }

  pin(frame: number): void {
    assert(this.#pins[frame]! < 0xffff, 'a frame has fewer than 65536 readers');
    this.#pins[frame]! += 1;
  }

  unpin(frame: number): void {
    assert(this.#pins[frame]! > 0, 'only a pinned frame is unpinned');
    this.#pins[frame]! -= 1;
  }

  /**
   * Copies `bytes[start .. end)` in as a block of the table. Returns the frame, or -1 when it cannot be held
   * (larger than an eighth of the cache, or everything is pinned).
   */
  put(table: CachedTable, block: number, bytes: Uint8Array, start: number, end: number): number {
    this.#misses++;
    const present = table.slots[block]!;
    if (present >= 0) return present;
    const length = end - start;
    const capacity = Math.ceil(length / GRAIN_BYTES) * GRAIN_BYTES;
    if (capacity > this.bytesMax / 8) return -1;
    const frame = this.#frameFor(capacity);
    if (frame < 0) return -1;
    const buffer = this.#buffers[frame]!;
    if (start === 0 && end === bytes.length) buffer.set(bytes);
    else buffer.set(bytes.subarray(start, end));
    this.#lengths[frame] = length;
    this.#blocks[frame] = block;
    this.#tables[frame] = table;
    this.#frequency[frame] = 0;
    if (this.#isRemembered(present)) {
      this.#main.push(frame);
    } else {
      this.#small.push(frame);
      this.#smallBytes += buffer.length;
    }
    table.slots[block] = frame;
    return frame;
  }

  /** Forgets every block of a table that is closed; nothing of it may be pinned. */
  drop(table: CachedTable): void {
    for (const frame of table.slots) {
      if (frame < 0 || this.#tables[frame] !== table) continue;
      assert(this.#pins[frame] === 0, 'a table is closed after its readers');
      // The frame keeps its place in the queue; without a table it is the next to go.
      this.#tables[frame] = undefined;
      this.#frequency[frame] = 0;
    }
    table.slots.fill(NOT_CACHED);
  }

  #isRemembered(slot: number): boolean {
    return slot < NOT_CACHED && this.#evictions - (-2 - slot) < this.#main.length + this.#small.length;
  }

  /** A frame with a buffer of at least `capacity` bytes that is in no queue; -1 when nothing can go. */
  #frameFor(capacity: number): number {
    while (this.#bytes + capacity > this.bytesMax) {
      const frame = this.#evict();
      if (frame < 0) return -1;
      const { length } = this.#buffers[frame]!;
      if (length >= capacity && length <= capacity * 2) return frame;
      this.#bytes -= length;
      this.#buffers[frame] = new Uint8Array(0);
      this.#free.push(frame);
    }
    const frame = this.#free.pop() ?? this.#newFrame();
    this.#buffers[frame] = new Uint8Array(capacity);
    this.#bytes += capacity;
    return frame;
  }

  #newFrame(): number {
    const frame = this.#buffers.length;
    this.#buffers.push(new Uint8Array(0));
    this.#tables.push(undefined);
    if (frame === this.#blocks.length) {
      this.#blocks = grownInto(new Int32Array(frame * 2), this.#blocks);
      this.#lengths = grownInto(new Uint32Array(frame * 2), this.#lengths);
      this.#frequency = grownInto(new Uint8Array(frame * 2), this.#frequency);
      this.#pins = grownInto(new Uint16Array(frame * 2), this.#pins);
    }
    return frame;
  }

  /** Takes the next victim out of its queue and its table; -1 when all frames are pinned. */
  #evict(): number {
    // Every step lowers a frequency, moves a frame on or passes a pinned one.
    for (let steps = (this.#small.length + this.#main.length) * (FREQUENCY_MAX + 2); steps > 0; steps--) {
      const fromSmall =
        this.#small.length > 0 && (this.#smallBytes > this.#smallBytesMax || this.#main.length === 0);
      const queue = fromSmall ? this.#small : this.#main;
      if (queue.length === 0) return -1;
      const frame = queue.shift();
      const { length } = this.#buffers[frame]!;
      const frequency = this.#frequency[frame]!;
      if (fromSmall) this.#smallBytes -= length;
      if (this.#pins[frame]! > 0 || frequency > 0) {
        this.#frequency[frame] = fromSmall ? 0 : Math.max(0, frequency - 1);
        this.#main.push(frame);
        continue;
      }
      this.#evictions = (this.#evictions + 1) % EVICTION_CLOCK_MAX;
      const table = this.#tables[frame];
      if (table !== undefined) table.slots[this.#blocks[frame]!] = -2 - this.#evictions;
      this.#tables[frame] = undefined;
      return frame;
    }
    return -1;
  }
}

/** A ring of frame numbers. */
class FrameQueue {
  #ring = new Int32Array(64);
  #head = 0;
  length = 0;

  push(frame: number): void {
    if (this.length === this.#ring.length) {
      const grown = new Int32Array(this.length * 2);
      for (let i = 0; i < this.length; i++) grown[i] = this.#ring[(this.#head + i) & (this.length - 1)]!;
      this.#ring = grown;
      this.#head = 0;
    }
    this.#ring[(this.#head + this.length++) & (this.#ring.length - 1)] = frame;
  }

  shift(): number {
    const frame = this.#ring[this.#head]!;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.length--;
    return frame;
  }
}

function grownInto<T extends { set(source: T): void }>(target: T, source: T): T {
  target.set(source);
  return target;
}
