import type { Operation } from './history.ts';

export type WatchedCall = { readonly kind: 'put'; readonly value: string } | { readonly kind: 'delete' };
export interface WatchedResult {
  readonly revision: number;
}
export type WatchedWrite = Operation<WatchedCall, WatchedResult>;

/** A change that a follower was told of; `value` undefined: the key was deleted. */
export interface ToldChange {
  readonly key: string;
  readonly value: string | undefined;
  readonly revision: number;
}

/**
 * What one follower was told over all its lives, each of which began where the one before had come to. It knows every
 * change of its keys behind `after` and up to `upTo`.
 */
export interface Followed {
  readonly name: string;
  readonly after: number;
  readonly upTo: number;
  readonly told: readonly ToldChange[];
  readonly follows: (key: string) => boolean;
}

/**
 * What is wrong with what followers were told: order of revisions, each change once, every acknowledged write that lies
 * in between, nothing that failed or was never written, and the same for all who follow the same keys. Values are
 * written once.
 */
export function watchProblems(
  writes: readonly WatchedWrite[],
  followers: readonly Followed[],
): readonly string[] {
  const problems: string[] = [];
  const byValue = new Map<string, WatchedWrite>();
  for (const write of writes) if (write.call.kind === 'put') byValue.set(write.call.value, write);
  for (const follower of followers) {
    problems.push(...orderProblems(follower));
    for (const change of follower.told) problems.push(...originProblems(follower, change, byValue));
    const byRevision = Map.groupBy(follower.told, ({ revision }) => revision);
    for (const write of writes) problems.push(...lossProblems(follower, byRevision, write));
  }
  for (const [i, one] of followers.entries()) {
    for (const other of followers.slice(i + 1)) problems.push(...differences(one, other));
  }
  return problems;
}

function orderProblems({ name, told, after }: Followed): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  let last = after;
  for (const { key, revision } of told) {
    if (revision <= after)
      problems.push(`${name} is told of ${key}@${revision}, before its beginning ${after}`);
    if (revision < last) problems.push(`${name} is told of ${key}@${revision} after revision ${last}`);
    if (seen.has(`${key}@${revision}`)) problems.push(`${name} is told of ${key}@${revision} twice`);
    seen.add(`${key}@${revision}`);
    last = revision;
  }
  return problems;
}

function originProblems(
  { name, follows }: Followed,
  { key, value, revision }: ToldChange,
  byValue: ReadonlyMap<string, WatchedWrite>,
): readonly string[] {
  if (!follows(key)) return [`${name} is told of ${key}, which it does not follow`];
  if (value === undefined) return [];
  const write = byValue.get(value);
  if (write === undefined || write.key !== key)
    return [`${name} is told ${key}=${value}, which nobody wrote`];
  if (write.outcome === 'fail') return [`${name} is told ${key}=${value}, which had failed for certain`];
  if (write.result !== undefined && write.result.revision !== revision)
    return [
      `${name} is told ${key}=${value} at ${revision}, it was acknowledged at ${write.result.revision}`,
    ];
  return [];
}

function lossProblems(
  { name, after, upTo, follows }: Followed,
  byRevision: ReadonlyMap<number, readonly ToldChange[]>,
  { key, call, outcome, result }: WatchedWrite,
): readonly string[] {
  if (outcome !== 'ok' || result === undefined || !follows(key)) return [];
  const { revision } = result;
  if (revision <= after || revision > upTo) return [];
  const value = call.kind === 'put' ? call.value : undefined;
  const told = byRevision.get(revision) ?? [];
  const isTold = told.some((change) => change.key === key && change.value === value);
  return isTold ? [] : [`${name} was never told of ${key}=${value}@${revision}, and says it is at ${upTo}`];
}

/** Where both know everything, both know the same: so are writes judged whose outcome nobody was told. */
function differences(one: Followed, other: Followed): readonly string[] {
  const after = Math.max(one.after, other.after);
  const upTo = Math.min(one.upTo, other.upTo);
  const known = ({ told }: Followed): ReadonlySet<string> =>
    new Set(
      told
        .filter(
          ({ key, revision }) =>
            revision > after && revision <= upTo && one.follows(key) && other.follows(key),
        )
        .map(({ key, value, revision }) => `${key}=${value}@${revision}`),
    );
  const left = known(one);
  const right = known(other);
  return [
    ...[...left]
      .filter((change) => !right.has(change))
      .map((change) => `${change}: ${one.name} only, not ${other.name}`),
    ...[...right]
      .filter((change) => !left.has(change))
      .map((change) => `${change}: ${other.name} only, not ${one.name}`),
  ];
}
