import type { Disk, Kernels } from '@holdfast/io';
import type { Compactor, Lookup, Reads, Tree, TreeListener, TreeOptions, TreeStats } from '@holdfast/lsm';
import type { OpenedTree } from '@holdfast/lsm-node';
import { AbstractLevel, type AbstractSnapshot } from 'abstract-level';
import { clearRange } from './clear-range.ts';
import { bytesOf, type Encoded, FormatReader, ownedAs } from './format.ts';
import { InFlight } from './in-flight.ts';
import { LevelError, levelError } from './level-error.ts';
import { LevelIterator, LevelKeyIterator, LevelValueIterator } from './level-iterators.ts';
import type {
  BatchOperation,
  ClearOptions,
  HoldfastLevelOptions,
  IteratorOptions,
  OpenOptions,
  ReadOptions,
  WriteOptions,
} from './level-options.ts';
import { LevelSnapshot } from './level-snapshot.ts';
import { openLevelTree } from './open-tree.ts';
import { Scratch } from './scratch.ts';
import { storedKey } from './stored-key.ts';
import { TreeWriter } from './tree-writer.ts';

const MANIFEST = {
  encodings: { buffer: true, utf8: true, view: true },
  implicitSnapshots: true,
  explicitSnapshots: true,
  has: true,
  getSync: true,
  seek: true,
  permanence: true,
  createIfMissing: true,
  errorIfExists: true,
  signals: { iterators: true },
  additionalMethods: { compactRange: true, checkpoint: true, stats: true },
};

/**
 * A Holdfast tree as an `abstract-level` database: sorted keys, atomic batches, snapshots, sublevels.
 *
 * Writes go through the tree's write-ahead log. A write with `sync` is answered when it is durable, and writes
 * of one turn share one sync; without, it is visible at once and durable a moment later. After a crash the
 * database holds a prefix of its writes that has every synced one.
 *
 * Errors carry the codes of the Level ecosystem; `cause` is what the engine said.
 */
export class HoldfastLevel<K = string, V = string> extends AbstractLevel<string | Buffer | Uint8Array, K, V> {
  readonly #location: string;
  readonly #disk: Disk | undefined;
  readonly #kernels: Kernels | undefined;
  readonly #treeOptions: TreeOptions;
  readonly #compactor: Compactor | undefined;
  readonly #onEvent: TreeListener | undefined;
  readonly #sync: boolean;
  readonly #keys = new Scratch();
  readonly #format = new FormatReader();
  #open: OpenedTree | undefined;
  #writer: TreeWriter | undefined;
  #inFlight = new InFlight();

  /** @param location the directory; made when it is missing. */
  constructor(location: string, options: HoldfastLevelOptions<K, V> = {}) {
    if (typeof location !== 'string' || location === '') {
      throw new TypeError("The first argument 'location' must be a non-empty string");
    }
    const { disk, kernels, tree, compactor, onEvent, sync, ...forward } = options ?? {};
    super(MANIFEST, forward);
    this.#location = location;
    this.#disk = disk;
    this.#kernels = kernels;
    this.#treeOptions = tree ?? {};
    this.#compactor = compactor;
    this.#onEvent = onEvent;
    this.#sync = sync ?? false;
  }

  get location(): string {
    return this.#location;
  }

  /** Merges everything in `[start, end)` (undefined: unbounded) into the deepest level and drops what is obsolete. */
  async compactRange(start?: K, end?: K): Promise<void> {
    const encoding = this.keyEncoding();
    const bound = (key: K | undefined): Uint8Array | undefined =>
      key === undefined ? undefined : storedKey(bytesOf(encoding.encode(key)));
    await this.#run(() => this.#opened.compactRange(bound(start), bound(end)));
  }

  /** Makes `directory` a database of its own with the content of this moment, by hard links. Durable. */
  async checkpoint(directory: string): Promise<void> {
    await this.#run(() => this.#opened.checkpoint(directory));
  }

  /** Sizes, amplifications, cache hits. */
  stats(): TreeStats {
    return this.#opened.stats();
  }

  // ---- What `abstract-level` calls

  protected async _open(options: OpenOptions): Promise<void> {
    const opened = await openLevelTree(
      {
        directory: this.#location,
        disk: this.#disk,
        kernels: this.#kernels,
        options: this.#treeOptions,
        compactor: this.#compactor,
        onEvent: this.#onEvent,
      },
      options,
    );
    this.#open = opened;
    this.#writer = new TreeWriter(opened.tree);
    this.#inFlight = new InFlight();
  }

