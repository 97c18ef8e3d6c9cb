import type { Operation } from './history.ts';

export type MembershipCall =
  /** Begun and seen through to its end. */
  | { readonly kind: 'change'; readonly add: readonly number[]; readonly remove: readonly number[] }
  /** What is under way is undone. */
  | { readonly kind: 'take back' }
  /** Looks who belongs to the cluster. */
  | { readonly kind: 'look' };

export type MembershipResult =
  | { readonly kind: 'done' }
  /** Asked for, and nobody saw its end. */
  | { readonly kind: 'begun' }
  /** Another change was under way, or the cluster knew better. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'members'; readonly ids: readonly number[] };

type Recorded = Operation<MembershipCall, MembershipResult>;

/**
 * What is wrong with the history of a cluster's members, given who they are in the end. Whoever was added and stayed is
 * among them, whoever was taken out never comes back, and nobody is there whom nobody has asked for.
 */
export function membershipProblems(
  founders: readonly number[],
  operations: readonly Recorded[],
  final: readonly number[],
): readonly string[] {
  const changes = operations.flatMap(changeOf);
  const undone = operations.filter(({ call }) => call.kind === 'take back');
  const problemsAt = (ids: readonly number[], from: number, to: number): readonly string[] => {
    const present = new Set(ids);
    const asked = new Set(founders);
    const problems: string[] = [];
    const settledBefore = changes.filter(({ done }) => done < from);
    for (const { add, begun } of changes) if (begun < to) for (const id of add) asked.add(id);
    for (const id of present)
      if (!asked.has(id)) problems.push(`node ${id} is a member, nobody has added it`);
    for (const { remove } of settledBefore) {
      for (const id of remove) if (present.has(id)) problems.push(`node ${id} is a member, it was taken out`);
    }
    const added = [
      ...founders.map((id) => ({ id, done: 0 })),
      ...settledBefore.flatMap(({ add, done }) => add.map((id) => ({ id, done }))),
    ];
    for (const { id, done } of added) {
      const mayBeGone =
        changes.some(({ remove, begun }) => begun < to && remove.includes(id)) ||
        undone.some(({ invoked, completed }) => completed > done && invoked < done);
      if (!present.has(id) && !mayBeGone) problems.push(`node ${id} is no member, nobody has taken it out`);
    }
    return problems;
  };
  const looks = operations.flatMap(({ result, invoked, completed }) =>
    result?.kind === 'members' ? problemsAt(result.ids, invoked, completed) : [],
  );
  const end = Number.POSITIVE_INFINITY;
  return [...looks, ...problemsAt(final, end, end).map((problem) => `in the end ${problem}`)];
}

interface Change {
  readonly add: readonly number[];
  readonly remove: readonly number[];
  readonly begun: number;
  /** Over for certain; infinite when nobody knows. */
  readonly done: number;
}

/** Changes that may have happened. */
function changeOf({ call, result, outcome, invoked, completed }: Recorded): readonly Change[] {
  if (call.kind !== 'change' || outcome === 'fail' || result?.kind === 'refused') return [];
  const done = result?.kind === 'done' ? completed : Number.POSITIVE_INFINITY;
  return [{ add: call.add, remove: call.remove, begun: invoked, done }];
}
