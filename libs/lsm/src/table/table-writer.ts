import { assert, copyBytes, type DiskFile, type Kernels } from '@holdfast/io';
import { KIND_DELETE } from '../memtable/record.ts';
import { BlockChecksum, writeU32 } from './block-checksum.ts';
import { BlockWriter } from './block-writer.ts';
import { addToBloom, hashKey, newBloom } from './bloom.ts';
import { type BlockCodec, COMPRESSION_IDS } from './codec.ts';
import { encodeFooter, encodeProperties, FOOTER_BYTES, type Section, TRAILER_BYTES } from './table-format.ts';
import { TableIndexWriter } from './table-index.ts';
import type { TableInfo } from './table-info.ts';
import type { Source } from '../read/source.ts';

export interface TableOptions {
  /** A block is closed when it reaches this many bytes. */
  readonly blockBytes: number;
  /** Entries from one restart point to the next. */
  readonly restartInterval: number;
  /** Bloom filter bits for each key; 0 for no filter. */
  readonly bloomBitsPerKey: number;
  /** Undefined: blocks as they are. */
  readonly codec: BlockCodec | undefined;
}

/**
 * A table is synced piece by piece: one sync of a whole table would hold up those of the log, on which clients
 * wait, for as long as the disk needs for all of it.
 */
const SYNC_BYTES = 1024 * 1024;

/** Bytes collected before they are written: about a millisecond of work between two awaits. */
const CHUNK_BYTES = 256 * 1024;
/** Keys added to the filter in about a millisecond. */
const BREATHE_KEYS = 16_384;
/** A block that compression makes smaller by less than an eighth is stored as it is. */
const COMPRESSION_GAIN_MIN = 8;

/** What a writer collects a table in, twice: one fills while the other is being written. */
export type ChunkBuffers = readonly [Uint8Array, Uint8Array];

/**
 * Writes one table, front to back. Call `add` in order; whenever {@link isChunkFull} is true, await `drain`;
 * then `finish`. The file is durable when `finish` returns; its name is not (sync the directory).
 *
 * @throws DiskError from `drain` and `finish`; the file is then worthless.
 */
export class TableWriter {
  readonly #file: DiskFile;
  readonly #options: TableOptions;
  readonly #kernels: Kernels;
  readonly #binding: number;
  readonly #checksum: BlockChecksum;
  readonly #blocks: BlockWriter;
  readonly #index = new TableIndexWriter();
  /** File offset of `#blocks.bytes[0]`. */
  #base = 0;
  /** Up to here the file has been synced on the way. */
  #syncedTo = 0;
  #spare: Uint8Array = new Uint8Array(0);
  #inFlight: Promise<void> | undefined;
  #hashes = new Uint32Array(4_096);
  #hashCount = 0;
  #entries = 0;
  #tombstones = 0;
  #rawBytes = 0;
  #revisionMin = Number.MAX_SAFE_INTEGER;
  #revisionMax = 0;
  #smallestKey: Uint8Array | undefined;
  #blockOpen = false;
  readonly #byte = new Uint8Array(1);

