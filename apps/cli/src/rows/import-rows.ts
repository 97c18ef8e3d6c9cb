import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterError } from '../cluster-error.ts';
import { type Entry, PUT_MANY_MAX, type Store, type WriteFailure } from '../store/store.ts';

/** Values of one batch together, in bytes, unless a single one is larger. */
const BATCH_BYTES_MAX = 2 * 1024 * 1024;
/** Batches under way at the same time. */
const BATCHES_MAX = 4;
const TRIES_MAX = 8;
const BACK_OFF_MS = { first: 50, longest: 2000 } as const;

export interface Numbered {
  readonly entry: Entry;
  readonly line: number;
}

export interface ImportOptions {
  readonly store: Store;
  readonly keyspace: string;
  /** Rows to pass over. */
  readonly skip: number;
  /** Rows per second at most; undefined = as fast as the cluster takes them. */
  readonly rowsPerSecond: number | undefined;
  /** A row that the cluster refuses for good. */
  readonly onRefused: (line: number, failure: WriteFailure) => void;
  /** All rows up to here are written or refused. */
  readonly onProgress: (rows: number) => void;
  readonly stopped: () => boolean;
}

/**
 * Writes rows in batches, a few at a time. What fails for a while is tried again; writing a row twice is harmless. Rows
 * of the same key are written in their order: a key that is on its way is waited for.
 *
 * @returns rows written by this call. @throws ClusterError when the cluster cannot be reached any more.
 */
export async function importRows(rows: AsyncIterable<Numbered>, options: ImportOptions): Promise<number> {
  const { store, keyspace, skip, rowsPerSecond, onRefused, onProgress, stopped } = options;
  const underWay: {
    readonly work: Promise<number>;
    readonly rows: number;
    readonly keys: ReadonlySet<string>;
  }[] = [];
  const startedMs = performance.now();
  let batch: Numbered[] = [];
  let keys = new Set<string>();
  let bytes = 0;
  let seen = 0;
  let sent = 0;
  let settled = skip;
  let written = 0;

  const settleFirst = async (): Promise<void> => {
    const first = underWay.shift();
    if (first === undefined) return;
    written += await first.work;
    settled += first.rows;
    onProgress(settled);
  };
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const conflict = (): boolean => underWay.some((other) => [...keys].some((key) => other.keys.has(key)));
    while (underWay.length >= BATCHES_MAX || conflict()) await settleFirst();
    if (rowsPerSecond !== undefined) {
      const dueMs = startedMs + (sent / rowsPerSecond) * 1000;
      await sleep(Math.max(0, dueMs - performance.now()));
    }
    sent += batch.length;
    const work = writeBatch(store, keyspace, batch, onRefused);
    // Looked at in its turn.
    work.catch(() => undefined);
    underWay.push({ work, rows: batch.length, keys });
    batch = [];
    keys = new Set();
    bytes = 0;
  };

  const batchMax = Math.max(
    1,
    Math.min(PUT_MANY_MAX, Math.ceil((rowsPerSecond ?? Number.POSITIVE_INFINITY) / 4)),
  );
  for await (const row of rows) {
    seen += 1;
    if (seen <= skip) continue;
    if (stopped()) break;
    const name = row.entry.key.toString('base64');
    const size = row.entry.bytes.length;
    if (batch.length >= batchMax || (bytes > 0 && bytes + size > BATCH_BYTES_MAX) || keys.has(name))
      await send();
    batch.push(row);
    keys.add(name);
    bytes += size;
  }
  await send();
  while (underWay.length > 0) await settleFirst();
  return written;
}

/** @returns rows written. */
async function writeBatch(
  store: Store,
  keyspace: string,
  batch: readonly Numbered[],
  onRefused: (line: number, failure: WriteFailure) => void,
): Promise<number> {
  let left = batch;
  let written = 0;
  for (let tries = 1, waitMs: number = BACK_OFF_MS.first; ; tries++) {
    let again: Numbered[] = [];
    try {
      const results = await store.putMany(
        keyspace,
        left.map(({ entry }) => entry),
      );
      for (const [i, failure] of results.entries()) {
        const row = left[i];
        if (row === undefined) continue;
        if (failure === undefined) written += 1;
        else if (failure.retryable && tries < TRIES_MAX) again.push(row);
        else onRefused(row.line, failure);
      }
    } catch (error) {
      if (!(error instanceof ClusterError) || !error.retryable || tries >= TRIES_MAX) throw error;
      again = [...left];
    }
    if (again.length === 0) return written;
    left = again;
    await sleep(waitMs * (0.5 + Math.random() / 2));
    waitMs = Math.min(BACK_OFF_MS.longest, waitMs * 2);
  }
}
