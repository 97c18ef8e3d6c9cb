import { REVISION_MAX } from '../limits.ts';
import { REVISION_BYTES, appendRevision, readRevision } from './block-writer.ts';
import { TRAILER_BYTES } from './table-format.ts';
import { ByteWriter, VarintReader } from './varint.ts';

/**
 * Where the data blocks of a table begin. Blocks lie one behind the other from offset 0, and each has a
 * *separator*: a short key, greater than every key of the block in front and at most the first of its own.
 *
 * ```
 * varint blocks | varint prefix length | prefix          what all separators but the first share
 * block*  varint suffix length | suffix | revision, 7 bytes LE | varint block length (without trailer)
 * ```
 *
 * The first separator is empty. The revision is {@link REVISION_MAX} unless the block starts in the middle of
 * the versions of one key; then it is that of its first entry.
 */
export class TableIndexWriter {
  readonly #separators: Uint8Array[] = [];
  readonly #revisions: number[] = [];
  readonly #lengths: number[] = [];

  get blocks(): number {
    return this.#separators.length;
  }

  /** @param previousLast the last key of the block in front; undefined for the first block. */
  begin(
    previousLast: Uint8Array | undefined,
    first: Uint8Array,
    firstStart: number,
    firstEnd: number,
    firstRevision: number,
  ): void {
    if (previousLast === undefined) {
      this.#add(new Uint8Array(0), REVISION_MAX);
      return;
    }
    let shared = 0;
    const length = firstEnd - firstStart;
    while (
      shared < previousLast.length &&
      shared < length &&
      previousLast[shared] === first[firstStart + shared]
    ) {
      shared++;
    }
    if (shared === length) this.#add(first.slice(firstStart, firstEnd), firstRevision);
    else this.#add(first.slice(firstStart, firstStart + shared + 1), REVISION_MAX);
  }

  /** Length of the block begun last. */
  end(blockBytes: number): void {
    this.#lengths.push(blockBytes);
  }

  /** Calls `breathe` now and then: the index of a large table takes milliseconds. */
  async finish(breathe: () => Promise<void>): Promise<Uint8Array> {
    const prefix = this.#sharedPrefix();
    const count = this.#separators.length;
    const writer = new ByteWriter().varint(count).string(prefix);
    for (let i = 0; i < count; i++) {
      const separator = this.#separators[i]!;
      writer.string(i === 0 ? separator : separator.subarray(prefix.length));
      writer.raw(appendRevision(this.#revisions[i]!)).varint(this.#lengths[i]!);
      if (i % BREATHE_BLOCKS === BREATHE_BLOCKS - 1) await breathe();
    }
    return writer.finish();
  }

  #add(separator: Uint8Array, revision: number): void {
    this.#separators.push(separator);
    this.#revisions.push(revision);
  }

  /** Separators are sorted, so what the second and the last share, all between share. */
  #sharedPrefix(): Uint8Array {
    const first = this.#separators[1];
    const last = this.#separators.at(-1);
    if (first === undefined || last === undefined) return new Uint8Array(0);
    let shared = 0;
    while (shared < first.length && shared < last.length && first[shared] === last[shared]) shared++;
    return first.subarray(0, shared);
  }
}

/** Blocks encoded in about a millisecond. */
const BREATHE_BLOCKS = 2_048;

/** A decoded index: 24 bytes a block, and the index bytes themselves. */
export class TableIndex {
  readonly blocks: number;
  readonly #bytes: Uint8Array;
  readonly #prefix: Uint8Array;
  /** Six separator bytes behind the prefix, as a number: most searches end here. */
  readonly #heads: Float64Array;
  readonly #suffixStart: Uint32Array;
  readonly #suffixEnd: Uint32Array;
  /** `offsets[i]` of block i; one more for the end. */
  readonly #offsets: Uint32Array;

  private constructor(bytes: Uint8Array, prefix: Uint8Array, blocks: number) {
    this.#bytes = bytes;
    this.#prefix = prefix;
    this.blocks = blocks;
    this.#heads = new Float64Array(blocks);
    this.#suffixStart = new Uint32Array(blocks);
    this.#suffixEnd = new Uint32Array(blocks);
    this.#offsets = new Uint32Array(blocks + 1);
  }