  /** @param buffers those of a writer that has finished, see {@link buffers}. */
  constructor(
    file: DiskFile,
    binding: number,
    options: TableOptions,
    kernels: Kernels,
    buffers?: ChunkBuffers,
  ) {
    this.#file = file;
    this.#binding = binding;
    this.#options = options;
    this.#kernels = kernels;
    this.#checksum = new BlockChecksum(kernels, binding);
    this.#blocks = new BlockWriter(buffers?.[0] ?? new Uint8Array(CHUNK_BYTES * 2), options.restartInterval);
    if (buffers !== undefined) this.#spare = buffers[1];
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of the file so far. */
  get fileBytes(): number {
    return this.#base + this.#blocks.length;
  }

  /** For the writer of the next table, when this one has finished. */
  get buffers(): ChunkBuffers {
    return [this.#spare, this.#blocks.bytes];
  }

  /** The last key added: a view until the next `add`. */
  get lastKey(): Uint8Array {
    return this.#blocks.lastKey;
  }

  get isChunkFull(): boolean {
    return this.#blocks.length >= CHUNK_BYTES;
  }

  /** Adds the entry on which `source` stands; it comes behind all earlier ones. */
  add(source: Source): void {
    const { key, keyStart, keyEnd, revision, kind } = source;
    const blocks = this.#blocks;
    if (!this.#blockOpen) {
      const previous = this.#entries === 0 ? undefined : blocks.lastKey;
      this.#index.begin(previous, key, keyStart, keyEnd, revision);
      blocks.begin();
      this.#blockOpen = true;
    }
    blocks.add(key, keyStart, keyEnd, revision, kind, source.value, source.valueStart, source.valueEnd);
    if (this.#smallestKey === undefined) this.#smallestKey = key.slice(keyStart, keyEnd);
    if (this.#options.bloomBitsPerKey > 0) this.#addHash(hashKey(key, keyStart, keyEnd));
    this.#entries++;
    if (kind === KIND_DELETE) this.#tombstones++;
    this.#rawBytes += keyEnd - keyStart + source.valueEnd - source.valueStart;
    if (revision < this.#revisionMin) this.#revisionMin = revision;
    if (revision > this.#revisionMax) this.#revisionMax = revision;
    if (blocks.blockBytes >= this.#options.blockBytes) this.#endBlock();
  }

  /** Ends the open block and hands the collected bytes to the disk; returns when the hand-over before this one is done. */
  async drain(): Promise<void> {
    await this.#inFlight;
    this.#handOver(this.#spare.length > 0 ? this.#spare : new Uint8Array(CHUNK_BYTES * 2));
  }

  /** @param next what is filled meanwhile */
  #handOver(next: Uint8Array): void {
    const blocks = this.#blocks;
    if (this.#blockOpen) this.#endBlock();
    const full = blocks.bytes;
    const length = blocks.length;
    blocks.bytes = next;
    blocks.length = 0;
    this.#spare = full;
    const offset = this.#base;
    this.#base += length;
    const sync = this.#base - this.#syncedTo >= SYNC_BYTES;
    if (sync) this.#syncedTo = this.#base;
    this.#inFlight = this.#write(full.subarray(0, length), offset, sync);
    // Awaited by the next drain or by finish; this handler only keeps an early failure from being unhandled.
    this.#inFlight.catch(() => undefined);
  }

  /** Writes the rest and makes the file durable. Needs at least one entry. */
  async finish(): Promise<TableInfo> {
    assert(this.#entries > 0 && this.#smallestKey !== undefined, 'a table has an entry');
    if (this.#blockOpen) this.#endBlock();
    const filter = this.#section(await this.#buildFilter());
    const index = this.#section(await this.#index.finish(() => this.#breathe()));
    const info = {
      binding: this.#binding,
      entries: this.#entries,
      tombstones: this.#tombstones,
      rawBytes: this.#rawBytes,
      revisionMin: this.#revisionMin,
      revisionMax: this.#revisionMax,
      smallestKey: this.#smallestKey,
      largestKey: copyBytes(this.#blocks.lastKey),
    };
    const properties = this.#section(encodeProperties(info));
    const footer = encodeFooter(
      { binding: this.#binding, filter, index, properties },
      this.#kernels,
      this.fileBytes,
    );
    this.#raw(footer);
    await this.#inFlight;
    // Nothing is filled any more: a small table needs one buffer only.
    this.#handOver(this.#spare);
    await this.#inFlight;
    await this.#file.sync();
    assert(this.#file.size === this.#base && footer.length === FOOTER_BYTES, 'the footer ends the file');
    return { ...info, fileBytes: this.#base };
  }

  async #buildFilter(): Promise<Uint8Array> {
    const { bloomBitsPerKey } = this.#options;
    if (bloomBitsPerKey === 0) return new Uint8Array(0);
    const filter = newBloom(this.#hashCount, bloomBitsPerKey);
    for (let start = 0; start < this.#hashCount; start += BREATHE_KEYS) {
      if (start > 0) await this.#breathe();
      addToBloom(filter, this.#hashes, start, Math.min(start + BREATHE_KEYS, this.#hashCount), this.#kernels);
    }
    return filter;
  }

  /** Gives the event loop back: a core has no timer, but any trip to the disk does it. */
  async #breathe(): Promise<void> {
    await this.#file.read(this.#byte, 0);
  }

  /** Written and synced apart: a `write` with sync may have a way of its own, kept free for the log (ADR 0014). */
  async #write(bytes: Uint8Array, offset: number, sync: boolean): Promise<void> {
    await this.#file.write([bytes], offset, false);
    if (sync) await this.#file.sync();
  }

  #endBlock(): void {
    const blocks = this.#blocks;
    const { start } = blocks.finish();
    this.#blockOpen = false;
    const stored = this.#compress(start);
    this.#trailer(start, stored);
    this.#index.end(blocks.length - start - TRAILER_BYTES);
  }

  /** Replaces the block at the end by its compressed form if that is worth it; returns the compression id. */
  #compress(start: number): number {
    const { codec } = this.#options;
    if (codec === undefined) return COMPRESSION_IDS.none;
    const blocks = this.#blocks;
    const length = blocks.length - start;
    const bytesMax = length - Math.floor(length / COMPRESSION_GAIN_MIN) - 4;
    const packed = codec.compress(blocks.bytes.subarray(start, blocks.length), bytesMax);
    if (packed === undefined || packed.length > bytesMax) return COMPRESSION_IDS.none;
    // u32 original length | compressed bytes
    writeU32(blocks.bytes, start, length);
    blocks.bytes.set(packed, start + 4);
    blocks.length = start + 4 + packed.length;
    return COMPRESSION_IDS[codec.name];
  }

  #trailer(start: number, compression: number): void {
    const blocks = this.#blocks;
    blocks.reserve(TRAILER_BYTES);
    blocks.bytes[blocks.length] = compression;
    const covered = blocks.length + 1;
    writeU32(blocks.bytes, covered, this.#checksum.of(blocks.bytes, start, covered, this.#base + start));
    blocks.length += TRAILER_BYTES;
  }

  #section(bytes: Uint8Array): Section {
    const start = this.#blocks.length;
    this.#raw(bytes);
    this.#trailer(start, COMPRESSION_IDS.none);
    return { offset: this.#base + start, length: bytes.length };
  }

  #raw(bytes: Uint8Array): void {
    const blocks = this.#blocks;
    blocks.reserve(bytes.length);
    blocks.bytes.set(bytes, blocks.length);
    blocks.length += bytes.length;
  }

  /** Versions of one key follow each other and have one hash. */
  #addHash(hash: number): void {
    if (this.#hashCount > 0 && this.#hashes[this.#hashCount - 1] === hash) return;
    if (this.#hashCount === this.#hashes.length) {
      const grown = new Uint32Array(this.#hashes.length * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[this.#hashCount++] = hash;
  }
}
