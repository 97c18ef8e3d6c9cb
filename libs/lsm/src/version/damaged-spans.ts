import { compareBytes } from '@holdfast/io';
import { CorruptionError } from '../errors.ts';
import { tableFileName, type TableMeta } from '../table/table-info.ts';

/**
 * Keys whose versions are lost to damage: a table was taken out of the tree and nothing has taken its place.
 * Reads that touch the span fail; all others go on. It ends when a range that covers it is replaced.
 */
export interface DamagedSpan {
  readonly start: Uint8Array;
  /** Exclusive. */
  readonly end: Uint8Array;
  /** Number of the table that was taken out. */
  readonly table: number;
}

/** The span that goes with a table: its smallest key up to and including its largest. */
export function spanOf({ number, smallestKey, largestKey }: TableMeta): DamagedSpan {
  const end = new Uint8Array(largestKey.length + 1);
  end.set(largestKey);
  return { start: smallestKey, end, table: number };
}

/** Does any span touch `[start, end)` (undefined: unbounded)? @throws CorruptionError then. */
export function checkSpans(
  spans: readonly DamagedSpan[],
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): void {
  const touched = spans.find((span) => touches(span, start, end));
  if (touched !== undefined) throw lost(touched);
}

/** @throws CorruptionError when the key lies in a span. */
export function checkKey(spans: readonly DamagedSpan[], key: Uint8Array): void {
  const touched = spans.find(({ start, end }) => compareBytes(start, key) <= 0 && compareBytes(key, end) < 0);
  if (touched !== undefined) throw lost(touched);
}

/** What is left of the spans when `[start, end)` has been replaced. */
export function spansWithout(
  spans: readonly DamagedSpan[],
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
): readonly DamagedSpan[] {
  return spans.flatMap((span) => {
    if (!touches(span, start, end)) return [span];
    const rest: DamagedSpan[] = [];
    if (start !== undefined && compareBytes(span.start, start) < 0) rest.push({ ...span, end: start });
    if (end !== undefined && compareBytes(end, span.end) < 0) rest.push({ ...span, start: end });
    return rest;
  });
}

function touches(span: DamagedSpan, start: Uint8Array | undefined, end: Uint8Array | undefined): boolean {
  return (
    (end === undefined || compareBytes(span.start, end) < 0) &&
    (start === undefined || compareBytes(start, span.end) < 0)
  );
}

function lost({ table }: DamagedSpan): CorruptionError {
  return new CorruptionError(
    'table',
    tableFileName(table),
    0,
    'the table was damaged and taken out, and nothing has replaced it yet',
  );
}
