import type { Operation } from './history.ts';
import { Violation } from './violation.ts';

/**
 * Revisions of one key: a read shows the revision that the write of its value was given, and an operation that
 * began after another had ended never shows an older one. Needs values that are written once.
 *
 * @throws Violation
 */
export function checkRevisions(operations: readonly Operation[]): void {
  const revisionOf = new Map<string, number>();
  const newest = new Map<string, { readonly revision: number; readonly by: Operation }>();
  const done = operations.filter(
    ({ outcome, result }) => outcome === 'ok' && revisionIn(result) !== undefined,
  );
  for (const operation of done) {
    const { key, call, result } = operation;
    const value = call.kind === 'get' ? (result?.kind === 'value' ? result.value : undefined) : valueOf(call);
    if (value === undefined) continue;
    const revision = revisionIn(result) ?? 0;
    const known = revisionOf.get(`${key}=${value}`);
    if (known !== undefined && known !== revision) {
      throw new Violation('revision-of-value', `${key}=${value} has revisions ${known} and ${revision}`);
    }
    revisionOf.set(`${key}=${value}`, revision);
  }
  // Completions in order; at each invocation, what had completed before it counts.
  const byEnd = [...done].sort((a, b) => a.completed - b.completed);
  const byStart = [...done].sort((a, b) => a.invoked - b.invoked);
  let next = 0;
  for (const operation of byStart) {
    while (next < byEnd.length && byEnd[next].completed < operation.invoked) {
      const ended = byEnd[next++];
      const revision = revisionIn(ended.result) ?? 0;
      if (revision > (newest.get(ended.key)?.revision ?? 0)) newest.set(ended.key, { revision, by: ended });
    }
    const before = newest.get(operation.key);
    const revision = revisionIn(operation.result) ?? 0;
    const isWrite = operation.call.kind !== 'get';
    // An absent key shows revision 0, or that of its deletion.
    if (before === undefined || (revision === 0 && !isWrite)) continue;
    if (revision < before.revision || (isWrite && revision === before.revision)) {
      const detail = `${JSON.stringify(operation)} after ${JSON.stringify(before.by)}`;
      throw new Violation('revisions-increase', detail);
    }
  }
}

function valueOf(call: Operation['call']): string | undefined {
  return call.kind === 'put' || call.kind === 'cas' ? call.value : undefined;
}

function revisionIn(result: Operation['result']): number | undefined {
  return result === undefined || result.kind === 'mismatch' ? undefined : result.revision;
}
