import type { Change } from './watch-query.ts';

/** A change on its way into the merge; `P` is where it came from. */
export interface Arrived<P> extends Omit<Change, 'resume'> {
  readonly part: P;
}

/** One source of changes, in the order of their revisions. */
export interface Source<P> {
  readonly queue: Arrived<P>[];
  /** Nothing at or below will still come; 0 = nothing is known. */
  readonly progress: number;
}

/**
 * Takes out what may be handed on: every change up to the revision that all sources have closed, in the order of
 * revisions, each with the revision to resume from.
 *
 * @param told what was closed before.
 * @returns the changes and the closed revision; undefined while a source has not told anything.
 */
export function mergeChanges<P>(
  sources: Iterable<Source<P>>,
  told: number,
): { readonly changes: readonly (Arrived<P> & Change)[]; readonly closed: number } | undefined {
  let closed = Number.MAX_SAFE_INTEGER;
  const all = [...sources];
  for (const { progress } of all) closed = Math.min(closed, progress);
  if (all.length === 0 || closed === 0) return undefined;
  const due: Arrived<P>[] = [];
  for (const { queue } of all) {
    let count = 0;
    while (count < queue.length && queue[count].revision <= closed) count++;
    due.push(...queue.splice(0, count));
  }
  // Stable: changes of one key have one source and stay in order.
  if (all.length > 1) due.sort((a, b) => a.revision - b.revision);
  let complete = told;
  const changes = due.map((change, i) => {
    const isLast = i + 1 === due.length || due[i + 1].revision !== change.revision;
    if (isLast) complete = change.revision;
    return { ...change, resume: complete };
  });
  return { changes, closed };
}
