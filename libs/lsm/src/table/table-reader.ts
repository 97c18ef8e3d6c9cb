import type { Disk, DiskFile, Kernels } from '@holdfast/io';
import { type BlockCache, type CachedTable, NOT_CACHED } from '../cache/block-cache.ts';
import { CorruptionError } from '../errors.ts';
import { isBlock } from './block-check.ts';
import { BlockChecksum, readU32 } from './block-checksum.ts';
import { bloomMayHold, isBloomLength } from './bloom.ts';
import { type BlockCodec, COMPRESSION_IDS } from './codec.ts';
import { decodeFooter, decodeProperties, FOOTER_BYTES, type Section, TRAILER_BYTES } from './table-format.ts';
import { TableIndex } from './table-index.ts';
import type { TableInfo } from './table-info.ts';

export interface ReaderContext {
  readonly disk: Disk;
  readonly kernels: Kernels;
  readonly cache: BlockCache;
  readonly codecs: readonly BlockCodec[];
  /** Read blocks that are not in memory on this thread (about 1 us from page cache) instead of awaiting. */
  readonly syncReads: boolean;
  /** Use `DiskFile.map` where the world has it. */
  readonly mmap: boolean;
  /** Hears of damage before it is thrown. */
  readonly onCorruption?: (error: CorruptionError) => void;
}

export interface LentBlock {
  readonly block: number;
  readonly bytes: Uint8Array;
}

const BLOCK_BYTES_MAX = 2 ** 29;
const NOTHING = new Uint8Array(0);

/** An open table: its index and filter in memory, its blocks in the map, in the cache, or on the disk. */
export class TableReader implements CachedTable {
  readonly path: string;
  readonly info: TableInfo;
  readonly index: TableIndex;
  readonly slots: Int32Array;
  readonly #context: ReaderContext;
  readonly #file: DiskFile;
  readonly #map: Uint8Array | undefined;
  readonly #checksum: BlockChecksum;
  readonly #filter: Uint8Array;
  /** What all keys of the table share. */
  readonly #prefixLength: number;
  /** For mapped tables: 1 for a block that is not compressed and was seen to be right, checksum and form. */
  readonly #checked: Uint8Array;
  /** Blocks that a caller holds and lends for one synchronous read; almost always empty. */
  #lent: readonly LentBlock[] = [];

  // Where the block of the last successful `access` lies.
  data: Uint8Array = NOTHING;
  dataStart = 0;
  dataEnd = 0;
  /** Frame to pin while the data is used; -1 when it needs no pin. */
  frame = -1;

  private constructor(
    context: ReaderContext,
    file: DiskFile,
    map: Uint8Array | undefined,
    checksum: BlockChecksum,
    info: TableInfo,
    index: TableIndex,
    filter: Uint8Array,
  ) {
    this.path = file.path;
    this.#context = context;
    this.#file = file;
    this.#map = map;
    this.#checksum = checksum;
    this.info = info;
    this.index = index;
    this.#filter = filter;
    const { smallestKey, largestKey } = info;
    let shared = 0;
    while (shared < smallestKey.length && smallestKey[shared] === largestKey[shared]) shared++;
    this.#prefixLength = shared;
    this.slots = new Int32Array(index.blocks).fill(NOT_CACHED);
    this.#checked = new Uint8Array(map === undefined ? 0 : index.blocks);
  }

  /**
   * @param binding what the manifest says; undefined believes the file.
   * @throws CorruptionError, DiskError.
   */
  static async open(path: string, binding: number | undefined, context: ReaderContext): Promise<TableReader> {
    const file = await context.disk.open(path, 'never');
    try {
      return await TableReader.#read(file, binding, context);
    } catch (error) {
      await file.close();
      if (error instanceof CorruptionError) context.onCorruption?.(error);
      throw error;
    }
  }

