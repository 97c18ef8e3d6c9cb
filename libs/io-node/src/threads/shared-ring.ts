import { assert } from '@holdfast/io';
import { Doorbell, DOORBELL_BYTES } from './doorbell.ts';

/**
 * A bounded queue of byte records from one thread to one other, without locks.
 *
 *     0    head    u32  bytes ever published, modulo 2^32        written by the producer
 *     4    closed  u32  1 when nothing more will come            written by the producer
 *     64   tail    u32  bytes ever taken, modulo 2^32            written by the consumer
 *     128  doorbell of the consumer
 *     192  doorbell of the producer
 *     256  records: capacity bytes, a power of two
 *            u32 length | u32 tag | payload | padding to 8 bytes
 *            length 0xffffffff: the rest up to the end of the memory is empty
 *
 * Each side's words have a cache line of their own. Records are handed over in batches: the producer adds
 * any number and publishes once, the consumer takes all that is there and gives the space back once, so a
 * batch costs two atomic stores however large it is, and a wake-up only if the other side sleeps.
 *
 * Many producers: a ring each, and one doorbell between them (`RingConsumer`'s second argument). A ring with
 * several producers would put a compare-and-swap and a commit order into every record; see ADR 0014.
 */
const HEADER_BYTES = 256;
const CONSUMER_BELL = 128;
const PRODUCER_BELL = CONSUMER_BELL + DOORBELL_BYTES;
const HEAD = 0;
const CLOSED = 1;
const TAIL = 16;
const SKIP = 0xffff_ffff;
const RECORD_HEADER_BYTES = 8;

/** The memory of a ring. `capacityBytes`: a power of two; one record takes at most half of it. */
export function allocateRing(capacityBytes: number): SharedArrayBuffer {
  assert(capacityBytes >= 64 && (capacityBytes & (capacityBytes - 1)) === 0, 'a capacity is a power of two');
  return new SharedArrayBuffer(HEADER_BYTES + capacityBytes);
}

/** The sending end; belongs to one thread. */
export class RingProducer {
  /** The memory that {@link reserve} gives offsets into. */
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #records: Uint32Array;
  readonly #capacity: number;
  readonly #consumerBell: Doorbell;
  readonly #bell: Doorbell;
  /** Where the next record goes; ahead of the published head. Counted like it. */
  #next: number;
  #tail: number;

  /** @param bell the consumer's doorbell when it is not the ring's own. */
  constructor(memory: SharedArrayBuffer, bell?: Doorbell) {
    this.#capacity = memory.byteLength - HEADER_BYTES;
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#records = new Uint32Array(memory, HEADER_BYTES);
    this.bytes = new Uint8Array(memory, HEADER_BYTES);
    this.#consumerBell = bell ?? new Doorbell(memory, CONSUMER_BELL);
    this.#bell = new Doorbell(memory, PRODUCER_BELL);
    this.#next = Atomics.load(this.#words, HEAD) >>> 0;
    this.#tail = Atomics.load(this.#words, TAIL) >>> 0;
  }

  /** The longest payload that fits into an empty ring at any position. */
  get payloadBytesMax(): number {
    return this.#capacity / 2 - RECORD_HEADER_BYTES;
  }

