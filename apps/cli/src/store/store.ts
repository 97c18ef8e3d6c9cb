/** One value, and what is known of it. */
export interface StoredValue {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly revision: number;
}

/** One row of a scan. */
export interface Row extends StoredValue {
  readonly key: Buffer;
}

export interface ReadOptions {
  readonly consistency: 'strong' | 'eventual';
  /** As it was at this revision. */
  readonly revision?: number | undefined;
}

export interface WriteOptions {
  readonly ifRevision?: number | undefined;
  readonly ifAbsent?: boolean | undefined;
  /** With it, a write whose answer is lost may be sent again. */
  readonly idempotencyKey?: string | undefined;
}

export interface PutOptions extends WriteOptions {
  readonly contentType: string;
  readonly ttlMs?: number | undefined;
}

/** Bounds are keys; `end` is behind the last one. */
export interface ScanOptions extends ReadOptions {
  readonly prefix?: Buffer | undefined;
  readonly start?: Buffer | undefined;
  readonly end?: Buffer | undefined;
  readonly reverse?: boolean | undefined;
  readonly keysOnly?: boolean | undefined;
  /** Rows at most. */
  readonly limit?: number | undefined;
}

/** Why one write of many was refused. */
export interface WriteFailure {
  readonly code: string;
  readonly message: string;
  /** Sending it again is safe and may help. */
  readonly retryable: boolean;
}

/** What a watch is told; `bytes` and `contentType` are empty unless it is a put. */
export interface Change {
  readonly type: 'put' | 'delete' | 'expire';
  readonly key: Buffer;
  readonly revision: number;
  /** `from` of a watch that goes on behind this change. */
  readonly resume: number;
  readonly bytes: Buffer;
  readonly contentType: string;
}

export interface WatchOptions {
  /** Only keys that begin with this. */
  readonly prefix: Buffer;
  /** Changes behind this revision; undefined = from now on. */
  readonly from: number | undefined;
  /** Ends the watch without an error. */
  readonly signal: AbortSignal;
}

export interface Entry {
  readonly key: Buffer;
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** A cluster, over a gateway or straight to its nodes. Failures are `ClusterError`s. */
export interface Store extends AsyncDisposable {
  /** Undefined when the key has no value. */
  get(keyspace: string, key: Buffer, options: ReadOptions): Promise<StoredValue | undefined>;
  put(keyspace: string, key: Buffer, bytes: Buffer, options: PutOptions): Promise<number>;
  delete(keyspace: string, key: Buffer, options: WriteOptions): Promise<number>;
  increment(
    keyspace: string,
    key: Buffer,
    delta: number,
    options: Pick<WriteOptions, 'idempotencyKey'>,
  ): Promise<{ readonly value: number; readonly revision: number }>;
  scan(keyspace: string, options: ScanOptions): AsyncIterable<Row>;
  /** Changes in the order of their revisions, each once; lost connections are made again. */
  watch(keyspace: string, options: WatchOptions): AsyncIterable<Change>;
  /** Writes each by itself; what became of each, in their order. At most {@link PUT_MANY_MAX}. */
  putMany(keyspace: string, entries: readonly Entry[]): Promise<readonly (WriteFailure | undefined)[]>;
}

export const PUT_MANY_MAX = 500;
