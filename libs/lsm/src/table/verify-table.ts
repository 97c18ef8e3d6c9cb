import { assert } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { compareRanges } from '../read/compare.ts';
import { Source, type Status } from '../read/source.ts';
import { BlockCursor } from './block-cursor.ts';
import { hashKey } from './bloom.ts';
import type { TableReader } from './table-reader.ts';

/** Walks one decoded block at a time. */
class BlockSource extends Source {
  readonly block: BlockCursor = new BlockCursor(this);

  override seek(): Status {
    return this.#unused();
  }
  override seekBefore(): Status {
    return this.#unused();
  }
  override seekFirst(): Status {
    return this.#unused();
  }
  override seekLast(): Status {
    return this.#unused();
  }
  override next(): Status {
    return this.#unused();
  }
  override previous(): Status {
    return this.#unused();
  }
  override load(): Promise<void> {
    return Promise.resolve();
  }
  override resume(): Status {
    return this.#unused();
  }
  override close(): void {}

  #unused(): never {
    assert(false, 'a block is walked by its cursor');
  }
}

/**
 * Reads a whole table, past every cache, and gives every entry to `visit` in order.
 * Checks every checksum, the order of entries, the filter and the figures in the properties.
 *
 * @throws CorruptionError, DiskError.
 */
export async function verifyTable(
  reader: TableReader,
  visit: (entry: Source) => void = () => undefined,
): Promise<void> {
  const { index, info, path } = reader;
  const damage = (block: number, detail: string): CorruptionError =>
    new CorruptionError('table', path, index.blockOffset(block), detail);
  const source = new BlockSource();
  let last: Uint8Array | undefined;
  let lastRevision = 0;
  let entries = 0;
  for (let block = 0; block < index.blocks; block++) {
    const bytes = await reader.loadAside(block);
    source.block.open(bytes, 0, bytes.length);
    for (let here = source.block.seekFirst(); here; here = source.block.next()) {
      const { key, keyStart, keyEnd, revision } = source;
      const order = last === undefined ? 1 : compareRanges(key, keyStart, keyEnd, last, 0, last.length);
      if (order < 0 || (order === 0 && revision >= lastRevision)) throw damage(block, 'entries out of order');
      if (order > 0) {
        last = key.slice(keyStart, keyEnd);
        if (!reader.mayHold(hashKey(key, keyStart, keyEnd)))
          throw damage(block, 'a key is not in the filter');
      }
      if (entries === 0 && compareBytesOf(source, info.smallestKey) !== 0)
        throw damage(block, 'smallest key');
      if (revision < info.revisionMin || revision > info.revisionMax)
        throw damage(block, 'revision out of bounds');
      lastRevision = revision;
      entries++;
      visit(source);
    }
  }
  const end = index.blocks - 1;
  if (entries !== info.entries) throw damage(end, `${entries} entries instead of ${info.entries}`);
  if (
    last === undefined ||
    compareRanges(last, 0, last.length, info.largestKey, 0, info.largestKey.length) !== 0
  ) {
    throw damage(end, 'largest key');
  }
}

function compareBytesOf(source: Source, key: Uint8Array): number {
  return compareRanges(source.key, source.keyStart, source.keyEnd, key, 0, key.length);
}
