import type { Disk, Kernels } from '@holdfast/io';
import type { Compactor, TreeListener, TreeOptions } from '@holdfast/lsm';
import type { AbstractDatabaseOptions, AbstractSnapshot } from 'abstract-level';
import type { Encoded, Format } from './format.ts';
import type { RangeOptions } from './key-range.ts';

export interface HoldfastLevelOptions<K, V> extends AbstractDatabaseOptions<K, V> {
  /**
   * Answer writes when they are durable (one sync for all writes of a turn) unless a write says otherwise.
   * Default false: they are visible at once and durable a moment later.
   */
  readonly sync?: boolean;
  /** Where the files are. Default: the file system, with threads for merges and for the log. */
  readonly disk?: Disk;
  /** For a disk that was given. */
  readonly kernels?: Kernels;
  /** Options of the engine. */
  readonly tree?: TreeOptions;
  /** Where merges run. Default: on a thread, or on this one with a disk that was given. */
  readonly compactor?: Compactor;
  /** Hears of flushes, compactions, stalls and damage. */
  readonly onEvent?: TreeListener;
}

/** An option of every write. */
export interface WriteOptions {
  /** Answer when the write is durable. Default: that of the database. */
  readonly sync?: boolean;
}

/** What private reads are given. */
export interface ReadOptions {
  readonly valueEncoding: Format;
  readonly snapshot?: AbstractSnapshot | undefined;
}

export interface ClearOptions extends RangeOptions, WriteOptions {
  readonly reverse: boolean;
  /** -1: none. */
  readonly limit: number;
  readonly snapshot?: AbstractSnapshot | undefined;
}

export interface IteratorOptions extends RangeOptions {
  readonly reverse: boolean;
  readonly limit: number;
  readonly keyEncoding: Format;
  readonly valueEncoding: Format;
  readonly keys?: boolean;
  readonly values?: boolean;
  readonly signal?: AbortSignal | null | undefined;
  readonly snapshot?: AbstractSnapshot | undefined;
}

export interface BatchOperation {
  readonly type: 'put' | 'del';
  readonly key: Encoded;
  readonly value?: Encoded;
}

export interface OpenOptions {
  readonly createIfMissing: boolean;
  readonly errorIfExists: boolean;
}