  static async #read(
    file: DiskFile,
    binding: number | undefined,
    context: ReaderContext,
  ): Promise<TableReader> {
    const { kernels } = context;
    const map = context.mmap ? file.map() : undefined;
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      if (map !== undefined && offset >= 0 && offset + length <= map.length)
        return map.subarray(offset, offset + length);
      const bytes = new Uint8Array(length);
      const got = offset < 0 ? 0 : await file.read(bytes, offset);
      if (got !== length)
        throw new CorruptionError('table', file.path, Math.max(0, offset), 'the file is cut off');
      return bytes;
    };
    const footerOffset = file.size - FOOTER_BYTES;
    const footer = decodeFooter(await read(footerOffset, FOOTER_BYTES), kernels, footerOffset, binding);
    if (typeof footer === 'string') throw new CorruptionError('table', file.path, footerOffset, footer);
    const checksum = new BlockChecksum(kernels, footer.binding);
    const section = async ({ offset, length }: Section): Promise<Uint8Array> => {
      const bytes = await read(offset, length + TRAILER_BYTES);
      if (bytes[length] !== 0 || checksum.of(bytes, 0, length + 1, offset) !== readU32(bytes, length + 1)) {
        throw new CorruptionError('table', file.path, offset, 'checksum of a section');
      }
      return bytes.subarray(0, length);
    };
    const properties = await section(footer.properties);
    const info = decodeProperties(properties, file.size);
    if (info === undefined || info.binding !== footer.binding) {
      throw new CorruptionError('table', file.path, footer.properties.offset, 'properties');
    }
    const index = TableIndex.decode(await section(footer.index), footer.filter.offset);
    if (index === undefined) throw new CorruptionError('table', file.path, footer.index.offset, 'index');
    const filter = await section(footer.filter);
    if (filter.length > 0 && !isBloomLength(filter.length)) {
      throw new CorruptionError('table', file.path, footer.filter.offset, 'length of the filter');
    }
    return new TableReader(context, file, map, checksum, info, index, filter);
  }

  /** Bytes of memory held, without cached blocks. */
  get bytes(): number {
    return this.index.bytes + 4 * this.slots.length + (this.#map === undefined ? this.#filter.length : 0);
  }

  /** How many first bytes `key` shares with every key of the table. */
  sharedWithAll(key: Uint8Array): number {
    const { smallestKey } = this.info;
    const length = this.#prefixLength < key.length ? this.#prefixLength : key.length;
    let shared = 0;
    while (shared < length && smallestKey[shared] === key[shared]) shared++;
    return shared;
  }

  get hasFilter(): boolean {
    return this.#filter.length > 0;
  }

  /** False only when no version of the key with this hash is in the table. */
  mayHold(hash: number): boolean {
    return this.#filter.length === 0 || bloomMayHold(this.#filter, 0, this.#filter.length, hash);
  }

  /**
   * Makes `data[dataStart .. dataEnd)` the bytes of a block, when that needs no waiting. They stay valid until
   * the next `access` or `load` of any table, longer when `frame` is pinned, and no longer than this reader.
   *
   * @throws CorruptionError; DiskError with `syncReads`.
   */
  access(block: number): boolean {
    const map = this.#map;
    if (map !== undefined) {
      const start = this.index.blockOffset(block);
      const end = start + this.index.blockLength(block);
      if (this.#checked[block] !== 0) return this.#show(map, start, end, -1);
      if (map[end] === COMPRESSION_IDS.none) {
        this.#verify(map, start, end, start);
        this.#checkForm(map, start, end, block);
        this.#checked[block] = 1;
        return this.#show(map, start, end, -1);
      }
    }
    const { cache } = this.#context;
    const frame = this.slots[block]!;
    if (frame >= 0) {
      cache.touch(frame);
      return this.#show(cache.buffer(frame), 0, cache.length(frame), frame);
    }
    for (const lent of this.#lent) {
      if (lent.block === block) return this.#show(lent.bytes, 0, lent.bytes.length, -1);
    }
    if (map !== undefined) {
      const start = this.index.blockOffset(block);
      return this.#keep(block, this.decode(map, start, block));
    }
    if (!this.#context.syncReads) return false;
    const raw = new Uint8Array(this.index.blockLength(block) + TRAILER_BYTES);
    const got = this.#file.readSync(raw, this.index.blockOffset(block));
    if (got !== raw.length) throw this.#damage(block, 'the file is cut off');
    return this.#keep(block, this.decode(raw, 0, block));
  }

  /** Reads a block and returns its own copy of the bytes; it is put into the cache as well. */
  async load(block: number): Promise<Uint8Array> {
    const bytes = await this.loadAside(block);
    this.#context.cache.put(this, block, bytes, 0, bytes.length);
    return bytes;
  }

  /** Reads a block from the disk, whatever is in memory. */
  async loadAside(block: number): Promise<Uint8Array> {
    const raw = new Uint8Array(this.index.blockLength(block) + TRAILER_BYTES);
    const got = await this.#file.read(raw, this.index.blockOffset(block));
    if (got !== raw.length) throw this.#damage(block, 'the file is cut off');
    return this.decode(raw, 0, block);
  }

  /** Raw bytes of the file, for reading ahead. Returns fewer at the end. */
  readRaw(target: Uint8Array, offset: number): Promise<number> {
    return this.#file.read(target, offset);
  }

  get isMapped(): boolean {
    return this.#map !== undefined;
  }

  /** Until the next call, `access` succeeds for these blocks. */
  lend(blocks: readonly LentBlock[]): void {
    this.#lent = blocks;
  }

  /** Checks (checksum, form) and decompresses the stored block at `raw[start ..)`; a view of `raw` when it was not compressed. */
  decode(raw: Uint8Array, start: number, block: number): Uint8Array {
    const end = start + this.index.blockLength(block);
    this.#verify(raw, start, end, this.index.blockOffset(block));
    const compression = raw[end]!;
    if (compression === COMPRESSION_IDS.none) {
      this.#checkForm(raw, start, end, block);
      return raw.subarray(start, end);
    }
    const codec = this.#context.codecs.find(({ name }) => COMPRESSION_IDS[name] === compression);
    if (codec === undefined) throw this.#damage(block, `no codec for compression ${compression}`);
    const length = end - start < 4 ? -1 : readU32(raw, start);
    if (length < 0 || length > BLOCK_BYTES_MAX) throw this.#damage(block, 'length before compression');
    const bytes = new Uint8Array(length);
    if (!codec.decompress(raw.subarray(start + 4, end), bytes)) throw this.#damage(block, codec.name);
    this.#checkForm(bytes, 0, length, block);
    return bytes;
  }

  /** Frees the file, the map and the cached blocks. */
  async close(): Promise<void> {
    this.#context.cache.drop(this);
    this.data = NOTHING;
    this.#lent = [];
    await this.#file.close();
  }

  #keep(block: number, bytes: Uint8Array): boolean {
    const { cache } = this.#context;
    const frame = cache.put(this, block, bytes, 0, bytes.length);
    return this.#show(frame < 0 ? bytes : cache.buffer(frame), 0, bytes.length, frame);
  }

  #show(data: Uint8Array, start: number, end: number, frame: number): true {
    this.data = data;
    this.dataStart = start;
    this.dataEnd = end;
    this.frame = frame;
    return true;
  }

  #verify(bytes: Uint8Array, start: number, end: number, fileOffset: number): void {
    const expected = readU32(bytes, end + 1);
    if (this.#checksum.of(bytes, start, end + 1, fileOffset) !== expected) {
      throw this.#report(fileOffset, 'checksum of a block');
    }
  }

  #checkForm(bytes: Uint8Array, start: number, end: number, block: number): void {
    if (!isBlock(bytes, start, end)) throw this.#damage(block, 'not a block behind a right checksum');
  }

  #damage(block: number, detail: string): CorruptionError {
    return this.#report(this.index.blockOffset(block), detail);
  }

  #report(offset: number, detail: string): CorruptionError {
    const error = new CorruptionError('table', this.path, offset, detail);
    this.#context.onCorruption?.(error);
    return error;
  }
}
