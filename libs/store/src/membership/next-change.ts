import { EMPTY_BYTES, type NodeId } from '@holdfast/io';
import { type ConfChange, type ConfState, isJoint } from '@holdfast/raft';

/** Whether exactly `wanted` (sorted) vote in the range, nobody learns, and no change is under way. */
export function isSettled(conf: ConfState, wanted: readonly NodeId[]): boolean {
  return (
    !isJoint(conf) &&
    conf.learners.length === 0 &&
    conf.voters.length === wanted.length &&
    conf.voters.every((voter, i) => voter === wanted[i])
  );
}

/**
 * The next step of a range from `conf` towards `wanted`, or undefined when there is nothing to do or to wait for.
 * First everybody who is missing learns; when all have caught up, which Raft checks, they get their votes and the
 * others lose theirs, in one change. A range therefore never has fewer voters on the way than at both ends.
 *
 * @param heard who was heard from lately: nobody loses a vote while the remaining ones are no majority.
 * @param listening who is to learn without a vote, and not be dropped: none of `wanted`.
 */
export function nextConfChange(
  conf: ConfState,
  wanted: readonly NodeId[],
  heard: (node: NodeId) => boolean,
  listening: readonly NodeId[] = [],
): ConfChange | undefined {
  if (isJoint(conf)) return undefined;
  const members = new Set([...conf.voters, ...conf.learners]);
  const missing = [...wanted, ...listening].filter((node) => !members.has(node));
  if (missing.length > 0) {
    return changeOf(missing.map((node) => ({ action: 'add-learner' as const, node })));
  }
  const promoted = conf.learners.filter((node) => wanted.includes(node));
  const demoted = conf.voters.filter((node) => listening.includes(node));
  const gone = [...members].filter((node) => !wanted.includes(node) && !listening.includes(node));
  if (promoted.length + demoted.length + gone.length === 0) return undefined;
  const alive = wanted.filter(heard).length;
  if (alive * 2 <= wanted.length) return undefined;
  return changeOf([
    ...promoted.map((node) => ({ action: 'add-voter' as const, node })),
    ...demoted.map((node) => ({ action: 'add-learner' as const, node })),
    ...gone.map((node) => ({ action: 'remove' as const, node })),
  ]);
}

/**
 * Changes nothing of `conf`, and stands in the log all the same: every leader to come has applied it before it proposes
 * anything, and with it the revision in its context.
 */
export function confirmingChange(conf: ConfState): ConfChange {
  return changeOf([{ action: 'add-voter', node: conf.voters[0] }]);
}

function changeOf(steps: ConfChange['steps']): ConfChange {
  return { steps, transition: 'auto', context: EMPTY_BYTES };
}
