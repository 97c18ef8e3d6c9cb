import type { NodeId } from '@holdfast/io';

/** What the leader counts over its voters. Each only grows within one leadership. */
export interface Tracked {
  /** The highest index known to be durable there. */
  readonly match: number;
  /** The latest ReadIndex round that was confirmed. */
  readonly readRound: number;
  /** The leader's tick of the last message from there. */
  readonly heardAt: number;
  /** The highest commit index known to be known there. */
  readonly commit: number;
}

export type QuorumField = 'match' | 'readRound' | 'heardAt' | 'commit';

// Sorting happens here, so that a commit allocates nothing. Everything is synchronous: one buffer is enough.
const sorted: number[] = [];

/**
 * The highest value that a majority of `voters` has reached. With no voters nothing stands in the way: infinity.
 */
export function majorityReached(voters: readonly Tracked[], field: QuorumField): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const value = voters[i][field];
    let slot = i;
    for (; slot > 0 && sorted[slot - 1] < value; slot--) sorted[slot] = sorted[slot - 1]!;
    sorted[slot] = value;
  }
  return sorted[count >> 1];
}

/** The same for a joint configuration: a majority of each half. `outgoing` is empty when it is not joint. */
export function quorumReached(
  voters: readonly Tracked[],
  outgoing: readonly Tracked[],
  field: QuorumField,
): number {
  const incoming = majorityReached(voters, field);
  return outgoing.length === 0 ? incoming : Math.min(incoming, majorityReached(outgoing, field));
}

export type VoteResult = 'won' | 'lost' | 'pending';

/** Where an election stands among `voters`; a node without an entry in `votes` has not answered. */
export function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  let granted = 0;
  let rejected = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted++;
    else if (vote === false) rejected++;
  }
  const majority = (voters.length >> 1) + 1;
  if (voters.length === 0 || granted >= majority) return 'won';
  return voters.length - rejected < majority ? 'lost' : 'pending';
}

/** A joint election is won when both halves are won, and lost as soon as one is. */
export function jointVote(
  voters: readonly NodeId[],
  outgoing: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  const incoming = majorityVote(voters, votes);
  if (outgoing.length === 0 || incoming === 'lost') return incoming;
  const other = majorityVote(outgoing, votes);
  return incoming === 'won' ? other : other === 'lost' ? 'lost' : 'pending';
}
