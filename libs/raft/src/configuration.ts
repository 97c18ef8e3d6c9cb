import { assert, type NodeId } from '@holdfast/io';
import type { ConfChange } from './conf-change.ts';
import type { ConfState } from './message.ts';

/** Why a change cannot follow from a configuration, whoever asks. */
export type ConfigurationRefusal =
  /** Another change must leave the joint configuration first. */
  | 'joint'
  /** There is no joint configuration to leave. */
  | 'not-joint'
  /** Nobody would be left to vote. */
  | 'no-voters'
  /** A node appears twice, or is not a valid id. */
  | 'invalid';

/** A configuration with these members, sorted. */
export function confStateOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): ConfState {
  return {
    voters: sort(voters),
    votersOutgoing: [],
    learners: sort(learners),
    learnersNext: [],
    autoLeave: false,
  };
}

/** Whether two majorities decide. */
export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/** The configuration that follows from `conf` by `change`. Pure: every replica computes the same. */
export function changeConfiguration(conf: ConfState, change: ConfChange): ConfState | ConfigurationRefusal {
  if (change.steps.length === 0) return isJoint(conf) ? leaveJoint(conf) : 'not-joint';
  if (isJoint(conf)) return 'joint';
  const voters = new Set(conf.voters);
  const learners = new Set(conf.learners);
  const demoted = new Set<NodeId>();
  const seen = new Set<NodeId>();
  for (const { action, node } of change.steps) {
    if (seen.has(node) || !(node > 0)) return 'invalid';
    seen.add(node);
    const voted = voters.delete(node);
    learners.delete(node);
    if (action === 'add-voter') voters.add(node);
    else if (action === 'add-learner') (voted ? demoted : learners).add(node);
  }
  if (voters.size === 0) return 'no-voters';
  const next =
    change.transition === 'auto' && votersChanged(conf.voters, voters) <= 1
      ? {
          voters: sort(voters),
          votersOutgoing: [],
          learners: sort([...learners, ...demoted]),
          learnersNext: [],
          autoLeave: false,
        }
      : {
          voters: sort(voters),
          votersOutgoing: conf.voters,
          learners: sort(learners),
          learnersNext: sort(demoted),
          autoLeave: change.transition !== 'joint-stay',
        };
  checkConfiguration(next);
  return next;
}

/** Asserts what holds for every configuration. */
export function checkConfiguration(conf: ConfState): void {
  const voters = new Set([...conf.voters, ...conf.votersOutgoing]);
  assert(
    conf.learners.every((node) => !voters.has(node)),
    'nobody is voter and learner at once',
  );
  assert(
    conf.learnersNext.every((node) => conf.votersOutgoing.includes(node) && !conf.voters.includes(node)),
    'who becomes a learner later still votes in the outgoing half only',
  );
  assert(
    isJoint(conf) || (conf.learnersNext.length === 0 && !conf.autoLeave),
    'only a joint configuration ends',
  );
}

function leaveJoint(conf: ConfState): ConfState {
  const next = {
    voters: conf.voters,
    votersOutgoing: [],
    learners: sort([...conf.learners, ...conf.learnersNext]),
    learnersNext: [],
    autoLeave: false,
  };
  checkConfiguration(next);
  return next;
}

/** How many nodes are in one set and not in the other. */
function votersChanged(before: readonly NodeId[], after: ReadonlySet<NodeId>): number {
  const kept = before.filter((node) => after.has(node)).length;
  return before.length - kept + (after.size - kept);
}

function sort(nodes: Iterable<NodeId>): readonly NodeId[] {
  return [...nodes].sort((a, b) => a - b);
}