  /** Bytes added and not yet taken. */
  get usedBytes(): number {
    return (this.#next - (Atomics.load(this.#words, TAIL) >>> 0)) >>> 0;
  }

  /**
   * Makes room for a record and returns where its payload starts in {@link bytes} (a multiple of 8), or -1
   * while the ring is full. The consumer sees it after {@link publish}.
   */
  reserve(length: number, tag = 0): number {
    assert(length <= this.payloadBytesMax, 'a record fits into half of the ring');
    const size = recordSize(length);
    let position = this.#next & (this.#capacity - 1);
    const untilEnd = this.#capacity - position;
    const skipped = size > untilEnd ? untilEnd : 0;
    if (!this.#hasRoom(size + skipped)) return -1;
    if (skipped > 0) {
      this.#records[position / 4] = SKIP;
      position = 0;
    }
    this.#records[position / 4] = length;
    this.#records[position / 4 + 1] = tag;
    this.#next = (this.#next + skipped + size) >>> 0;
    return position + RECORD_HEADER_BYTES;
  }

  /** Copies a record in. False while the ring is full. */
  push(payload: Uint8Array, tag = 0): boolean {
    const offset = this.reserve(payload.length, tag);
    if (offset < 0) return false;
    this.bytes.set(payload, offset);
    return true;
  }

  /** Hands every record since the last call over, and wakes the consumer if it sleeps. */
  publish(): void {
    if (this.#words[HEAD] === (this.#next | 0)) return; // Only this side writes it.
    Atomics.store(this.#words, HEAD, this.#next | 0);
    this.#consumerBell.ring();
  }

  /** Blocks this thread until a record of `length` finds room. Publishes first. Not for the main thread. */
  waitForRoom(length: number): void {
    this.publish();
    this.#bell.wait(() => this.#fits(length));
  }

  /** {@link waitForRoom} without blocking. */
  waitForRoomAsync(length: number): Promise<void> {
    this.publish();
    return this.#bell.waitAsync(() => this.#fits(length));
  }

  /** Publishes, and tells the consumer that nothing more will come. */
  close(): void {
    this.publish();
    Atomics.store(this.#words, CLOSED, 1);
    this.#consumerBell.ring();
  }

  #fits(length: number): boolean {
    const size = recordSize(length);
    const untilEnd = this.#capacity - (this.#next & (this.#capacity - 1));
    return this.#hasRoom(size > untilEnd ? size + untilEnd : size);
  }

  /** Looks at the consumer's word only when the last known one does not suffice. */
  #hasRoom(bytes: number): boolean {
    if (((this.#next - this.#tail) >>> 0) + bytes <= this.#capacity) return true;
    this.#tail = Atomics.load(this.#words, TAIL) >>> 0;
    return ((this.#next - this.#tail) >>> 0) + bytes <= this.#capacity;
  }
}

/** The receiving end; belongs to one thread. */
export class RingConsumer {
  /** The memory that records are delivered in. */
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #records: Uint32Array;
  readonly #capacity: number;
  readonly #bell: Doorbell;
  readonly #producerBell: Doorbell;
  readonly #somethingToDo = (): boolean => this.ready || Atomics.load(this.#words, CLOSED) === 1;
  #tail: number;

  constructor(memory: SharedArrayBuffer, bell?: Doorbell) {
    this.#capacity = memory.byteLength - HEADER_BYTES;
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#records = new Uint32Array(memory, HEADER_BYTES);
    this.bytes = new Uint8Array(memory, HEADER_BYTES);
    this.#bell = bell ?? new Doorbell(memory, CONSUMER_BELL);
    this.#producerBell = new Doorbell(memory, PRODUCER_BELL);
    this.#tail = Atomics.load(this.#words, TAIL) >>> 0;
  }

  /** True when something was published that was not taken. */
  get ready(): boolean {
    return Atomics.load(this.#words, HEAD) >>> 0 !== this.#tail;
  }

  /** True when everything was taken and nothing more will come. */
  get ended(): boolean {
    return Atomics.load(this.#words, CLOSED) === 1 && !this.ready;
  }

  /**
   * Gives every published record to `take`, then the space back to the producer; returns how many there were.
   * A record lies at `start .. end` of {@link bytes}, until this returns.
   */
  takeAll(take: (start: number, end: number, tag: number) => void): number {
    const head = Atomics.load(this.#words, HEAD) >>> 0;
    let count = 0;
    let at = this.#tail;
    while (at !== head) {
      const position = at & (this.#capacity - 1);
      const length = this.#records[position / 4];
      if (length === SKIP) {
        at = (at + this.#capacity - position) >>> 0;
        continue;
      }
      const start = position + RECORD_HEADER_BYTES;
      take(start, start + length, this.#records[position / 4 + 1]);
      at = (at + recordSize(length)) >>> 0;
      count++;
    }
    if (at !== this.#tail) {
      this.#tail = at;
      Atomics.store(this.#words, TAIL, at | 0);
      this.#producerBell.ring();
    }
    return count;
  }

  /** Blocks this thread until something is there or the ring has ended. Not for the main thread. */
  wait(timeoutMs?: number): void {
    this.#bell.wait(this.#somethingToDo, timeoutMs);
  }

  /** {@link wait} without blocking. */
  waitAsync(): Promise<void> {
    return this.#bell.waitAsync(this.#somethingToDo);
  }
}

function recordSize(length: number): number {
  return (RECORD_HEADER_BYTES + length + 7) & -8;
}