  /** Undefined when the bytes are not an index over exactly `dataBytes` bytes of blocks. Keeps a view of `bytes`. */
  static decode(bytes: Uint8Array, dataBytes: number): TableIndex | undefined {
    const reader = new VarintReader(bytes);
    const blocks = reader.next();
    // A block line has at least 9 bytes: refuses a wild count before memory is taken for it.
    if (blocks < 1 || blocks * 9 > bytes.length) return undefined;
    const prefix = reader.take(reader.next());
    if (prefix === undefined) return undefined;
    const index = new TableIndex(bytes, prefix, blocks);
    let offset = 0;
    for (let i = 0; i < blocks; i++) {
      const suffix = reader.take(reader.next());
      if (suffix === undefined || reader.take(REVISION_BYTES) === undefined) return undefined;
      const end = reader.offset - REVISION_BYTES;
      index.#suffixStart[i] = end - suffix.length;
      index.#suffixEnd[i] = end;
      index.#heads[i] = headOf(bytes, end - suffix.length, end);
      index.#offsets[i] = offset;
      const length = reader.next();
      if (length < 0) return undefined;
      offset += length + TRAILER_BYTES;
      if (offset > dataBytes) return undefined;
    }
    index.#offsets[blocks] = offset;
    return offset === dataBytes && reader.offset === bytes.length ? index : undefined;
  }

  /** Memory held, index bytes included when they are not mapped. */
  get bytes(): number {
    return this.#bytes.length + 24 * this.blocks;
  }

  blockOffset(block: number): number {
    return this.#offsets[block]!;
  }

  /** Without the trailer. */
  blockLength(block: number): number {
    return this.#offsets[block + 1]! - this.#offsets[block]! - TRAILER_BYTES;
  }

  /** The block that holds the first entry at or behind (key, revision), unless that one starts the next block. */
  find(key: Uint8Array, revision: number): number {
    const side = this.#againstPrefix(key);
    if (side !== 0) return side < 0 ? 0 : this.blocks - 1;
    const skip = this.#prefix.length;
    const heads = this.#heads;
    const head = headOf(key, skip, key.length);
    let low = 1;
    let high = this.blocks;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = heads[middle]!;
      if (other < head || (other === head && this.#isAtOrBefore(middle, key, skip, revision)))
        low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Does the block start with the user key, that is, in the middle of its versions? */
  startsWith(block: number, key: Uint8Array): boolean {
    const start = this.#suffixStart[block]!;
    const end = this.#suffixEnd[block]!;
    const skip = this.#prefix.length;
    if (skip + end - start !== key.length || this.#againstPrefix(key) !== 0) return false;
    for (let i = start; i < end; i++) if (this.#bytes[i] !== key[skip + i - start]) return false;
    return readRevision(this.#bytes, end) !== REVISION_MAX;
  }

  #againstPrefix(key: Uint8Array): number {
    const prefix = this.#prefix;
    for (let i = 0; i < prefix.length; i++) {
      if (i >= key.length) return -1;
      const difference = key[i]! - prefix[i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #isAtOrBefore(block: number, key: Uint8Array, skip: number, revision: number): boolean {
    const bytes = this.#bytes;
    const start = this.#suffixStart[block]!;
    const mine = this.#suffixEnd[block]! - start;
    const theirs = key.length - skip;
    const length = mine < theirs ? mine : theirs;
    for (let i = 0; i < length; i++) {
      const difference = bytes[start + i]! - key[skip + i]!;
      if (difference !== 0) return difference < 0;
    }
    if (mine !== theirs) return mine < theirs;
    return readRevision(bytes, start + mine) >= revision;
  }
}

/** Six bytes from `start` as a big-endian number; bytes behind `end` count as zero. */
function headOf(bytes: Uint8Array, start: number, end: number): number {
  let high = 0;
  let low = 0;
  for (let i = start; i < start + 2; i++) high = high * 256 + (i < end ? bytes[i]! : 0);
  for (let i = start + 2; i < start + 6; i++) low = low * 256 + (i < end ? bytes[i]! : 0);
  return high * 2 ** 32 + low;
}
