import type { Operation } from '../../../libs/sim/src/checkers/history.ts';
import { checkRegisters } from '../../../libs/sim/src/checkers/linearizable.ts';
import { checkRevisions } from '../../../libs/sim/src/checkers/revisions.ts';
import type { Histories } from '../workloads/workload.ts';
import { appendProblems } from './append-check.ts';
import type { FinalState } from './read-back.ts';
import { setProblems } from '../../../libs/sim/src/checkers/set.ts';

/** Configurations that the search may examine for one key. */
const EXPLORED_MAX = 1_000_000;

/** Everything that is wrong with what clients saw; empty when it all holds together. */
export function judge({ register, append, set }: Histories, { lists, sets }: FinalState): readonly string[] {
  const problems: string[] = [];
  const { verdict, key, stuckAt } = checkRegisters(register.operations, EXPLORED_MAX);
  if (verdict === 'violation') {
    problems.push(`not linearizable: key ${key}, no order explains ${JSON.stringify(stuckAt)}`);
  } else if (verdict === 'unknown') {
    problems.push(`linearizable or not, the search gave up: key ${key}`);
  }
  try {
    checkRevisions(register.operations);
  } catch (error) {
    problems.push(String(error));
  }
  const appends = byKey(append.operations);
  for (const [list, marks] of lists) {
    for (const problem of appendProblems(appends.get(list) ?? [], marks))
      problems.push(`counter ${list}: ${problem}`);
  }
  const additions = byKey(set.operations);
  for (const [prefix, keys] of sets) {
    for (const problem of setProblems(additions.get(prefix) ?? [], keys))
      problems.push(`set ${prefix}: ${problem}`);
  }
  return problems;
}

function byKey<Call, Result>(
  operations: readonly Operation<Call, Result>[],
): ReadonlyMap<string, readonly Operation<Call, Result>[]> {
  const groups = new Map<string, Operation<Call, Result>[]>();
  for (const operation of operations) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  return groups;
}
