import type { NodeId } from '@holdfast/io';
import type { ConfState } from '@holdfast/raft';

/** Whether the node holds the range, as a voter or learner. */
export function isMemberOf(conf: ConfState, node: NodeId): boolean {
  return isVoterOf(conf, node) || conf.learners.includes(node);
}

/** Whether the node votes in either half of the configuration. */
export function isVoterOf({ voters, votersOutgoing }: ConfState, node: NodeId): boolean {
  return voters.includes(node) || votersOutgoing.includes(node);
}
