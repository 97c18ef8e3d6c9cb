import type { Worker } from 'node:worker_threads';
import { shareable, viewOf } from '@holdfast/io';
import type { SyncedWriter } from '../synced-writer.ts';
import {
  LAST,
  LogCounter,
  type LogWriterData,
  PART,
  REQUEST_HEADER_BYTES,
  writeRequestHeader,
} from './log-writer-protocol.ts';
import { allocateCounters, SharedCounters } from './shared-counters.ts';
import { allocateRing, RingConsumer, RingProducer } from './shared-ring.ts';
import { startWorker } from './start-worker.ts';

const REQUEST_RING_BYTES = 4 * 1024 * 1024;
const ANSWER_RING_BYTES = 64 * 1024;

/** Since the start. Requests per batch and per sync say how well group commit works. */
export interface LogWriterStats {
  readonly requests: number;
  readonly bytes: number;
  readonly batches: number;
  readonly syncs: number;
}

interface Request {
  readonly id: number;
  readonly fd: number;
  readonly chunks: readonly Uint8Array[];
  readonly offset: number;
}

/**
 * Writes and syncs on a thread of its own, so that neither a busy main thread nor whatever fills libuv's pool
 * (compression, name look-ups, other files' syncs) stands between a log record and the disk. What arrives
 * while the thread syncs is written as one batch with one sync per file. Figures: ADR 0014.
 */
export class LogWriter implements SyncedWriter {
  readonly #worker: Worker;
  readonly #producer: RingProducer;
  readonly #producerView: DataView;
  readonly #consumer: RingConsumer;
  readonly #counters: SharedCounters;
  readonly #waiting = new Map<
    number,
    { readonly resolve: () => void; readonly reject: (error: Error) => void }
  >();
  readonly #queue: Request[] = [];
  #moving = false;
  #moved: Promise<void> = Promise.resolve();
  #listening = false;
  #lastId = 0;
  #dead: Error | undefined;

  constructor() {
    const requests = shareable(allocateRing(REQUEST_RING_BYTES));
    const answers = shareable(allocateRing(ANSWER_RING_BYTES));
    this.#producer = new RingProducer(requests);
    this.#producerView = viewOf(this.#producer.bytes);
    this.#consumer = new RingConsumer(answers);
    const counters = allocateCounters(Object.keys(LogCounter).length);
    this.#counters = new SharedCounters(counters);
    this.#worker = startWorker<LogWriterData>(import.meta.url, './log-writer-worker', {
      requests,
      answers,
      counters,
    });
    this.#worker.unref();
    this.#worker.on('error', (error) => this.#died(error));
    this.#worker.on('exit', () => this.#died(new Error('the log writer ended')));
  }

  get stats(): LogWriterStats {
    const read = (counter: number): number => this.#counters.read(counter);
    return {
      requests: read(LogCounter.requests),
      bytes: read(LogCounter.bytes),
      batches: read(LogCounter.batches),
      syncs: read(LogCounter.syncs),
    };
  }

  write(fd: number, chunks: readonly Uint8Array[], offset: number): Promise<void> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.set(id, { resolve, reject });
    // A pending wait for an answer does not keep the process alive, and must.
    if (this.#waiting.size === 1) this.#worker.ref();
    this.#queue.push({ id, fd, chunks, offset });
    if (!this.#moving) this.#moved = this.#moveRequests();
    if (!this.#listening) void this.#listen();
    return promise;
  }

  /** Ends the thread behind everything that was asked for. */
  async close(): Promise<void> {
    while (this.#moving) await this.#moved;
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    if (this.#dead !== undefined) return;
    this.#worker.ref();
    this.#producer.close();
    await exited;
  }

  /** Moves the queue into the ring, without a pause while there is room. */
  async #moveRequests(): Promise<void> {
    this.#moving = true;
    for (let request = this.#queue.shift(); request !== undefined; request = this.#queue.shift()) {
      let { offset } = request;
      let left = request.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const source = new ChunkReader(request.chunks);
      do {
        const bytes = Math.min(left, this.#producer.payloadBytesMax - REQUEST_HEADER_BYTES);
        const length = REQUEST_HEADER_BYTES + bytes;
        let at = this.#producer.reserve(length, left === bytes ? LAST : PART);
        while (at < 0) {
          await this.#producer.waitForRoomAsync(length);
          at = this.#producer.reserve(length, left === bytes ? LAST : PART);
        }
        writeRequestHeader(this.#producerView, at, { id: request.id, fd: request.fd, offset });
        source.read(this.#producer.bytes, at + REQUEST_HEADER_BYTES, bytes);
        offset += bytes;
        left -= bytes;
      } while (left > 0);
    }
    this.#producer.publish();
    this.#moving = false;
  }

  async #listen(): Promise<void> {
    this.#listening = true;
    while (this.#waiting.size > 0) {
      await this.#consumer.waitAsync();
      this.#consumer.takeAll((start, end, id) => {
        const code = String.fromCharCode(...this.#consumer.bytes.subarray(start, end));
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (code === '') waiting?.resolve();
        else waiting?.reject(systemError(code));
      });
    }
    this.#listening = false;
    this.#worker.unref();
  }

  #died(error: unknown): void {
    this.#dead ??= Object.assign(new Error('EIO: the log writer is gone', { cause: error }), { code: 'EIO' });
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
  }
}

function systemError(answer: string): Error {
  const syscall = answer.startsWith('sync:') ? 'fdatasync' : 'write';
  const code = syscall === 'write' ? answer : answer.slice('sync:'.length);
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}

/** Reads a list of chunks as one run of bytes. */
class ChunkReader {
  readonly #chunks: readonly Uint8Array[];
  #index = 0;
  #offset = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  read(target: Uint8Array, at: number, bytes: number): void {
    while (bytes > 0) {
      const chunk = this.#chunks[this.#index];
      const take = Math.min(bytes, chunk.length - this.#offset);
      target.set(take === chunk.length ? chunk : chunk.subarray(this.#offset, this.#offset + take), at);
      at += take;
      bytes -= take;
      this.#offset += take;
      if (this.#offset === chunk.length) {
        this.#index++;
        this.#offset = 0;
      }
    }
  }
}
