import { assert, compareBytes, copyBytes, type KeyspaceId, type Revision } from '@holdfast/io';
import { COUNT_ROWS_MAX, DELETE_RANGE_KEYS_MAX, OpKind, type ScanRowsReader } from '@holdfast/wire';
import { SCAN_PAGE_ROWS } from '../limits.ts';
import type { Operation, OpResult } from '../operation.ts';
import type { Transport } from '../transport.ts';
import type { DeleteRangeCallOptions, ScanCallOptions } from './options.ts';
import { execute } from './promise-sink.ts';
import { RowIterator, type RowSource } from './row-iterator.ts';

/**
 * One row of a scan, no view of what was received. Small values of {@link bytes} that are read one after the other share
 * memory, as small buffers of Node.js do: copy one whose `buffer` is to be transferred.
 */
export interface Row<T> {
  /** The key as text; undefined when its bytes are not UTF-8. */
  readonly key: string | undefined;
  readonly keyBytes: Uint8Array;
  readonly value: T;
  readonly revision: Revision;
  readonly contentType: string;
}

const asIs = (result: OpResult): OpResult => result;

/**
 * The pages of a scan as rows, one range after the other. The next page is asked for while the rows of this one are
 * handed out, so that a reader that keeps up never waits for a whole round trip.
 *
 * @param read what all pages share; its key is the start.
 */
export function scanPages<T>(
  transport: Transport,
  read: Operation,
  end: Uint8Array,
  options: ScanCallOptions,
  rowOf: (rows: ScanRowsReader) => Row<T>,
): AsyncGenerator<Row<T>, void, undefined> {
  return new RowIterator(new ScanPages(transport, read, end, options, rowOf));
}

class ScanPages<T> implements RowSource<Row<T>> {
  readonly #transport: Transport;
  readonly #read: Operation;
  readonly #options: ScanCallOptions;
  readonly #rowOf: (rows: ScanRowsReader) => Row<T>;
  #from: Uint8Array;
  #to: Uint8Array;
  #left: number;
  #revision: number | undefined;
  #begun = false;
  /** On its way. */
  #next: Promise<OpResult> | undefined;
  #rows: ScanRowsReader | undefined;

  constructor(
    transport: Transport,
    read: Operation,
    end: Uint8Array,
    options: ScanCallOptions,
    rowOf: (rows: ScanRowsReader) => Row<T>,
  ) {
    const { limit = Number.POSITIVE_INFINITY, pageSize = SCAN_PAGE_ROWS } = options;
    assert(pageSize >= 1 && limit >= 0, 'pageSize is at least 1, limit at least 0');
    this.#transport = transport;
    this.#read = read;
    this.#options = options;
    this.#rowOf = rowOf;
    this.#from = read.key;
    this.#to = end;
    this.#left = end.length > 0 && compareBytes(read.key, end) >= 0 ? 0 : limit;
    this.#revision = read.revision;
  }

  take(): Row<T> | undefined {
    const rows = this.#rows;
    if (rows?.next() === true) return this.#rowOf(rows);
    this.#rows = undefined;
    return undefined;
  }

  async load(): Promise<boolean> {
    // Nothing is asked for before the first row is.
    if (!this.#begun) {
      this.#begun = true;
      if (this.#left > 0) this.#ask();
    }
    if (this.#next === undefined) return false;
    const page = await this.#next;
    this.#next = undefined;
    const { reverse = false, snapshot = false } = this.#options;
    this.#left -= page.rowCount;
    if (snapshot) this.#revision ??= page.revision;
    const { resumeKey } = page;
    if (resumeKey !== undefined && this.#left > 0) {
      if (reverse) this.#to = copyBytes(resumeKey);
      else this.#from = copyBytes(resumeKey);
      this.#ask();
    }
    this.#rows = page.rows();
    return true;
  }

  #ask(): void {
    const { reverse, keysOnly, snapshot, signal, pageSize = SCAN_PAGE_ROWS } = this.#options;
    const operation: Operation = {
      ...this.#read,
      kind: OpKind.scan,
      key: this.#from,
      endKey: this.#to,
      limit: Math.min(pageSize, this.#left),
      reverse,
      keysOnly,
      revision: this.#revision,
      pinned: snapshot === true && this.#revision === undefined,
    };
    const page = execute(this.#transport, operation, asIs, signal);
    // Should the reader leave before it looks at the page, its failure is nobody's concern.
    page.catch(() => undefined);
    this.#next = page;
  }
}

/** Rows of an interval, counted where they are. */
export async function countPages(
  transport: Transport,
  read: Operation,
  end: Uint8Array,
  options: Omit<ScanCallOptions, 'reverse' | 'keysOnly' | 'pageSize'>,
): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY, signal, snapshot = false } = options;
  if (end.length > 0 && compareBytes(read.key, end) >= 0) return 0;
  let count = 0;
  let from: Uint8Array | undefined = read.key;
  let { revision } = read;
  while (from !== undefined && count < limit) {
    const page: OpResult = await execute(
      transport,
      {
        ...read,
        kind: OpKind.scan,
        key: from,
        endKey: end,
        limit: Math.min(COUNT_ROWS_MAX, limit - count),
        countOnly: true,
        revision,
        pinned: snapshot && revision === undefined,
      },
      asIs,
      signal,
    );
    count = Math.min(count + page.count, limit);
    if (snapshot && revision === undefined) revision = page.revision;
    from = page.resumeKey === undefined ? undefined : copyBytes(page.resumeKey);
  }
  return count;
}

/** Deletes an interval step by step; the deadline is that of each step. */
export async function deletePages(
  transport: Transport,
  keyspace: string | KeyspaceId,
  start: Uint8Array,
  end: Uint8Array,
  options: DeleteRangeCallOptions,
): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY, signal, deadlineMs } = options;
  if (end.length > 0 && compareBytes(start, end) >= 0) return 0;
  let count = 0;
  let from: Uint8Array | undefined = start;
  while (from !== undefined && count < limit) {
    const step: OpResult = await execute(
      transport,
      {
        kind: OpKind.deleteRange,
        keyspace,
        key: from,
        endKey: end,
        limit: Math.min(DELETE_RANGE_KEYS_MAX, limit - count),
        deadlineMs,
      },
      asIs,
      signal,
    );
    count += step.count;
    from = step.resumeKey === undefined ? undefined : copyBytes(step.resumeKey);
  }
  return count;
}
