import { assert, compareBytes, copyBytes, type KeyspaceId, type Revision } from '@holdfast/io';
import { COUNT_ROWS_MAX, DELETE_RANGE_KEYS_MAX, OpKind, type ScanRowsReader } from '@holdfast/wire';
import { SCAN_PAGE_ROWS } from '../limits.ts';
import type { Operation, OpResult } from '../operation.ts';
import type { Transport } from '../transport.ts';
import type { DeleteRangeCallOptions, ScanCallOptions } from './options.ts';
import { execute } from './promise-sink.ts';

/** One row of a scan, with memory of its own. */
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
export async function* scanPages<T>(
  transport: Transport,
  read: Operation,
  end: Uint8Array,
  options: ScanCallOptions,
  rowOf: (rows: ScanRowsReader) => Row<T>,
): AsyncGenerator<Row<T>, void, undefined> {
  const { reverse = false, limit = Number.POSITIVE_INFINITY, pageSize = SCAN_PAGE_ROWS, signal } = options;
  assert(pageSize >= 1 && limit >= 0, 'pageSize is at least 1, limit at least 0');
  if (end.length > 0 && compareBytes(read.key, end) >= 0) return;
  let left = limit;
  let from = read.key;
  let to = end;
  let { revision } = read;
  const { keysOnly, snapshot = false } = options;
  const ask = (): Promise<OpResult> => {
    const rows = Math.min(pageSize, left);
    const operation: Operation = {
      ...read,
      kind: OpKind.scan,
      key: from,
      endKey: to,
      limit: rows,
      reverse,
      keysOnly,
      revision,
      pinned: snapshot && revision === undefined,
    };
    const page = execute(transport, operation, asIs, signal);
    // Should the reader leave before it looks at the page, its failure is nobody's concern.
    page.catch(() => undefined);
    return page;
  };
  for (let next: Promise<OpResult> | undefined = left > 0 ? ask() : undefined; next !== undefined;) {
    const page = await next;
    next = undefined;
    left -= page.rowCount;
    if (snapshot && revision === undefined) revision = page.revision;
    const { resumeKey } = page;
    if (resumeKey !== undefined && left > 0) {
      if (reverse) to = copyBytes(resumeKey);
      else from = copyBytes(resumeKey);
      next = ask();
    }
    const rows = page.rows();
    while (rows.next()) yield rowOf(rows);
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
    count += page.count;
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
