import type { Operation } from './history.ts';

export type SetCall = { readonly kind: 'add'; readonly key: string } | { readonly kind: 'list' };
export type SetResult =
  | { readonly kind: 'added' }
  | { readonly kind: 'keys'; readonly keys: readonly string[] };

type Recorded = Operation<SetCall, SetResult>;

/**
 * What is wrong with the history of one grow-only set, given what it holds in the end. A list is read page by page, so it
 * is no snapshot; but what was there before it began must be in it, and what began after it ended cannot be.
 */
export function setProblems(operations: readonly Recorded[], final: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const adds = new Map<string, Recorded>();
  for (const operation of operations)
    if (operation.call.kind === 'add') adds.set(operation.call.key, operation);
  const kept = new Set(final);
  if (kept.size !== final.length) problems.push('a key is listed twice');
  for (const [key, { outcome }] of adds) {
    if (outcome === 'ok' && !kept.has(key)) problems.push(`acknowledged ${key} is lost`);
    if (outcome === 'fail' && kept.has(key))
      problems.push(`${key} is there, its addition had failed for certain`);
  }
  for (const key of kept) if (!adds.has(key)) problems.push(`${key} was never added`);
  for (const list of operations) {
    if (list.result?.kind === 'keys') problems.push(...listProblems(list, list.result.keys, adds, kept));
  }
  return problems;
}

function listProblems(
  { invoked, completed }: Recorded,
  keys: readonly string[],
  adds: ReadonlyMap<string, Recorded>,
  kept: ReadonlySet<string>,
): readonly string[] {
  const problems: string[] = [];
  const listed = new Set(keys);
  if (listed.size !== keys.length) problems.push('a list has a key twice');
  for (const [key, add] of adds) {
    if (add.outcome === 'ok' && add.completed < invoked && !listed.has(key))
      problems.push(`a list lacks ${key}, which had been acknowledged before`);
  }
  for (const key of listed) {
    if ((adds.get(key)?.invoked ?? Number.POSITIVE_INFINITY) > completed)
      problems.push(`a list has ${key} before it was added`);
    if (!kept.has(key)) problems.push(`a list had ${key}, in the end it is gone`);
  }
  return problems;
}