  protected async _close(): Promise<void> {
    await this.#inFlight.idle();
    await this.#open?.close();
    this.#open = undefined;
    this.#writer = undefined;
    this.#format.clear();
  }

  protected _get(key: Encoded, options: ReadOptions): Promise<Encoded | undefined> {
    const { snapshot, valueEncoding } = options;
    try {
      const found = this.#reads(snapshot).get(this.#keys.keyOf(key));
      if (!(found instanceof Promise)) return Promise.resolve(this.#valueOf(found, options));
      return this.#run(async () => {
        const lookup = await found;
        return lookup === undefined ? undefined : ownedAs(lookup.value, valueEncoding);
      });
    } catch (error) {
      return Promise.reject(levelError(error));
    }
  }

  protected _getSync(key: Encoded, options: ReadOptions): Encoded | undefined {
    let found: ReturnType<Reads['get']>;
    try {
      found = this.#reads(options.snapshot).get(this.#keys.keyOf(key));
    } catch (error) {
      throw levelError(error);
    }
    if (found instanceof Promise) {
      found.catch(() => undefined);
      throw new LevelError('LEVEL_NOT_SUPPORTED', 'The table with this key is not open yet: use get()');
    }
    return this.#valueOf(found, options);
  }

  protected async _getMany(keys: readonly Encoded[], options: ReadOptions): Promise<(Encoded | undefined)[]> {
    const { snapshot, valueEncoding } = options;
    const lookups = await this.#run(() => this.#reads(snapshot).multiGet(storedKeys(keys)));
    return lookups.map((lookup) => (lookup === undefined ? undefined : ownedAs(lookup.value, valueEncoding)));
  }

  protected async _has(key: Encoded, { snapshot }: ReadOptions): Promise<boolean> {
    const latest = await this.#run(() => this.#reads(snapshot).latest(this.#keys.keyOf(key)));
    return latest?.kind === 'put';
  }

  protected _hasMany(keys: readonly Encoded[], options: ReadOptions): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this._has(key, options)));
  }

  protected _put(key: Encoded, value: Encoded, { sync = this.#sync }: WriteOptions): Promise<void> {
    return this.#run(() => this.#writing.put(key, value, sync));
  }

  protected _del(key: Encoded, { sync = this.#sync }: WriteOptions): Promise<void> {
    return this.#run(() => this.#writing.delete(key, sync));
  }

  protected _batch(
    operations: readonly BatchOperation[],
    { sync = this.#sync }: WriteOptions,
  ): Promise<void> {
    return this.#run(() => this.#writing.write(operations, sync));
  }

  protected _clear(options: ClearOptions): Promise<void> {
    const { snapshot, sync = this.#sync } = options;
    return this.#run(() =>
      clearRange(this.#reads(snapshot), this.#writing, options, Boolean(snapshot), sync),
    );
  }

  protected _snapshot(options: object): AbstractSnapshot {
    return new LevelSnapshot(this.#opened.snapshot(), options);
  }

  protected _iterator(options: IteratorOptions): LevelIterator<this, K, V> {
    return new LevelIterator<this, K, V>(this, this.#reads(options.snapshot), options);
  }

  protected _keys(options: IteratorOptions): LevelKeyIterator<this, K> {
    return new LevelKeyIterator<this, K>(this, this.#reads(options.snapshot), options);
  }

  protected _values(options: IteratorOptions): LevelValueIterator<this, K, V> {
    return new LevelValueIterator<this, K, V>(this, this.#reads(options.snapshot), options);
  }

  // ----

  get #opened(): Tree {
    if (this.#open === undefined) throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    return this.#open.tree;
  }

  get #writing(): TreeWriter {
    if (this.#writer === undefined) throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    return this.#writer;
  }

  #reads(snapshot: AbstractSnapshot | undefined): Reads {
    return snapshot instanceof LevelSnapshot ? snapshot.reads : this.#opened;
  }

  #valueOf(lookup: Lookup | undefined, { valueEncoding }: ReadOptions): Encoded | undefined {
    if (lookup === undefined) return undefined;
    return this.#format.read(lookup.value, 0, lookup.value.length, valueEncoding);
  }

  /** An operation that `close` waits for, with the engine's errors translated. */
  async #run<T>(operation: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    try {
      const result = operation();
      return await (result instanceof Promise ? this.#inFlight.add(result) : result);
    } catch (error) {
      throw levelError(error);
    }
  }
}

function storedKeys(keys: readonly Encoded[]): Uint8Array[] {
  return keys.map((key) => storedKey(bytesOf(key)));
}
