import type { Change, ChangeRecord } from './watch-query.ts';

/** One source of changes, in the order of their revisions. */
export interface Source {
  readonly queue: ChangeRecord[];
  /** Nothing at or below will still come; 0 = nothing is known. */
  readonly progress: number;
}

/** A change on its way to the application, and where it came from. */
export interface Delivered<S extends Source> extends Change {
  readonly source: S;
}

/**
 * Takes out what may be handed on: every change up to the revision that all sources have closed, in the order of
 * revisions, each with the revision to resume from.
 *
 * @param told what was closed before.
 * @returns the changes and the closed revision; undefined while a source has not told anything.
 */
export function mergeChanges<S extends Source>(
  sources: Iterable<S>,
  told: number,
): { readonly changes: readonly Delivered<S>[]; readonly closed: number } | undefined {
  let closed = Number.MAX_SAFE_INTEGER;
  const all = [...sources];
  for (const { progress } of all) closed = Math.min(closed, progress);
  if (all.length === 0 || closed === 0) return undefined;
  const due: { readonly record: ChangeRecord; readonly source: S }[] = [];
  for (const source of all) {
    const { queue } = source;
    let count = 0;
    while (count < queue.length && queue[count].revision <= closed) count++;
    for (const record of queue.splice(0, count)) due.push({ record, source });
  }
  // Stable: changes of one key have one source and stay in order.
  if (all.length > 1) due.sort((a, b) => a.record.revision - b.record.revision);
  let complete = told;
  const changes = due.map(({ record, source }, i): Delivered<S> => {
    const isLast = i + 1 === due.length || due[i + 1].record.revision !== record.revision;
    if (isLast) complete = record.revision;
    return { record, source, resume: complete };
  });
  return { changes, closed };
}
