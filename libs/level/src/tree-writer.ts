import { viewOf, writeU53, readU53 } from '@holdfast/io';
import { KEY_BYTES_MAX, REVISION_MAX, type Tree, VALUE_BYTES_MAX, WriteBatch } from '@holdfast/lsm';
import type { Encoded } from './format.ts';
import { LevelError } from './level-error.ts';
import type { BatchOperation } from './level-options.ts';
import { Scratch } from './scratch.ts';

/** The mark that holds the epoch. */
const EPOCH_GROUP = 0;
/** A batch buffer larger than this is given back after use. */
const BATCH_KEEP_BYTES = 4 * 1024 * 1024;

/**
 * Writes of a database that knows no versions, on a tree that does.
 *
 * All writes have one revision, the *epoch*: of two with the same key and revision the later one counts, reads
 * end at the first table that has the key, and compaction keeps one version of each key. Only deleting a
 * range needs an order in time, because it hides every version at or below its revision: it takes the epoch,
 * and what is written afterwards has the next one. The epoch is a mark of the tree, so it becomes durable in
 * one batch with the deletion.
 */
export class TreeWriter {
  readonly #tree: Tree;
  readonly #batch = new WriteBatch();
  readonly #keys = new Scratch();
  readonly #values = new Scratch();
  #epoch: number;

  constructor(tree: Tree) {
    this.#tree = tree;
    const mark = tree.mark(EPOCH_GROUP);
    this.#epoch = mark === undefined ? 0 : readU53(viewOf(mark), 0);
    // Nobody asks for old versions; snapshots and iterators hold what they see.
    tree.setHorizon(REVISION_MAX);
  }

  put(key: Encoded, value: Encoded, sync: boolean): Promise<void> {
    const batch = this.#emptyBatch();
    this.#put(batch, key, value);
    return this.#tree.write(batch, { sync });
  }

  delete(key: Encoded, sync: boolean): Promise<void> {
    const batch = this.#emptyBatch();
    batch.delete(this.#keyOf(key), this.#epoch);
    return this.#tree.write(batch, { sync });
  }

  write(operations: readonly BatchOperation[], sync: boolean): Promise<void> {
    const batch = this.#emptyBatch();
    for (const { type, key, value } of operations) {
      if (type === 'put') this.#put(batch, key, value ?? '');
      else batch.delete(this.#keyOf(key), this.#epoch);
    }
    return this.#tree.write(batch, { sync });
  }

  /** @param keys as they are stored. */
  deleteStored(keys: readonly Uint8Array[], sync: boolean): Promise<void> {
    const batch = this.#emptyBatch();
    for (const key of keys) batch.delete(key, this.#epoch);
    return this.#tree.write(batch, { sync });
  }

  /** Deletes stored keys in `[start, end)`, at the same cost however many there are. */
  deleteRange(start: Uint8Array | undefined, end: Uint8Array | undefined, sync: boolean): Promise<void> {
    const batch = this.#emptyBatch();
    batch.deleteRange(start, end, this.#epoch);
    this.#epoch++;
    const mark = new Uint8Array(8);
    writeU53(viewOf(mark), 0, this.#epoch);
    batch.mark(EPOCH_GROUP, mark);
    return this.#tree.write(batch, { sync });
  }

  #put(batch: WriteBatch, key: Encoded, value: Encoded): void {
    const storedKey = this.#keyOf(key);
    const bytes = this.#values.of(value);
    if (bytes.length > VALUE_BYTES_MAX) {
      throw new LevelError('LEVEL_INVALID_VALUE', `Value has more than ${VALUE_BYTES_MAX} bytes`);
    }
    batch.put(storedKey, this.#epoch, bytes);
  }

  #keyOf(key: Encoded): Uint8Array {
    const stored = this.#keys.keyOf(key);
    if (stored.length > KEY_BYTES_MAX) {
      throw new LevelError('LEVEL_INVALID_KEY', `Key has more than ${KEY_BYTES_MAX} bytes`);
    }
    return stored;
  }

  #emptyBatch(): WriteBatch {
    const batch = this.#batch;
    if (batch.byteLength > BATCH_KEEP_BYTES) return new WriteBatch();
    batch.clear();
    return batch;
  }
}
